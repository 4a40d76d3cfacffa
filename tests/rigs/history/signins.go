package history

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/tests/rigs/service"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/totptest"
)

const period = 30 * time.Second // of [totp.Params]

// A signIns is the game of the service: hands sign in to one account by the current
// codes.
type signIns struct {
	setup
	service *totpflow.Service
	log     *Log
	clock   *totptest.Clock
	key     totp.Key
}

// A setup makes the game the same in every process.
type setup struct {
	Ring, Secret string
	At           time.Time // the time of the clock
	User         totpflow.User
}

// newSignIns opens the game over the store.
func newSignIns(s store.Store, l *Log, at setup) (o *signIns, err error) {
	o = &signIns{setup: at, log: l, clock: totptest.NewClock(at.At)}
	if o.key, err = totp.ParseSecret(at.Secret, totp.Params{}); err != nil {
		return nil, err
	}
	o.service, err = service.Open(s, at.Ring, o.clock)
	return o, err
}

// found sets up a new person, and opens the game of their account.
func found(ctx context.Context, s store.Store, l *Log) (*signIns, error) {
	at := setup{
		Ring: keyring.Generate(), At: time.Date(2026, 1, 2, 15, 4, 0, 0, time.UTC),
		User: totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: rand.Text()}},
	}
	mfa, err := service.Open(s, at.Ring, totptest.NewClock(at.At))
	if err != nil {
		return nil, err
	}
	next, err := mfa.SignIn(ctx, at.User)
	if err != nil {
		return nil, err
	}
	page, err := mfa.BeginEnrollment(ctx, next.Challenge)
	if err != nil {
		return nil, err
	}
	at.Secret = page.Offer.Secret()
	o, err := newSignIns(s, l, at)
	if err != nil {
		return nil, err
	}
	code, op, err := o.code(0)
	if err != nil {
		return nil, err
	}
	op = l.call(op)
	_, err = o.service.ConfirmEnrollment(ctx, page.Token, code)
	l.end(op, done)
	o.later()
	return o, err
}

// later makes other codes valid than now.
func (o *signIns) later() {
	o.At = o.At.Add(3 * period)
	o.clock.Set(o.At)
}

// code returns the one this many steps from now. A time shares no code with any other
// time, so that each is a history of its own.
func (o *signIns) code(from int) (string, Op, error) {
	at := o.At.Add(time.Duration(from) * period)
	code, err := o.key.Code(at)
	return code, Op{Of: fmt.Sprintf("%s at %d", o.User.ID.User, o.key.Step(o.At)), Do: verify, Step: int64(o.key.Step(at))}, err
}

func (o *signIns) move(ctx context.Context, hand int) error {
	code, op, err := o.code(mathrand.IntN(3) - 1)
	if err != nil {
		return err
	}
	return o.verify(ctx, code, op, hand%4 == 0)
}

// verify has the code checked at the sign-in or before an action.
func (o *signIns) verify(ctx context.Context, code string, op Op, again bool) error {
	var next totpflow.Decision
	var err error
	if !again {
		if next, err = o.service.SignIn(ctx, o.User); err != nil {
			return silent(err)
		}
	}
	op = o.log.call(op)
	if again {
		_, err = o.service.Account(o.User).VerifyCode(ctx, totpflow.Purpose{Action: "delete backup"}, code)
	} else {
		_, err = o.service.VerifyCode(ctx, next.Challenge, code)
	}
	switch {
	case err == nil:
		o.log.end(op, done)
	case errors.Is(err, totpflow.ErrAlreadyUsed):
		o.log.end(op, used)
	default:
		o.log.end(op, open)
		return silent(err)
	}
	return nil
}

// silent passes on every error except that of a store which did not answer.
func silent(err error) error {
	if err == nil || errors.Is(err, store.ErrUnavailable) {
		return nil
	}
	return fmt.Errorf("a code that is right: %w", err)
}
