package totptest

import (
	"fmt"
	"sync"
	"time"

	"github.com/totpflow/totpflow/totp"
)

// An Authenticator is a virtual phone with one authenticator app and one
// account in it.
type Authenticator struct {
	key   totp.Key
	label totp.Label
	clock *Clock

	mu    sync.Mutex
	drift time.Duration
	given totp.Step // the newest step whose code was given

	near   map[string]bool // the codes that WrongCode must not return,
	nearTo time.Time       // around this time
}

// ScanURI sets an authenticator up from a Key URI ("otpauth://totp/…"). Like apps, it
// accepts weak keys too (totp.Key.Weak), of 80 bits or more.
func ScanURI(uri string, clock *Clock) (*Authenticator, error) {
	key, label, err := totp.ParseStored(uri)
	if err != nil {
		return nil, fmt.Errorf("totptest: scan: %w", err)
	}
	return &Authenticator{key: key, label: label, clock: clock}, nil
}

// TypeSecret sets an authenticator up from a secret typed by hand, which may be weak, as
// with [ScanURI].
func TypeSecret(secret string, clock *Clock) (*Authenticator, error) {
	key, err := totp.ReadSecret(secret, totp.Params{})
	if err != nil {
		return nil, fmt.Errorf("totptest: type: %w", err)
	}
	return &Authenticator{key: key, clock: clock}, nil
}

// Label returns the text that the app shows for the account. It is empty after TypeSecret.
func (a *Authenticator) Label() totp.Label { return a.label }

// SetDrift puts the phone's clock ahead by d, or behind where d is negative.
func (a *Authenticator) SetDrift(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.drift = d
}

// Code returns the code on the display. If that was returned before, it first waits for
// the next one by advancing the clock. It panics when the clock shows a time before 1970.
func (a *Authenticator) Code() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	// Once in a million steps the next step has the same code; [totp.Key.Verify] then
	// returns that later step, which is used up. No test may fail because of that, so the
	// authenticator waits until such a code has passed.
	for {
		code, period := a.next(), a.key.Params().Period
		if code != a.mustCode(a.clock.Now().Add(a.drift+period)) {
			return code
		}
	}
}

// next returns the code of a step that was not given yet.
func (a *Authenticator) next() string {
	at := a.clock.Now().Add(a.drift)
	if a.key.Step(at) <= a.given {
		next := a.key.Start(a.given + 1)
		a.clock.Advance(next.Sub(at))
		at = next
	}
	a.given = a.key.Step(at)
	return a.mustCode(at)
}

// Pair returns two consecutive codes; the second is on the display when Pair returns. It
// waits until both are new.
func (a *Authenticator) Pair() (first, second string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.next(), a.next()
}

// Peek returns the code on the display without counting it as given: for tests
// of what happens to a code that is used twice.
func (a *Authenticator) Peek() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.mustCode(a.clock.Now().Add(a.drift))
}

// WrongCode returns a code that is not right at any time near now, nor as far away as
// enroll.DriftError looks.
func (a *Authenticator) WrongCode() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	const drift, slack = 14 * time.Hour, time.Hour // enroll.DriftError goes as far
	if now := a.clock.Now().Add(a.drift); a.near == nil || now.Sub(a.nearTo).Abs() > slack {
		a.near, a.nearTo = make(map[string]bool), now
		for d := -drift - slack; d <= drift+slack; d += a.key.Params().Period {
			if at := now.Add(d); at.Unix() >= 0 {
				a.near[a.mustCode(at)] = true
			}
		}
	}
	for n := 0; ; n++ {
		code := fmt.Sprintf("%0*d", a.key.Params().Digits, n)
		if !a.near[code] {
			return code
		}
	}
}

func (a *Authenticator) mustCode(at time.Time) string {
	code, err := a.key.Code(at)
	if err != nil {
		panic(fmt.Sprintf("totptest: %v", err))
	}
	return code
}
