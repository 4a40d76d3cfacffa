package service

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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

// Of counts what is sent meanwhile.
func (t *Trips) Of(call func()) int {
	before := t.sent.Load()
	call()
	return int(t.sent.Load() - before)
}

// RequireThreeTrips signs a person in over a store whose client sends through trips.
// The second step asks the server three times: SignIn reads, VerifyCode reads and
// writes. A session that is looked at asks once.
func RequireThreeTrips(t *testing.T, s store.Store, trips *Trips) {
	t.Helper()
	ctx, clock := t.Context(), totptest.NewClock(time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC))
	mfa, err := Open(s, keyring.Generate(), clock)
	require.NoError(t, err)
	ana := totpflow.User{ID: totpflow.AccountID{User: "42"}, Name: "ana@acme.example"}
	next, err := mfa.SignIn(ctx, ana)
	require.NoError(t, err)
	page, err := mfa.BeginEnrollment(ctx, next.Challenge)
	require.NoError(t, err)
	phone, err := totptest.ScanURI(page.Offer.URI(), clock)
	require.NoError(t, err)
	_, err = mfa.ConfirmEnrollment(ctx, page.Token, phone.Code())
	require.NoError(t, err)

	var passed totpflow.Decision
	signIn := func() {
		next, err := mfa.SignIn(ctx, ana)
		require.NoError(t, err)
		passed, err = mfa.VerifyCode(ctx, next.Challenge, phone.Code())
		require.NoError(t, err)
		require.Equal(t, totpflow.Passed, passed.Step)
	}
	signIn() // with it the client has prepared its statements, and every key of the account is drawn
	require.Equal(t, 3, trips.Of(signIn))
	require.Equal(t, 1, trips.Of(func() {
		valid, err := mfa.Account(ana).SessionValid(ctx, passed.Mark)
		require.NoError(t, err)
		require.True(t, valid)
	}))
}
