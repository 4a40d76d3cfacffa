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
	"github.com/totpflow/totpflow/tests/rigs/race"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/trust"
)

// Replica returns the role of the children of every [Rig]: a process with a service of
// its own over the store.
func Replica(open race.Opener) race.Role {
	return race.With(open, func(s store.Store) error {
		r := &replica{store: s, clock: totptest.NewClock(time.Time{}), ctx: context.Background()}
		return race.Obey(r.obey)
	})
}

type replica struct {
	*totpflow.Service
	ctx   context.Context
	store store.Store
	clock *totptest.Clock

	challenges [goroutines]totpflow.Challenge // a challenge for each hand

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
		Policy: policy.Fixed{Mode: policy.Required}, Observer: event.Slog(slog.New(slog.DiscardHandler)),
	})
}

func (r *replica) obey(line string) (answer string, err error) {
	var o order
	if err := json.Unmarshal([]byte(line), &o); err != nil {
		return "", err
	}
	r.clock.Set(o.At)
	if r.Service == nil {
		if r.Service, err = Open(r.store, o.Ring, r.clock); err != nil {
			return "", err
		}
	}
	r.report = report{Outcomes: make(map[outcome]int)}
	if err := r.do(o); err != nil {
		return "", fmt.Errorf("%s: %w", o.Do, err)
	}
	b, err := json.Marshal(r.report)
	return string(b), err
}

func (r *replica) do(o order) error {
	switch o.Do {
	case sit:
		return r.sit(o.User)
	case verify:
		r.verify(o)
	case redeem:
		r.redeem(o)
	case guess:
		r.guess(o)
	case confirm:
		r.confirm(o)
	case check:
		r.check(o)
	default:
		return errors.New("no such task")
	}
	return nil
}

// sit gives each hand a challenge of its own.
func (r *replica) sit(u totpflow.User) error {
	var faults [goroutines]error
	race.Hands(goroutines, func(hand int) {
		r.challenges[hand], faults[hand] = r.ask(u)
	})
	return errors.Join(faults[:]...)
}

// ask signs in to the point where a code is asked for.
func (r *replica) ask(u totpflow.User) (totpflow.Challenge, error) {
	next, err := r.SignIn(r.ctx, u)
	if err == nil && next.Step != totpflow.AskCode {
		err = fmt.Errorf("%v instead of a question for a code", next.Step)
	}
	return next.Challenge, err
}

// verify tries one code by every call that accepts one.
func (r *replica) verify(o order) {
	race.Hands(goroutines, func(hand int) {
		var err error
		if hand%4 == 0 {
			_, err = r.Account(o.User).VerifyCode(r.ctx, totpflow.Purpose{Action: "delete backup"}, o.Code)
		} else {
			_, err = r.VerifyCode(r.ctx, r.challenges[hand], o.Code)
		}
		r.count(err)
	})
}

// redeem tries one recovery code. Its use ends the other sign-ins under way, so some
// begin again and try it once more.
func (r *replica) redeem(o order) {
	race.Hands(goroutines, func(hand int) {
		_, err := r.VerifyRecoveryCode(r.ctx, r.challenges[hand], o.Code)
		r.count(err)
		if hand%8 != 0 || !errors.Is(err, totpflow.ErrChallenge) {
			return
		}
		c, err := r.ask(o.User)
		if err == nil {
			_, err = r.VerifyRecoveryCode(r.ctx, c, o.Code)
		}
		r.count(err)
	})
}

// guess tries one wrong code by every call that accepts one, over and over.
func (r *replica) guess(o order) {
	race.Hands(goroutines, func(hand int) {
		for n := hand; n < o.Guesses; n += goroutines {
			var err error
			if hand%4 == 0 {
				_, err = r.Account(o.User).VerifyCode(r.ctx, totpflow.Purpose{Action: "delete backup"}, o.Code)
			} else {
				_, err = r.VerifyCode(r.ctx, r.challenges[hand], o.Code)
			}
			r.count(err)
		}
	})
}

// confirm confirms the enrollments that were begun. Some hands begin their own beside
// them, which replaces the one that was begun last.
func (r *replica) confirm(o order) {
	race.Hands(goroutines, func(hand int) {
		page, code := o.Pages[hand%len(o.Pages)], o.Codes[hand%len(o.Codes)]
		if hand%8 == 0 {
			mine, err := r.BeginEnrollment(r.ctx, o.Challenge)
			if err != nil {
				r.count(err)
				return
			}
			phone, err := totptest.ScanURI(mine.Offer.URI(), r.clock)
			if err != nil {
				r.count(err)
				return
			}
			page, code = mine.Token, phone.Peek()
		}
		done, err := r.ConfirmEnrollment(r.ctx, page, code)
		r.count(err)
		if err == nil {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.report.Bound = append(r.report.Bound, bound{done.Sheet.Secret, done.Sheet.Codes[0]})
		}
	})
}

// check signs in with a trusted browser. At the replica that revokes it, one hand does
// so, and the others begin when it has begun.
func (r *replica) check(o order) {
	begun := make(chan struct{})
	if o.Revoke == "" {
		close(begun)
	}
	race.Hands(goroutines, func(hand int) {
		if hand == 0 && o.Revoke != "" {
			close(begun)
			r.revoke(o)
			return
		}
		<-begun
		at := race.Now()
		next, err := r.SignIn(r.ctx, o.User, trust.Token(o.Browser))
		r.mu.Lock()
		defer r.mu.Unlock()
		switch {
		case err == nil && next.Step == totpflow.Passed:
			r.report.Outcomes[ok]++
			r.report.Accepted = max(r.report.Accepted, at)
		case err == nil:
			r.report.Outcomes[asked]++
		default:
			r.report.count(err)
		}
	})
}

// revoke repeats until there is an answer.
func (r *replica) revoke(o order) {
	for {
		err := r.Account(o.User).RevokeBrowser(r.ctx, o.Revoke)
		if errors.Is(err, store.ErrUnavailable) {
			r.count(err)
			continue
		}
		at := race.Now()
		r.mu.Lock()
		defer r.mu.Unlock()
		if err != nil && !errors.Is(err, totpflow.ErrNoBrowser) {
			r.report.Fault = err.Error()
		}
		r.report.Revoked = at
		return
	}
}

func (r *replica) count(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.count(err)
}
