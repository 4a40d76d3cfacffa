package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

// A logbook is an engine whose log lines a test reads.
type logbook struct {
	*Engine
	t     *testing.T
	out   bytes.Buffer
	clock *totptest.Clock
	store *totptest.Store
}

func newLogbook(t *testing.T, change ...func(*Config)) *logbook {
	l := &logbook{t: t, clock: totptest.NewClock(at), store: totptest.Wrap(store.NewMemory())}
	c := Config{
		Store: l.store, Keys: ring(t), Observer: &hears{}, Now: l.clock.Now,
		Logger: slog.New(slog.NewTextHandler(&l.out, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range change {
		f(&c)
	}
	l.Engine = New(c)
	return l
}

// lines returns what was logged since the last call.
func (l *logbook) lines() []string {
	defer l.out.Reset()
	text := strings.TrimSpace(l.out.String())
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// one requires exactly one line, with all of these texts.
func (l *logbook) one(texts ...string) {
	l.t.Helper()
	lines := l.lines()
	require.Len(l.t, lines, 1)
	for _, text := range texts {
		require.Contains(l.t, lines[0], text)
	}
}

func save(tx *Tx) error { tx.Save(); return nil }

// A database that is down causes one line a minute, however many people try, with the
// number of those that were held back.
func TestStoreFailureIsOneLineAMinute(t *testing.T) {
	l := newLogbook(t)
	l.store.SetFaults(totptest.Faults{Get: errors.New("connection refused")})
	for i := range 5_000 {
		require.ErrorIs(t, l.Change(t.Context(), store.AccountID{User: fmt.Sprint(i)}, save), store.ErrUnavailable)
	}
	require.NotContains(t, l.out.String(), "held_back", "nothing was held back before it")
	require.NotContains(t, l.out.String(), "user=", "it fails for everybody")
	l.one("level=ERROR", storeFailed, "connection refused")
	l.clock.Advance(time.Minute)
	_, _, err := l.Read(t.Context(), id)
	require.ErrorIs(t, err, store.ErrUnavailable)
	l.one("held_back=4999")
	l.clock.Advance(time.Minute)
	l.store.SetFaults(totptest.Faults{List: errors.New("connection refused")})
	require.Error(t, l.Ready(t.Context()))
	l.one(storeFailed)
	l.store.SetFaults(totptest.Faults{})
	require.NoError(t, l.Change(t.Context(), id, save))
	require.Empty(t, l.lines(), "nothing is wrong any more")
}

// So is one that fails while others are at work on the account.
func TestStoreFailureOfAGuess(t *testing.T) {
	l := newLogbook(t)
	require.NoError(t, l.Change(t.Context(), id, func(*Tx) error {
		l.store.SetFaults(totptest.Faults{Get: errors.New("connection refused")})
		require.ErrorIs(t, l.Guess(t.Context(), id, save), store.ErrUnavailable)
		l.store.SetFaults(totptest.Faults{})
		return nil
	}))
	l.one("level=ERROR", storeFailed, "connection refused")
}

// A caller who hangs up is not an error: an operator who looks for errors does not find
// it.
func TestCallerWhoHangsUpIsNoError(t *testing.T) {
	l := newLogbook(t, func(c *Config) { c.Logger = slog.New(exports{c.Logger.Handler()}) })
	ctx, cancel := context.WithCancel(t.Context())
	err := l.Change(ctx, id, func(tx *Tx) error { cancel(); return save(tx) })
	require.ErrorIs(t, err, context.Canceled)
	l.one("level=DEBUG", callerGone)
}

// An exports handler writes nothing for a caller who has gone, as one that sends its lines
// over the network.
type exports struct{ slog.Handler }

func (h exports) Handle(ctx context.Context, r slog.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return h.Handler.Handle(ctx, r)
}

// Lines that the host does not want take no place of those that it does.
func TestUnwantedLinesTakeNoPlace(t *testing.T) {
	l := newLogbook(t)
	l.Logger = slog.New(slog.NewTextHandler(&l.out, &slog.HandlerOptions{Level: slog.LevelError}))
	for i := range maxLines {
		l.report(t.Context(), slog.LevelDebug, troubleOf{kind: racesLost, id: store.AccountID{User: fmt.Sprint(i)}})
	}
	l.report(t.Context(), slog.LevelError, troubleOf{kind: storeFailed})
	l.one(storeFailed)
}

// Records that do not open cause a line each, but never more than a bounded number a
// minute, and nothing is remembered beyond that.
func TestUnreadableRecords(t *testing.T) {
	memory := store.NewMemory()
	written := newLogbook(t, func(c *Config) { c.Store = memory })
	const people = 3_000
	for i := range people {
		require.NoError(t, written.Change(t.Context(), store.AccountID{Tenant: "acme", User: fmt.Sprint(i)}, save))
	}
	l := newLogbook(t, func(c *Config) { c.Store = memory })
	for range 3 {
		require.Error(t, l.Change(t.Context(), store.AccountID{Tenant: "acme", User: "7"}, save))
	}
	l.one("level=ERROR", unreadable, "tenant=acme user=7")
	for i := range people {
		require.Error(t, l.Look(t.Context(), store.AccountID{Tenant: "acme", User: fmt.Sprint(i)}, save))
	}
	require.Len(t, l.lines(), maxLines-1)
	l.clock.Advance(time.Minute)
	require.Error(t, l.Change(t.Context(), store.AccountID{Tenant: "acme", User: "1"}, save))
	l.one(fmt.Sprint("held_back_elsewhere=", people-maxLines))
}

// contested is a store in which other writers always win the race.
type contested struct{ store.Store }

func (contested) Put(context.Context, store.Record, store.Version) error { return store.ErrConflict }

// Lost races are logged at debug level; a flow that gave up is a warning.
func TestLostRaces(t *testing.T) {
	l := newLogbook(t)
	other := New(l.Config)
	first := true
	require.NoError(t, l.Change(t.Context(), id, func(tx *Tx) error {
		if first {
			first = false
			require.NoError(t, other.Change(t.Context(), id, save))
		}
		return save(tx)
	}))
	l.one("level=DEBUG", racesLost, "rounds=1")
	l = newLogbook(t, func(c *Config) { c.Store = contested{c.Store} })
	require.ErrorIs(t, l.Change(t.Context(), id, save), store.ErrConflict)
	l.one("level=WARN", racesLost)
}

// A noDirectory is a policy source that fails.
type noDirectory struct{}

func (noDirectory) Policy(context.Context, store.AccountID) (policy.Policy, error) {
	return policy.Policy{}, errors.New("no directory")
}

// A policy that cannot be read locks out everybody of the tenant.
func TestPolicyFailure(t *testing.T) {
	l := newLogbook(t, func(c *Config) {
		c.Policy = noDirectory{}
	})
	for range 3 {
		_, err := l.PolicyOf(t.Context(), id)
		require.ErrorIs(t, err, ErrPolicy)
	}
	l.one("level=ERROR", policyFailed, "tenant=acme", "no directory")
}

// An observer that panics fails no flow, and causes a line for each kind of event.
func TestPanickingObserver(t *testing.T) {
	l := newLogbook(t, func(c *Config) {
		c.Observer = event.ObserverFunc(func(context.Context, event.Event) { panic("a template") })
	})
	for i := range 100 {
		require.NoError(t, l.Change(t.Context(), store.AccountID{User: fmt.Sprint(i)}, func(tx *Tx) error {
			tx.Log(event.Event{Kind: event.Throttled})
			tx.Log(event.Event{Kind: event.CodeReplayed})
			return nil
		}))
	}
	lines := l.lines()
	require.Len(t, lines, 2)
	for i, kind := range []event.Kind{event.Throttled, event.CodeReplayed} {
		for _, text := range []string{"level=ERROR", observerPanic, "kind=" + string(kind), "a template"} {
			require.Contains(t, lines[i], text)
		}
	}
}

// A notification that is given up is logged with the notifier's error, which no event
// contains.
func TestGivenUpIsLogged(t *testing.T) {
	l := newLogbook(t, func(c *Config) {
		c.Notifier = event.NotifierFunc(func(context.Context, event.Notification) error {
			return fmt.Errorf("%w: 550 no such mailbox", event.ErrUndeliverable)
		})
	})
	require.NoError(t, l.Change(t.Context(), id, func(tx *Tx) error {
		tx.Log(event.Event{Kind: event.Reset})
		return save(tx)
	}))
	require.NoError(t, l.Drain(t.Context()))
	l.one("level=WARN", givenUp, "tenant=acme", "user=42", "kind=reset", "reason=undeliverable", "550 no such mailbox")
}

// A logger that panics fails no flow.
type panics struct{ slog.Handler }

func (panics) Handle(context.Context, slog.Record) error { panic("the disk") }

func TestPanickingLogger(t *testing.T) {
	l := newLogbook(t, func(c *Config) { c.Logger = slog.New(panics{c.Logger.Handler()}) })
	l.store.SetFaults(totptest.Faults{Get: errors.New("down")})
	require.ErrorIs(t, l.Change(t.Context(), id, save), store.ErrUnavailable)
}

// A clock that was moved is logged, and so are the remains of a clock that was ahead.
func TestClockMoved(t *testing.T) {
	l := newLogbook(t)
	l.clock.Advance(24 * time.Hour)
	require.NoError(t, l.Change(t.Context(), id, func(tx *Tx) error {
		tx.Issued = account.Issued{At: tx.Now}
		return save(tx)
	}))
	l.clock.Advance(365 * 24 * time.Hour)
	require.NoError(t, l.Change(t.Context(), id, save))
	require.Empty(t, l.lines(), "without a reading of its own, a clock that goes on is one that was waited for")
	l.clock.Set(at)
	require.NoError(t, l.Change(t.Context(), id, save))
	l.one("level=WARN", clockMoved, "by=-8784h0m0s")
	require.NoError(t, l.Change(t.Context(), id, save))
	require.Empty(t, l.lines())
}

// What a clock that was ahead has left is dropped before anything is decided or shown, and from
// the record even if the decision writes nothing: it would become valid when its time arrives.
func TestTimesOfTheFuture(t *testing.T) {
	l := newLogbook(t)
	ahead := newLogbook(t, func(c *Config) {
		c.Store, c.Keys, c.Now = l.Store, l.Keys, func() time.Time { return at.Add(time.Hour) }
	})
	require.NoError(t, ahead.Change(t.Context(), id, func(tx *Tx) error {
		tx.Spend("ticket", tx.Now)
		return save(tx)
	}))
	entry, _, err := l.Read(t.Context(), id)
	require.NoError(t, err)
	require.Len(t, entry.Account.Spent, 1)
	require.Empty(t, l.View(entry).Spent)
	require.NoError(t, l.Change(t.Context(), id, func(tx *Tx) error {
		require.Empty(t, tx.Spent)
		return nil
	}))
	l.one("level=WARN", timeOfTheFuture, "user=42")
	entry, _, err = l.Read(t.Context(), id)
	require.NoError(t, err)
	require.Empty(t, entry.Account.Spent)
}

func TestMoved(t *testing.T) {
	for _, c := range []struct{ wall, passed, want time.Duration }{
		{time.Second, time.Second, 0},
		{20 * time.Second, time.Second, 0}, // within the difference that two clocks may have
		{31 * time.Second, time.Second, 0},
		{31*time.Second + 1, time.Second, 30*time.Second + 1},
		{time.Hour, time.Second, time.Hour - time.Second},
		{-time.Hour, time.Second, -time.Hour - time.Second},
		{time.Hour, time.Hour, 0},
		{-time.Hour, -time.Hour, -time.Hour}, // no reading of its own
		{-time.Second, -time.Second, 0},
		{-30 * time.Second, -30 * time.Second, 0},
	} {
		require.Equal(t, c.want, moved(c.wall, c.passed), "%+v", c)
	}
}
