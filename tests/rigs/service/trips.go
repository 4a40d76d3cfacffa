package service

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

// Trips counts how often a client sends something and waits for the answer.
type Trips struct{ sent atomic.Int64 }

// Dial connects, and counts what is sent.
func (t *Trips) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	return counted{conn, t}, err
}

type counted struct {
	net.Conn
	trips *Trips
}

func (c counted) Write(b []byte) (int, error) {
	c.trips.sent.Add(1)
	return c.Conn.Write(b)
}

// Of counts what is sent during the call.
func (t *Trips) Of(call func()) int {
	before := t.sent.Load()
	call()
	return int(t.sent.Load() - before)
}

// ThreeTrips signs a person in over a store whose client sends through trips. The second
// step asks the server three times: SignIn reads, VerifyCode reads and writes. Checking a
// session asks once. Any other number is an error.
func ThreeTrips(ctx context.Context, s store.Store, trips *Trips) error {
	clock := totptest.NewClock(time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC))
	mfa, err := Open(s, keyring.Generate(), clock)
	if err != nil {
		return err
	}
	ana := totpflow.User{ID: totpflow.AccountID{User: "42"}, Name: "ana@acme.example"}
	phone, err := enrolled(ctx, mfa, ana, clock)
	if err != nil {
		return err
	}
	var passed totpflow.Decision
	signIn := func() {
		next, e := mfa.SignIn(ctx, ana)
		if e == nil {
			passed, e = mfa.VerifyCode(ctx, next.Challenge, phone.Code())
		}
		err = e
	}
	signIn() // after it the client has prepared its statements, and every key of the account is drawn
	if n := trips.Of(signIn); err != nil || passed.Step != totpflow.Passed || n != 3 {
		return fmt.Errorf("the second step took %d trips and ended in %q: %w", n, passed.Step, err)
	}
	var valid bool
	if n := trips.Of(func() { valid, err = mfa.Account(ana).SessionValid(ctx, passed.Mark) }); err != nil || !valid || n != 1 {
		return fmt.Errorf("a session took %d trips and is %v: %w", n, valid, err)
	}
	return nil
}

func enrolled(ctx context.Context, mfa *totpflow.Service, u totpflow.User, clock *totptest.Clock) (*totptest.Authenticator, error) {
	next, err := mfa.SignIn(ctx, u)
	if err != nil {
		return nil, err
	}
	page, err := mfa.BeginEnrollment(ctx, next.Challenge)
	if err != nil {
		return nil, err
	}
	phone, err := totptest.ScanURI(page.Offer.URI(), clock)
	if err != nil {
		return nil, err
	}
	_, err = mfa.ConfirmEnrollment(ctx, page.Token, phone.Code())
	return phone, err
}
