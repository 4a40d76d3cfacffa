package account

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/wire"
	"github.com/totpflow/totpflow/internal/wire/wiretest"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// The body of a record, once opened: a body that is read is written back unchanged, also in
// a format that is newer than the one that this release writes by itself. The account
// stays writable and bounded when it is next changed.
func FuzzDecode(f *testing.F) {
	for _, a := range []Account{{}, full(f), closed(f), ofTenant(f), typical(f), worst(f, at)} {
		for format := uint64(wire.Written); format <= wire.Newest; format++ {
			data, err := wire.EncodeAs(format, &a)
			require.NoError(f, err)
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var a Account
		err := a.decode(data)
		if err != nil {
			require.ErrorIs(t, err, ErrFormat)
			require.Zero(t, a)
			return
		}
		again, err := encode(&a)
		require.NoError(t, err)
		wiretest.Kept(t, data, again)

		a.Prune(at)
		a.DrawTicketKey(at)
		a.Sign([]byte("ticket"))
		a.Spend("T", at)
		require.LessOrEqual(t, len(a.Spent), maxSpent)
		require.True(t, a.IsSpent("T", at))
		wiretest.Read[Account](t, wiretest.Write(t, &a))
	})
}

// A record opens as it was sealed, under its own id, version and word; nothing else in
// the database opens.
func FuzzOpen(f *testing.F) {
	keys := ring(f)
	rec, err := Seal(keys, id, full(f), at, time.Time{})
	require.NoError(f, err)
	f.Add(rec.Sealed, rec.ID.Tenant, rec.ID.User, rec.Version[:], rec.State)
	f.Add(rec.Sealed, rec.ID.Tenant, rec.ID.User, rec.Version[:], "disabled")
	f.Add(rec.Sealed, rec.ID.Tenant+rec.ID.User[:1], rec.ID.User[1:], rec.Version[:], rec.State)
	f.Add(rec.Sealed[:len(rec.Sealed)-1], rec.ID.Tenant, rec.ID.User, rec.Version[:], rec.State)
	f.Add([]byte{}, "", "", []byte{}, "")
	f.Fuzz(func(t *testing.T, sealed []byte, tenant, user string, version []byte, state string) {
		other := store.Record{ID: store.AccountID{Tenant: tenant, User: user}, State: state, Sealed: sealed, Updated: at}
		copy(other.Version[:], version)
		var a Account
		err := a.Open(keys, other)
		if slices.Equal(sealed, rec.Sealed) && other.ID == rec.ID && other.Version == rec.Version && state == rec.State {
			require.NoError(t, err)
			require.Equal(t, full(t).Generation, a.Generation)
			return
		}
		require.Error(t, err)
		require.Zero(t, a)
	})
}

// Pending requests are bounded in number and in size, and those that were accepted can be
// written and read.
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
			data := wiretest.Write(t, &Account{Tenant: a})
			require.LessOrEqual(t, len(data), maxRequested+64)
			wiretest.Read[Account](t, data)
		}
	})
}
