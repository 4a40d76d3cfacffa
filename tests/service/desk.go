package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/tests/race"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/trust"
)

// Desk is the role of the children of every [Rig]: a process with a service of
// its own over the store.
func Desk(open race.Opener) race.Role {
	return race.With(open, func(s store.Store) error {
		d := &desk{store: s, clock: totptest.NewClock(time.Time{}), ctx: context.Background()}
		return race.Obey(d.obey)
	})
}

type desk struct {
	*totpflow.Service
	ctx   context.Context
	store store.Store
	clock *totptest.Clock

	challenges [goroutines]totpflow.Challenge // of each hand

	mu     sync.Mutex
	report report
}

// Open returns a service over the store, with a ring of keys and a clock that the
// processes share. The factor is required, so that an enrollment begins with a
// challenge.
func Open(s store.Store, ring string, clock *totptest.Clock) (*totpflow.Service, error) {
	keys, err := keyring.Parse(ring)
	if err != nil {
		return nil, err
	}
	return totpflow.New(totpflow.Config{
		Issuer: "Acme Backup", Store: s, Keys: keys, Now: clock.Now,
		Policy: policy.Fixed{Mode: policy.Required}, Events: event.Slog(slog.New(slog.DiscardHandler)),
	})
}

func (d *desk) obey(line string) (answer string, err error) {
	var o order
	if err := json.Unmarshal([]byte(line), &o); err != nil {
		return "", err
	}
	d.clock.Set(o.At)
	if d.Service == nil {
		if d.Service, err = Open(d.store, o.Ring, d.clock); err != nil {
			return "", err
		}
	}
	d.report = report{Outcomes: make(map[outcome]int)}
	if err := d.do(o); err != nil {
		return "", fmt.Errorf("%s: %w", o.Do, err)
	}
	b, err := json.Marshal(d.report)
	return string(b), err
}

func (d *desk) do(o order) error {
	switch o.Do {
	case sit:
		return d.sit(o.User)
	case verify:
		d.verify(o)
	case redeem:
		d.redeem(o)
	case guess:
		d.guess(o)
	case confirm:
		d.confirm(o)
	case check:
		d.check(o)
	default:
		return errors.New("no such task")
	}
	return nil
}

// sit gives each hand a challenge of its own.
func (d *desk) sit(u totpflow.User) error {
	var faults [goroutines]error
	race.Hands(goroutines, func(hand int) {
		d.challenges[hand], faults[hand] = d.ask(u)
	})
	return errors.Join(faults[:]...)
}

// ask signs in to where a code is asked.
func (d *desk) ask(u totpflow.User) (totpflow.Challenge, error) {
	next, err := d.SignIn(d.ctx, u)
	if err == nil && next.Step != totpflow.AskCode {
		err = fmt.Errorf("%v instead of a question for a code", next.Step)
	}
	return next.Challenge, err
}

// verify is one code by every way that takes one.
func (d *desk) verify(o order) {
	race.Hands(goroutines, func(hand int) {
		var err error
		if hand%4 == 0 {
			_, err = d.Account(o.User).Reauthenticate(d.ctx, "delete backup", o.Code)
		} else {
			_, err = d.VerifyCode(d.ctx, d.challenges[hand], o.Code)
		}
		d.count(err)
	})
}

// redeem is one recovery code. Its use ends the other sign-ins under way, so
// some begin anew and try it once more.
func (d *desk) redeem(o order) {
	race.Hands(goroutines, func(hand int) {
		_, err := d.VerifyRecoveryCode(d.ctx, d.challenges[hand], o.Code)
		d.count(err)
		if hand%8 != 0 || !errors.Is(err, totpflow.ErrChallenge) {
			return
		}
		c, err := d.ask(o.User)
		if err == nil {
			_, err = d.VerifyRecoveryCode(d.ctx, c, o.Code)
		}
		d.count(err)
	})
}

// guess is one wrong code by every way that takes one, over and over.
func (d *desk) guess(o order) {
	race.Hands(goroutines, func(hand int) {
		for n := hand; n < o.Guesses; n += goroutines {
			var err error
			if hand%4 == 0 {
				_, err = d.Account(o.User).Reauthenticate(d.ctx, "delete backup", o.Code)
			} else {
				_, err = d.VerifyCode(d.ctx, d.challenges[hand], o.Code)
			}
			d.count(err)
		}
	})
}

// confirm is the confirmation of the enrollments that were begun. Some hands begin
// their own beside them, which replaces the one that was begun last.
func (d *desk) confirm(o order) {
	race.Hands(goroutines, func(hand int) {
		page, code := o.Pages[hand%len(o.Pages)], o.Codes[hand%len(o.Codes)]
		if hand%8 == 0 {
			mine, err := d.BeginEnrollment(d.ctx, o.Challenge)
			if err != nil {
				d.count(err)
				return
			}
			phone, err := totptest.ScanURI(mine.Offer.URI(), d.clock)
			if err != nil {
				d.count(err)
				return
			}
			page, code = mine.Token, phone.Peek()
		}
		done, err := d.ConfirmEnrollment(d.ctx, page, code)
		d.count(err)
		if err == nil {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.report.Bound = append(d.report.Bound, bound{done.Sheet.Secret, done.Sheet.Codes[0]})
		}
	})
}

// check is a sign-in in a trusted browser. At the desk that revokes it, one hand
// does, and the others begin when it has begun.
func (d *desk) check(o order) {
	begun := make(chan struct{})
	if o.Revoke == "" {
		close(begun)
	}
	race.Hands(goroutines, func(hand int) {
		if hand == 0 && o.Revoke != "" {
			close(begun)
			d.revoke(o)
			return
		}
		<-begun
		at := race.Now()
		next, err := d.SignIn(d.ctx, o.User, trust.Token(o.Browser))
		d.mu.Lock()
		defer d.mu.Unlock()
		switch {
		case err == nil && next.Step == totpflow.Passed:
			d.report.Outcomes[ok]++
			d.report.Accepted = max(d.report.Accepted, at)
		case err == nil:
			d.report.Outcomes[asked]++
		default:
			d.report.count(err)
		}
	})
}

// revoke asks until there is an answer.
func (d *desk) revoke(o order) {
	for {
		err := d.Account(o.User).RevokeBrowser(d.ctx, o.Revoke)
		if errors.Is(err, store.ErrUnavailable) {
			d.count(err)
			continue
		}
		at := race.Now()
		d.mu.Lock()
		defer d.mu.Unlock()
		if err != nil && !errors.Is(err, totpflow.ErrNoBrowser) {
			d.report.Fault = err.Error()
		}
		d.report.Revoked = at
		return
	}
}

func (d *desk) count(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.report.count(err)
}
