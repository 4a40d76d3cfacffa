package totpflow_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/trust"
)

// A row is one account in a table of the program's own. Its version is in every write:
//
//	UPDATE factors SET …, version = version + 1 WHERE user = ? AND version = ?
type row struct {
	version  int
	key      totp.Key        // sealed: a copy of the table must not make codes
	last     totp.Step       // the newest step that was accepted
	guesses  throttle.Budget // one for all kinds of codes
	recovery recovery.Set
	attempts throttle.Rate // at the recovery codes, so that neither locks the other
	browsers []trust.Browser
}

// A table takes the place of the database.
type table struct {
	mu   sync.Mutex
	rows map[string]row
}

func (t *table) load(user string) row {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.rows[user]
}

// swap writes next if nobody has written since the row was loaded.
func (t *table) swap(user string, next row) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rows[user].version != next.version {
		return false
	}
	next.version++
	t.rows[user] = next
	return true
}

var errBusy = errors.New("try again")

// change is the only way to change a row: load, decide, swap, and only then answer. The
// error of decide is the answer, and it also comes after the write: a wrong code whose
// count was not written is a free guess.
func (t *table) change(user string, decide func(*row) error) error {
	for range 3 {
		r := t.load(user)
		answer := decide(&r)
		if t.swap(user, r) {
			return answer
		}
	}
	return errBusy // nobody gets in, and nothing is said about the code
}

// verify accepts a code of the app, with the traps that a table of one's own has:
//
//   - Ask the budget before the code is looked at, and charge a wrong one, in the same write.
//   - Verify returns the step: keep it, or the code works again for a minute.
//   - With an error Verify returns the step that it was given: assigning it loses nothing.
//   - A code that is malformed, or was used, is not a guess, and is not charged.
func (t *table) verify(user, code string, at time.Time) error {
	const chances = 3 // one authenticator, three steps
	limits := throttle.Default()
	return t.change(user, func(r *row) error {
		if err := r.guesses.Allow(at, limits, chances); err != nil {
			return err
		}
		step, err := r.key.Verify(code, at, r.last, totp.Standard())
		switch {
		case err == nil:
			r.last, r.guesses = step, r.guesses.Succeed(at, "")
		case errors.Is(err, totp.ErrMalformedCode), errors.Is(err, totp.ErrAlreadyUsed):
		default:
			r.guesses = r.guesses.Fail(at, limits, "", chances)
		}
		return err
	})
}

// recover accepts a recovery code. In the same write it ends trusted browsers: a thief
// with the lost phone may have trusted one. Derive is slow on purpose: derive once,
// outside of the loop.
func (t *table) recover(ctx context.Context, user, code string, at time.Time) error {
	digest, err := t.load(user).recovery.Derive(ctx, code)
	if err != nil {
		return err
	}
	return t.change(user, func(r *row) (err error) {
		if r.attempts, err = r.attempts.Take(at, 10, time.Hour); err != nil {
			return err
		}
		next, err := r.recovery.Redeem(at, digest)
		if err != nil {
			return err
		}
		r.recovery, r.browsers = next, nil
		return nil
	})
}

// The packages alone, for a program that has a table of its own and wants no service.
func Example_tableOfYourOwn() {
	ctx, clock := context.Background(), totptest.NewClock(time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC))
	key, _ := totp.NewKey(totp.Params{})
	codes, set := recovery.New(clock.Now())
	t := &table{rows: map[string]row{"ana": {key: key, recovery: set}}}
	phone, _ := totptest.TypeSecret(key.Secret(), clock)

	code := phone.Code()
	fmt.Println("a code:", t.verify("ana", code, clock.Now()))
	fmt.Println("again:", t.verify("ana", code, clock.Now()))

	// The browser is remembered by the write that accepts it.
	ring, _ := keyring.Parse(keyring.Generate())
	scope := trust.Scope{User: "ana", Audience: "console"}
	token, browser := trust.Issue(ring, scope, "Firefox on Linux", clock.Now())
	_ = t.change("ana", func(r *row) error { r.browsers = trust.Remember(r.browsers, browser); return nil })
	trusted := func() error {
		_, err := trust.Check(ring, scope, token, t.load("ana").browsers, clock.Now(), trust.DefaultAge)
		return err
	}
	fmt.Println("trusted:", trusted())
	fmt.Println("recovered:", t.recover(ctx, "ana", codes[0], clock.Now()))
	fmt.Println("trusted:", trusted())

	for range 5 {
		_ = t.verify("ana", phone.WrongCode(), clock.Now())
	}
	fmt.Println("locked after five:", errors.Is(t.verify("ana", phone.Code(), clock.Now().Add(-time.Second)), throttle.ErrThrottled))
	// Output:
	// a code: <nil>
	// again: totp: code already used
	// trusted: <nil>
	// recovered: <nil>
	// trusted: trust: not trusted: revoked or never known
	// locked after five: true
}
