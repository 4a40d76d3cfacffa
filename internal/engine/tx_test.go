package engine

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
)

// Within a process the flows of one account lose no races to each other: a
// flood of guesses costs the owner a place in the line, not the sign-in.
func TestFlowsOfOneAccountQueue(t *testing.T) {
	s := &counted{Store: store.NewMemory()}
	b := newEngine(s, ring(t), &hears{}, clock)
	const n = 100
	var done sync.WaitGroup
	for range n {
		done.Go(func() {
			if err := b.Change(context.Background(), id, func(r *Tx) error { r.Generation++; r.Save(); return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	require.EqualValues(t, n, s.puts.Load(), "a write for each flow, none in vain")
	require.NoError(t, b.Change(context.Background(), id, func(r *Tx) error { require.EqualValues(t, n, r.Generation); return nil }))
}

type counted struct {
	store.Store
	puts atomic.Int32
}

func (s *counted) Put(ctx context.Context, rec store.Record, was store.Version) error {
	s.puts.Add(1)
	return s.Store.Put(ctx, rec, was)
}

// The time of a round is stored and compared: it is in UTC, and without the reading of
// the process's monotonic clock.
func TestTimeOfARound(t *testing.T) {
	local := time.Now().In(time.FixedZone("elsewhere", 3600))
	b := newEngine(store.NewMemory(), ring(t), &hears{}, func() time.Time { return local })
	require.NoError(t, b.Change(context.Background(), id, func(r *Tx) error {
		require.True(t, r.Now.Equal(local))
		require.Equal(t, time.UTC, r.Now.Location())
		require.Equal(t, r.Now.Round(0), r.Now)
		return nil
	}))
}

// A change is reported even if the caller has left meanwhile.
func TestToldAfterTheCallerIsGone(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var told []error // the observer's context, for each event
	b := newEngine(store.NewMemory(), ring(t), event.ObserverFunc(func(ctx context.Context, _ event.Event) {
		told = append(told, ctx.Err())
	}), clock)
	require.NoError(t, b.Change(ctx, id, func(r *Tx) error {
		r.Log(event.Event{Kind: event.Throttled})
		cancel()
		return nil
	}))
	require.Equal(t, []error{nil}, told)
	require.Error(t, ctx.Err())
}

// A record that cannot be opened is a separate error, not an account without a second
// factor, and is left as it is.
func TestChangeRefusesWhatItCannotOpen(t *testing.T) {
	m := store.NewMemory()
	ctx := context.Background()
	rec, err := account.Seal(ring(t), id, account.Account{Generation: 3}, at, time.Time{})
	require.NoError(t, err)
	require.NoError(t, m.Put(ctx, *rec, store.Version{}))
	b := newEngine(m, ring(t), &hears{}, clock)
	err = b.Change(ctx, id, func(r *Tx) error { t.Error("decided on an unreadable record"); r.Save(); return nil })
	require.ErrorIs(t, err, keyring.ErrOpen)
	now, err := m.Get(ctx, id)
	require.NoError(t, err)
	require.Equal(t, rec.Version, now.Version)
}

// A record is sealed by the newest key when it is next written, and old keys still open
// records until then.
func TestRecordsMoveToTheNewestKey(t *testing.T) {
	m := store.NewMemory()
	ctx := context.Background()
	old := keyring.Generate()
	next, err := keyring.Rotate(old)
	require.NoError(t, err)
	write := func(keys string) {
		r, err := keyring.Parse(keys)
		require.NoError(t, err)
		require.NoError(t, newEngine(m, r, &hears{}, clock).Change(ctx, id, func(r *Tx) error { r.Save(); return nil }))
	}
	write(old)
	rotated, err := keyring.Parse(next)
	require.NoError(t, err)
	rec, err := m.Get(ctx, id)
	require.NoError(t, err)
	require.True(t, rotated.Stale(rec.Sealed))
	write(next)
	rec, err = m.Get(ctx, id)
	require.NoError(t, err)
	require.False(t, rotated.Stale(rec.Sealed))
}

type broken struct{ store.Store }

func (broken) Put(context.Context, store.Record, store.Version) error { return errors.New("read only") }

// The round learns that a record is not under the newest key, and writes it under that
// key.
func TestRewrite(t *testing.T) {
	m, ctx := store.NewMemory(), context.Background()
	old := keyring.Generate()
	next, err := keyring.Rotate(old)
	require.NoError(t, err)
	book := func(text string) *Engine {
		keys, err := keyring.Parse(text)
		require.NoError(t, err)
		return newEngine(m, keys, &hears{}, clock)
	}
	for _, any := range []store.AccountID{id, account.TenantID("acme"), account.SendsID("x")} {
		stale := func(b *Engine) (stale bool) {
			require.NoError(t, b.ChangeRecord(ctx, any, func(r *Tx) error { stale = r.Stale; r.Save(); return nil }))
			return stale
		}
		require.False(t, stale(book(old)), "there is no record")
		require.False(t, stale(book(old)))
		require.True(t, stale(book(next)))
		require.False(t, stale(book(next)))
	}
}

// Events of a tenant's record are about the tenant and not about a user, and are numbered
// like others.
func TestEventsOfATenant(t *testing.T) {
	m, keys, ctx := store.NewMemory(), ring(t), context.Background()
	var got []event.Event
	b := newEngine(m, keys, event.ObserverFunc(func(_ context.Context, e event.Event) { got = append(got, e) }), clock)
	log := func() {
		require.NoError(t, b.ChangeTenant(ctx, "acme", func(r *Tx) error {
			r.Log(event.Event{Kind: event.PolicySet})
			r.Save()
			return nil
		}))
	}
	log()
	log()
	require.Len(t, got, 2)
	for i, e := range got {
		require.EqualValues(t, i+1, e.Number)
		require.Equal(t, "acme", e.Tenant)
		require.Empty(t, e.User)
	}
	// An event that belongs to no record has no number.
	b.Report(ctx, event.Event{Kind: event.KeysRotated})
	require.Zero(t, got[2].Number)
	require.Equal(t, at, got[2].At)
}

// No user's id reaches the tenant's record.
func TestTenantsAreApartFromUsers(t *testing.T) {
	b := newEngine(store.NewMemory(), ring(t), &hears{}, clock)
	ctx := context.Background()
	fail := func(*Tx) error { t.Error("decided"); return nil }
	require.ErrorIs(t, b.Change(ctx, account.TenantID("acme"), fail), store.ErrID)
	require.ErrorIs(t, b.Change(ctx, account.SendsID("x"), fail), store.ErrID)
	require.ErrorIs(t, b.Erase(ctx, account.TenantID("acme"), fail), store.ErrID)
	require.ErrorIs(t, b.ChangeTenant(ctx, "\x00", fail), store.ErrID)
}

// The next write, whatever it is for, removes expired entries from the record.
func TestWritesPrune(t *testing.T) {
	m, now := store.NewMemory(), at
	b := newEngine(m, ring(t), &hears{}, func() time.Time { return now })
	write := func(change func(*Tx)) (after account.Account) {
		require.NoError(t, b.Change(context.Background(), id, func(r *Tx) error { change(r); r.Save(); return nil }))
		require.NoError(t, b.Change(context.Background(), id, func(r *Tx) error { after = r.Account; return nil }))
		return after
	}
	a := write(func(r *Tx) {
		key, err := totp.NewKey(totp.Params{})
		require.NoError(t, err)
		r.Enrollment, _, err = r.Enrollment.Begin(r.Now, key, "", false)
		require.NoError(t, err)
		r.Spend("T", r.Now)
	})
	require.Len(t, a.Spent, 1)
	_, offered := a.Enrollment.Candidate(at)
	require.True(t, offered)
	now = at.Add(account.TicketAge)
	a = write(func(*Tx) {})
	require.Empty(t, a.Spent)
	require.Equal(t, enroll.Disabled, a.Enrollment.State(at))
	require.Equal(t, enroll.Enrollment{}.Encode(), a.Enrollment.Encode(), "a secret that nobody took up is gone")
}

// Events of two flows never have the same time, which would make them one message. Otherwise an
// event has the time of its own flow, whatever a clock that was ahead has left.
func TestTimesOfTwoFlows(t *testing.T) {
	for ahead, want := range map[time.Duration]time.Duration{
		0:                              time.Millisecond,
		5 * time.Millisecond:           6 * time.Millisecond,
		time.Second - time.Millisecond: time.Second,
		time.Second:                    0,
		time.Hour:                      0,
		-time.Millisecond:              0,
		-365 * 24 * time.Hour:          0,
	} {
		m, keys := store.NewMemory(), ring(t)
		log := func(now time.Time) (got event.Event) {
			e := New(Config{
				Store: m, Keys: keys, Notifier: event.Deferred, Now: func() time.Time { return now },
				Observer: event.ObserverFunc(func(_ context.Context, ev event.Event) { got = ev }),
			})
			require.NoError(t, e.Change(t.Context(), id, func(tx *Tx) error { tx.Log(event.Event{Kind: event.Reset}); return save(tx) }))
			return got
		}
		log(at.Add(ahead))
		require.Equal(t, want, log(at).At.Sub(at), ahead)
	}
}
