package account

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// The body of a record, once opened: what is read is read the same after it was
// written, and goes on being writable and bounded when it is next changed.
func FuzzDecode(f *testing.F) {
	for _, a := range []Account{{}, full(f), closed(f), ofTenant(f), worst(f, at)} {
		data, err := encode(a)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Add([]byte(`{"format":2,"enrollment":{"v":1,"state":"disabled"}}`))
	f.Add([]byte(`{"format":1,"enrollment":{"v":1,"state":"disabled"},"colour":"red"}`))
	f.Add([]byte(`{"format":1,"enrollment":{"v":1,"state":"disabled"},"spent":[{"id":"","issued":-9223372036854775808}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := decode(data)
		if err != nil {
			require.ErrorIs(t, err, ErrFormat)
			require.Zero(t, a)
			return
		}
		text, err := encode(a)
		require.NoError(t, err)
		back, err := decode(text)
		require.NoError(t, err)
		again, err := encode(back)
		require.NoError(t, err)
		require.Equal(t, string(text), string(again))

		before := len(a.Spent)
		a.Prune(at)
		a.DrawTicketKey(at)
		a.Sign([]byte("ticket"))
		a.Spend("T", at)
		require.LessOrEqual(t, len(a.Spent), max(maxSpent, before))
		require.True(t, a.IsSpent("T", at))
		text, err = encode(a)
		require.NoError(t, err)
		_, err = decode(text)
		require.NoError(t, err)
	})
}

// A record opens as it was sealed, under its own id, version and word; nothing
// else that lies in the database opens.
func FuzzOpen(f *testing.F) {
	keys := ring(f)
	rec, err := Seal(keys, id, full(f), at)
	require.NoError(f, err)
	f.Add(rec.Sealed, rec.ID.Tenant, rec.ID.User, rec.Version[:], rec.State)
	f.Add(rec.Sealed, rec.ID.Tenant, rec.ID.User, rec.Version[:], "disabled")
	f.Add(rec.Sealed, rec.ID.Tenant+rec.ID.User[:1], rec.ID.User[1:], rec.Version[:], rec.State)
	f.Add(rec.Sealed[:len(rec.Sealed)-1], rec.ID.Tenant, rec.ID.User, rec.Version[:], rec.State)
	f.Add([]byte{}, "", "", []byte{}, "")
	f.Fuzz(func(t *testing.T, sealed []byte, tenant, user string, version []byte, state string) {
		other := store.Record{ID: store.AccountID{Tenant: tenant, User: user}, State: state, Sealed: sealed, Updated: at}
		copy(other.Version[:], version)
		a, err := Open(keys, other)
		if slices.Equal(sealed, rec.Sealed) && other.ID == rec.ID && other.Version == rec.Version && state == rec.State {
			require.NoError(t, err)
			require.Equal(t, full(t).Generation, a.Generation)
			return
		}
		require.Error(t, err)
		require.Zero(t, a)
	})
}

// A key has one text.
func FuzzTicketKey(f *testing.F) {
	text, err := TicketKey{1, 31: 2}.MarshalText()
	require.NoError(f, err)
	f.Add(text)
	f.Add(append(text, '='))
	f.Add(append([]byte("\n"), text...))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, text []byte) {
		var k TicketKey
		if err := k.UnmarshalText(text); err != nil {
			require.Zero(t, k)
			return
		}
		again, err := k.MarshalText()
		require.NoError(t, err)
		require.Equal(t, string(text), string(again))
	})
}

// What waits for a second administrator is bounded in number and in size, and
// what was let in can be written and read.
func FuzzAsk(f *testing.F) {
	f.Add(`{"v":1,"mode":"off"}`, "42", int64(0), uint8(3))
	f.Add(`{"v":1,"mode":"required","deadline":"9999-12-31T23:59:59Z"}`, "\x00\xff", int64(RequestAge), uint8(60))
	f.Fuzz(func(t *testing.T, text, target string, after int64, n uint8) {
		var p policy.Policy
		_ = json.Unmarshal([]byte(text), &p)
		var a Tenant
		for i := range int(n) {
			now := at.Add(time.Duration(i) * time.Duration(after%int64(RequestAge)))
			next, err := a.AddRequest(Request{ID: target, Asked: now, Targets: []string{target}, Policy: &p}, now)
			if err != nil {
				require.Equal(t, a, next)
				continue
			}
			a = next
			require.LessOrEqual(t, len(a.Pending), MaxRequests)
			data, err := encode(Account{Tenant: a})
			require.NoError(t, err)
			require.LessOrEqual(t, len(data), maxRequested+1024)
			_, err = decode(data)
			require.NoError(t, err)
		}
	})
}
