package account

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/wire"
	"github.com/totpflow/totpflow/internal/wire/wiretest"
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

// full returns an account with every field set, the same in every run.
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
		Browsers:  []trust.Browser{{ID: strings.Repeat("b1", 16), Label: "Firefox on Linux", Hash: strings.Repeat("ab", 32), Issued: at}},
		TicketKey: TicketKey{1, 2, 3},
		Spent:     []Spent{{ID: "T1", Issued: at.UnixMilli()}},
		UsedUpTo:  at.UnixMilli() - 1,
		Mark:      Mark{1, 2, 3},
	}
	a.Budget = a.Budget.Fail(at, throttle.Default(), "T0", 3)
	a.RecoveryRate, err = a.RecoveryRate.Take(at, 10, time.Hour)
	require.NoError(t, err)
	a.Activity, _ = a.Activity.Append(event.Event{At: at, Kind: event.EnrollmentConfirmed})
	return a
}

// Only records that this release can write are read: a field that a newer release
// added may be a restriction that this one would not enforce.
func TestDecodeRefuses(t *testing.T) {
	a := full(t)
	wiretest.Strict(t, &a)
	good := wiretest.Write(t, &a)
	for name, data := range map[string][]byte{
		"nothing":            nil,
		"a format alone":     good[:1],
		"the former format":  []byte(`{"format":1,"epoch":3,"enrollment":{"v":1,"state":"active"}}`),
		"a newer format":     append([]byte{wire.Newest + 1}, good[1:]...),
		"a record behind it": append(bytes.Clone(good), good...),
		"cut":                good[:len(good)-1],
		// generation, state, no authenticator, no candidate, nothing kept or retired, no reset, no recovery codes
		"a part that is neither there nor not":   wiretest.Raw(uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(2)),
		"recovery codes that are there and none": wiretest.Raw(uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(1), uint64(0)),
		"twenty browsers that are not there":     wiretest.Raw(uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(20)),
		"twenty-one browsers":                    wiretest.Raw(uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(21), make([]byte, 4096)),
	} {
		var a Account
		err := a.decode(data)
		require.ErrorIs(t, err, ErrFormat, name)
		require.Zero(t, a, name)
	}
}

// A record that could not be read again is not written: it would lock its owner out.
func TestSealRefuses(t *testing.T) {
	keys := ring(t)
	long := strings.Repeat("x", 200)
	for name, edit := range map[string]func(*Account){
		"a long name of a machine": func(a *Account) { a.Machine = long },
		"no number":                func(a *Account) { a.Assigned = long },
		"another browser's id":     func(a *Account) { a.Browsers[0].ID = "b1" },
		"a time beyond the years":  func(a *Account) { a.PasswordAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"too much that was spent":  func(a *Account) { a.Spent = make([]Spent, maxSpent+1) },
	} {
		a := full(t)
		edit(&a)
		rec, err := Seal(keys, id, a, at, time.Time{})
		require.Error(t, err, name)
		require.Nil(t, rec, name)
	}
}

// An attacker who can write to the database cannot move a record to another user or
// tenant, bring an old one back under a new version, or relabel it.
func TestSealBindsTheRecord(t *testing.T) {
	keys := ring(t)
	rec, err := Seal(keys, id, full(t), at, time.Time{})
	require.NoError(t, err)
	require.Equal(t, "active", rec.State)
	err = new(Account).Open(keys, *rec)
	require.NoError(t, err)
	for name, tamper := range map[string]func(*store.Record){
		"tenant":    func(r *store.Record) { r.ID.Tenant = "globex" },
		"user":      func(r *store.Record) { r.ID.User = "43" },
		"shifted":   func(r *store.Record) { r.ID = store.AccountID{Tenant: "acme4", User: "2"} },
		"version":   func(r *store.Record) { r.Version = store.NewVersion() },
		"state":     func(r *store.Record) { r.State = "disabled" },
		"due":       func(r *store.Record) { r.Due = at },
		"bit":       func(r *store.Record) { r.Sealed[len(r.Sealed)/2] ^= 1 },
		"truncated": func(r *store.Record) { r.Sealed = r.Sealed[:len(r.Sealed)-1] },
		"emptied":   func(r *store.Record) { r.Sealed = nil },
	} {
		t.Run(name, func(t *testing.T) {
			r := *rec
			r.Sealed = append([]byte(nil), rec.Sealed...)
			tamper(&r)
			err := new(Account).Open(keys, r)
			require.ErrorIs(t, err, keyring.ErrOpen)
		})
	}
	err = new(Account).Open(ring(t), *rec)
	require.ErrorIs(t, err, keyring.ErrUnknownKey)
}

// Expired entries leave the record when it is next written.
func TestPrune(t *testing.T) {
	a := full(t)
	a.Prune(at.Add(TicketAge - time.Millisecond))
	require.Len(t, a.Spent, 1)
	a.Prune(at.Add(TicketAge))
	require.Empty(t, a.Spent)
	require.Len(t, a.Browsers, 1)
	a.Prune(at.Add(trust.MaxAge + time.Second))
	require.Empty(t, a.Browsers)
}

// Each end of the sessions draws another mark and raises the generation; ending only what
// is under way keeps the mark.
func TestEndSessions(t *testing.T) {
	var a Account
	require.Zero(t, a.Mark)
	seen := map[Mark]bool{{}: true}
	for i := range uint64(100) {
		a.EndTickets()
		require.Equal(t, 2*i+1, a.Generation)
		require.Contains(t, seen, a.Mark)
		a.EndSessions()
		require.Equal(t, 2*i+2, a.Generation)
		require.NotContains(t, seen, a.Mark)
		seen[a.Mark] = true
	}
}
