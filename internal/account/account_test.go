package account

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/trust"
)

var (
	at = time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	id = store.AccountID{Tenant: "acme", User: "42"}
)

func ring(t testing.TB) *keyring.Ring {
	t.Helper()
	r, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	return r
}

// full is an account with something in every field, the same in every run.
func full(t testing.TB) Account {
	t.Helper()
	key, err := totp.ParseSecret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", totp.Params{}) // RFC 6238 appendix B
	require.NoError(t, err)
	code, err := key.Code(at)
	require.NoError(t, err)
	e, c, err := enroll.Enrollment{}.Begin(at, key, "Phone", false)
	require.NoError(t, err)
	e, _, err = e.Confirm(at, c.ID, code, totp.Standard())
	require.NoError(t, err)
	_, set := recovery.New(at)
	a := Account{
		Generation: 3, Enrollment: e, Recovery: set,
		Browsers:     []trust.Browser{{ID: "b1", Label: "Firefox on Linux", Hash: strings.Repeat("ab", 32), Issued: at}},
		TicketKey:    TicketKey{1, 2, 3},
		Spent:        []Spent{{ID: "T1", Issued: at.UnixMilli()}},
		Forgotten:    at.UnixMilli() - 1,
		SessionsFrom: at,
	}
	a.Budget = a.Budget.Fail(at, throttle.Default(), "T0", 3)
	a.RecoveryRate, err = a.RecoveryRate.Take(at, 10, time.Hour)
	require.NoError(t, err)
	a.Activity, _ = a.Activity.Append(event.Event{At: at, Kind: event.EnrollmentConfirmed})
	return a
}

// An unknown field may be a restriction that this version would not enforce:
// the record is refused, and so is another format.
func TestDecodeRefuses(t *testing.T) {
	good, err := encode(full(t))
	require.NoError(t, err)
	var fields map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(good, &fields))
	with := func(name, value string) string {
		changed := map[string]json.RawMessage{}
		for k, v := range fields {
			changed[k] = v
		}
		changed[name] = json.RawMessage(value)
		data, err := json.Marshal(changed)
		require.NoError(t, err)
		return string(data)
	}
	for name, data := range map[string]string{
		"empty":         "",
		"null":          "null",
		"no object":     `"x"`,
		"no format":     "{}",
		"newer format":  with("format", "2"),
		"unknown field": with("suspended", "true"),
		"no enrollment": `{"format":1}`,
		"trailing data": string(good) + "{}",
		"cut":           string(good[:len(good)-1]),
		"bad budget":    with("budget", `{"v":9}`),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := decode([]byte(data))
			require.ErrorIs(t, err, ErrFormat)
		})
	}
}

// Whoever can write to the database cannot move a record to another user or
// tenant, bring an old one back under a new version, or relabel it.
func TestSealBindsTheRecord(t *testing.T) {
	keys := ring(t)
	rec, err := seal(keys, id, full(t), at)
	require.NoError(t, err)
	require.Equal(t, "active", rec.State)
	_, err = open(keys, *rec)
	require.NoError(t, err)
	for name, tamper := range map[string]func(*store.Record){
		"tenant":    func(r *store.Record) { r.ID.Tenant = "globex" },
		"user":      func(r *store.Record) { r.ID.User = "43" },
		"shifted":   func(r *store.Record) { r.ID = store.AccountID{Tenant: "acme4", User: "2"} },
		"version":   func(r *store.Record) { r.Version = store.NewVersion() },
		"state":     func(r *store.Record) { r.State = "disabled" },
		"bit":       func(r *store.Record) { r.Sealed[len(r.Sealed)/2] ^= 1 },
		"truncated": func(r *store.Record) { r.Sealed = r.Sealed[:len(r.Sealed)-1] },
		"emptied":   func(r *store.Record) { r.Sealed = nil },
	} {
		t.Run(name, func(t *testing.T) {
			r := *rec
			r.Sealed = append([]byte(nil), rec.Sealed...)
			tamper(&r)
			_, err := open(keys, r)
			require.ErrorIs(t, err, keyring.ErrOpen)
		})
	}
	_, err = open(ring(t), *rec)
	require.ErrorIs(t, err, keyring.ErrUnknownKey)
}

// A record that cannot be opened is an error of its own, not an account
// without a second factor, and is left as it is.
func TestChangeRefusesWhatItCannotOpen(t *testing.T) {
	m := store.NewMemory()
	ctx := context.Background()
	rec, err := seal(ring(t), id, full(t), at)
	require.NoError(t, err)
	require.NoError(t, m.Put(ctx, *rec, store.Version{}))
	b := NewBook(m, ring(t), &takes{}, clock)
	err = b.Change(ctx, id, func(r *Round) error { t.Error("decided on an unreadable record"); r.Save(); return nil })
	require.ErrorIs(t, err, keyring.ErrOpen)
	now, err := m.Get(ctx, id)
	require.NoError(t, err)
	require.Equal(t, rec.Version, now.Version)
}

// A record is sealed by the newest key when it is next written, and old keys
// go on opening until then.
func TestRecordsMoveToTheNewestKey(t *testing.T) {
	m := store.NewMemory()
	ctx := context.Background()
	old := keyring.Generate()
	next, err := keyring.Rotate(old)
	require.NoError(t, err)
	write := func(keys string) {
		r, err := keyring.Parse(keys)
		require.NoError(t, err)
		require.NoError(t, NewBook(m, r, &takes{}, clock).Change(ctx, id, func(r *Round) error { r.Save(); return nil }))
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

func clock() time.Time { return at }

// A takes is a sink that takes so many events, then refuses.
type takes struct {
	mu     sync.Mutex
	refuse bool
	got    []uint64
}

func (s *takes) Record(_ context.Context, e event.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse {
		return errors.New("sink is full")
	}
	s.got = append(s.got, e.Number)
	return nil
}

// Events reach the sink in order and at least once: what it refused is offered
// again with the account's next flow, also by another process.
func TestEventsAreOfferedAgain(t *testing.T) {
	m, keys, ctx := store.NewMemory(), ring(t), context.Background()
	s := &takes{}
	b := NewBook(m, keys, s, clock)
	log := func(b *Book) {
		require.NoError(t, b.Change(ctx, id, func(r *Round) error {
			r.Log(event.Event{Kind: event.SignedIn})
			r.Save()
			return nil
		}))
	}
	log(b)
	s.refuse = true
	log(b)
	log(b)
	s.refuse = false
	log(b)
	require.Equal(t, []uint64{1, 2, 3, 4}, s.got)

	// What was taken leaves the record with the next write: a new process
	// repeats only the last.
	log(b)
	s.got = nil
	log(NewBook(m, keys, s, clock))
	require.Equal(t, []uint64{5, 6}, s.got)

	// A flow that writes nothing tells without a number, a deleted account
	// begins again at one.
	s.got = nil
	require.NoError(t, b.Change(ctx, id, func(r *Round) error { r.Log(event.Event{Kind: event.Throttled}); return nil }))
	rec, err := m.Get(ctx, id)
	require.NoError(t, err)
	require.NoError(t, m.Delete(ctx, id, rec.Version))
	log(b)
	require.Equal(t, []uint64{0, 1}, s.got)
}

// Events of a write that was not acknowledged are not told.
func TestNoEventWithoutItsWrite(t *testing.T) {
	s := &takes{}
	b := NewBook(broken{store.NewMemory()}, ring(t), s, clock)
	err := b.Change(context.Background(), id, func(r *Round) error {
		r.Log(event.Event{Kind: event.SignedIn})
		r.Save()
		return nil
	})
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.Empty(t, s.got)
}

type broken struct{ store.Store }

func (broken) Put(context.Context, store.Record, store.Version) error { return errors.New("read only") }

// What has run out leaves the record when it is next written.
func TestPrune(t *testing.T) {
	a := full(t)
	a.prune(at.Add(TicketAge - time.Millisecond))
	require.Len(t, a.Spent, 1)
	a.prune(at.Add(TicketAge))
	require.Empty(t, a.Spent)
	require.Len(t, a.Browsers, 1)
	a.prune(at.Add(trust.MaxAge + time.Second))
	require.Empty(t, a.Browsers)
}

// Sessions begun before a change of factors are over, the one that follows it is
// not, and no clock brings one back.
func TestSessionsFrom(t *testing.T) {
	var a Account
	now := at.Add(1_999_999 * time.Nanosecond)
	a.FactorsChanged(now)
	require.True(t, now.Add(-time.Millisecond).Before(a.SessionsFrom))
	require.False(t, now.Truncate(time.Millisecond).Before(a.SessionsFrom), "a host keeps milliseconds")
	a.FactorsChanged(now.Add(-time.Hour))
	require.Equal(t, at.Add(time.Millisecond), a.SessionsFrom)
}
