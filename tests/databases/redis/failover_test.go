package redis_test

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/redisstore"
	"github.com/totpflow/totpflow/tests/tools/servers"
	"github.com/totpflow/totpflow/totptest"
)

// A code is accepted, the primary dies before its replica has heard of it, and the
// replica is promoted: there the code is unused. It is refused for as long as it would be
// right, and afterwards it is wrong.
func TestFailoverReplay(t *testing.T) {
	p := lose(t)
	began := p.clock.Now()
	for p.clock.Now().Sub(began) < 5*time.Minute {
		next, err := p.mfa.SignIn(t.Context(), ana)
		require.Zero(t, next)
		requireQuarantine(t, err, began.Add(5*time.Minute))
		next, err = p.mfa.VerifyCode(t.Context(), p.challenge, p.code)
		require.Zero(t, next)
		requireQuarantine(t, err, began.Add(5*time.Minute))
		p.clock.Advance(10 * time.Second)
	}

	next, err := p.mfa.SignIn(t.Context(), ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, next.Step)
	_, err = p.mfa.VerifyCode(t.Context(), next.Challenge, p.code)
	require.ErrorIs(t, err, totpflow.ErrRejected)
	next, err = p.mfa.VerifyCode(t.Context(), next.Challenge, p.phone.Code())
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, next.Step)
}

// The attack is real: without the quarantine the same code passes again. So the test
// above does not pass for another reason.
func TestFailoverReplayPassesWithoutQuarantine(t *testing.T) {
	p := lose(t)
	require.NoError(t, p.store.Release(t.Context()))
	next, err := p.mfa.VerifyCode(t.Context(), p.challenge, p.code)
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, next.Step)
}

var ana = totpflow.User{ID: totpflow.AccountID{User: "42"}, Name: "ana@acme.example"}

// A promoted is a product on a replica that has missed its last sign-in.
type promoted struct {
	clock     *totptest.Clock
	store     *redisstore.Store
	mfa       *totpflow.Service
	phone     *totptest.Authenticator
	challenge totpflow.Challenge // of the sign-in
	code      string             // that was accepted
}

func lose(t *testing.T) promoted {
	primary, replica := begin(t), begin(t)
	current := point(primary)
	p := promoted{clock: newClock()}
	p.store = redisstore.New(current.client(t), redisstore.Options{Now: p.clock.Now})
	require.NoError(t, p.store.Create(t.Context()))
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	p.mfa, err = totpflow.New(totpflow.Config{
		Issuer: "Acme Backup", Store: p.store, Keys: keys, Now: p.clock.Now,
		Policy: policy.Fixed{Mode: policy.Required}, Observer: event.Slog(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)

	next, err := p.mfa.SignIn(t.Context(), ana)
	require.NoError(t, err)
	page, err := p.mfa.BeginEnrollment(t.Context(), next.Challenge)
	require.NoError(t, err)
	p.phone, err = totptest.ScanURI(page.Offer.URI(), p.clock)
	require.NoError(t, err)
	_, err = p.mfa.ConfirmEnrollment(t.Context(), page.Token, p.phone.Code())
	require.NoError(t, err)

	follow(t, replica, primary)
	cut(t, replica)
	next, err = p.mfa.SignIn(t.Context(), ana)
	require.NoError(t, err)
	p.challenge, p.code = next.Challenge, p.phone.Code()
	next, err = p.mfa.VerifyCode(t.Context(), p.challenge, p.code)
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, next.Step)

	require.NoError(t, primary.Kill())
	promote(t, replica)
	current.move(replica)
	return p
}

// A pointer is a name that comes to mean another server, as when DNS or Sentinel changes
// it. Its clients connect for each command.
type pointer struct{ server atomic.Pointer[servers.Redis] }

func point(s servers.Redis) *pointer {
	p := new(pointer)
	p.move(s)
	return p
}

func (p *pointer) move(s servers.Redis) { p.server.Store(&s) }

func (p *pointer) client(t *testing.T) *redis.Client {
	options := patient("")
	options.ConnMaxIdleTime = 1
	options.Dialer = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, p.server.Load().Addr())
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}

// follow makes replica one of primary, and returns when it has all data.
func follow(t *testing.T, replica, primary servers.Redis) {
	t.Helper()
	require.NoError(t, dial(t, replica).Do(t.Context(), "REPLICAOF", "127.0.0.1", primary.Port()).Err())
	require.Eventually(t, func() bool {
		return strings.Contains(info(t, replica, "replication"), "master_link_status:up")
	}, time.Minute, 10*time.Millisecond)
	got, err := dial(t, primary).Do(t.Context(), "WAIT", 1, 0).Int()
	require.NoError(t, err)
	require.Equal(t, 1, got)
}

// cut keeps a replica from hearing anything more, while it stays one.
func cut(t *testing.T, replica servers.Redis) {
	t.Helper()
	require.NoError(t, dial(t, replica).Do(t.Context(), "REPLICAOF", "127.0.0.1", 1).Err())
}

func promote(t *testing.T, replica servers.Redis) {
	t.Helper()
	require.NoError(t, dial(t, replica).Do(t.Context(), "REPLICAOF", "NO", "ONE").Err())
}

func info(t *testing.T, s servers.Redis, section string) string {
	t.Helper()
	text, err := dial(t, s).Info(context.WithoutCancel(t.Context()), section).Result()
	require.NoError(t, err)
	return text
}

func requireQuarantine(t *testing.T, err error, until time.Time) {
	t.Helper()
	require.ErrorIs(t, err, store.ErrUnavailable)
	var quarantine *redisstore.QuarantineError
	require.ErrorAs(t, err, &quarantine)
	require.Equal(t, until, quarantine.Until)
}
