package guide

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

// installation returns a service and its clock.
func installation(t *testing.T, records store.Store, notify event.NotifierFunc) (*totpflow.Service, *totptest.Clock) {
	t.Helper()
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	clock := totptest.NewClock(time.Date(2026, 1, 2, 15, 4, 0, 0, time.UTC))
	c := totpflow.Config{Issuer: "Acme Backup", Store: records, Keys: keys, Policy: policy.Fixed{Mode: policy.Required}, Now: clock.Now}
	if notify != nil {
		c.Notifier = notify
	}
	mfa, err := totpflow.New(c)
	require.NoError(t, err)
	return mfa, clock
}

// setUp sets up a phone for ana.
func setUp(t *testing.T, mfa *totpflow.Service, clock *totptest.Clock) *totptest.Authenticator {
	t.Helper()
	next, err := mfa.SignIn(t.Context(), ana)
	require.NoError(t, err)
	page, err := mfa.BeginEnrollment(t.Context(), next.Challenge)
	require.NoError(t, err)
	phone, err := totptest.ScanURI(page.Offer.URI(), clock)
	require.NoError(t, err)
	_, err = mfa.ConfirmEnrollment(t.Context(), page.Token, phone.Code())
	require.NoError(t, err)
	return phone
}

// A process whose ring is not the one of the records is sent no requests.
func TestReady(t *testing.T) {
	records := store.NewMemory()
	mfa, clock := installation(t, records, nil)
	setUp(t, mfa, clock)
	probe := func(mfa *totpflow.Service) int {
		w := httptest.NewRecorder()
		(&product{mfa: mfa}).ready(w, httptest.NewRequest(http.MethodGet, "/ready", nil))
		return w.Code
	}
	require.Equal(t, http.StatusOK, probe(mfa))
	other, _ := installation(t, records, nil)
	require.Equal(t, http.StatusServiceUnavailable, probe(other))
}

// A process that ends answers the request under way, and sends the mails that are due.
func TestServe(t *testing.T) {
	told, block := make(chan struct{}, 10), make(chan struct{})
	mfa, clock := installation(t, store.NewMemory(), func(context.Context, event.Notification) error {
		<-block
		told <- struct{}{}
		return nil
	})
	setUp(t, mfa, clock)
	entered := make(chan struct{})
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(entered)
		<-block
	})}
	on, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended, answered := make(chan error, 1), make(chan error, 1)
	go func() { ended <- serve(ctx, server, on, mfa) }()
	go func() {
		answer, err := http.Get("http://" + on.Addr().String())
		if err == nil {
			err = answer.Body.Close()
		}
		answered <- err
	}()
	<-entered
	stop()
	close(block)
	require.NoError(t, <-ended)
	require.NoError(t, <-answered)
	require.NotEmpty(t, told)

	failing, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, failing.Close())
	require.Error(t, serve(t.Context(), &http.Server{ReadHeaderTimeout: time.Second}, failing, mfa))
}

// A mail that failed is sent at a later tick.
func TestDeliver(t *testing.T) {
	told, down := make(chan event.Notification, 10), true
	mfa, clock := installation(t, store.NewMemory(), func(_ context.Context, n event.Notification) error {
		if down {
			return errors.New("the mail server is down")
		}
		told <- n
		return nil
	})
	setUp(t, mfa, clock)
	require.NoError(t, mfa.Drain(t.Context()))
	require.Empty(t, told)
	down = false
	clock.Advance(time.Hour)
	ctx, stop := context.WithCancel(t.Context())
	tick, ended := make(chan time.Time), make(chan struct{})
	go func() {
		defer close(ended)
		deliver(ctx, mfa, tick)
	}()
	tick <- clock.Now()
	require.Equal(t, event.EnrollmentConfirmed, (<-told).Main().Kind)
	stop()
	<-ended
}
