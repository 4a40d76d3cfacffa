package account

import (
	"encoding/json"
	"strings"
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
		UsedUpTo:     at.UnixMilli() - 1,
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
	rec, err := Seal(keys, id, full(t), at)
	require.NoError(t, err)
	require.Equal(t, "active", rec.State)
	_, err = Open(keys, *rec)
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
			_, err := Open(keys, r)
			require.ErrorIs(t, err, keyring.ErrOpen)
		})
	}
	_, err = Open(ring(t), *rec)
	require.ErrorIs(t, err, keyring.ErrUnknownKey)
}

// What has run out leaves the record when it is next written.
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
