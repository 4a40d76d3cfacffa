package account

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/wire"
	"github.com/totpflow/totpflow/internal/wire/wiretest"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/trust"
)

// An account whose only factor is a phone is listed as such, and one with both as its app
// makes it.
func TestStateWordOfPhones(t *testing.T) {
	a := Account{Phones: manyPhones(t, at)}
	require.Equal(t, "phone", a.State(id, at))
	a.Enrollment = full(t).Enrollment
	require.Equal(t, "active", a.State(id, at))
	a.Phones = a.Phones.Clear()
	require.Equal(t, "active", a.State(id, at))
}

// New factors end the phone code under way, and the number that waits for one.
func TestEndSessionsEndsPhoneCodes(t *testing.T) {
	a := Account{Phones: manyPhones(t, at)}
	_, sent := a.Phones.Sent(at.Add(time.Minute), "0123456789ABCDEF")
	require.True(t, sent)
	phones := a.Phones.Phones()
	a.EndSessions()
	_, sent = a.Phones.Sent(at.Add(time.Minute), "0123456789ABCDEF")
	require.False(t, sent)
	require.Equal(t, phones, a.Phones.Phones(), "the phones stay")
}

// A browser leaves the record once no policy could trust it, but not at the last moment
// at which one does.
func TestPruneKeepsTheLastMoment(t *testing.T) {
	a := Account{Browsers: []trust.Browser{{ID: "b", Issued: at}}}
	a.Prune(at.Add(trust.MaxAge))
	require.Len(t, a.Browsers, 1)
	a.Prune(at.Add(trust.MaxAge + 1))
	require.Empty(t, a.Browsers)
}

// A number that nobody verified leaves the record with the next write.
func TestPruneDropsPendingNumbers(t *testing.T) {
	n, err := phone.ParseNumber("+44 7700 900123")
	require.NoError(t, err)
	var a Account
	a.Phones, _, err = a.Phones.Add(at, n)
	require.NoError(t, err)
	a.Prune(at.Add(24 * time.Hour))
	require.True(t, a.Phones.IsZero())
}

// Pending requests are part of the record, even if no policy was ever set, and may take
// up exactly the permitted bytes.
func TestWhatWaitsIsKept(t *testing.T) {
	q := Request{ID: "one", Asked: at, Targets: []string{""}}
	a, err := Tenant{}.AddRequest(q, at)
	require.NoError(t, err)
	back := wiretest.Read[Account](t, wiretest.Write(t, &Account{Tenant: a}))
	require.Equal(t, a, back.Tenant)

	long := strings.Repeat("x", store.MaxID)
	q.Targets = slices.Repeat([]string{long}, (maxRequested-50)/(2+len(long)))
	for size := 0; ; {
		next, err := Tenant{}.AddRequest(q, at)
		if err != nil {
			require.ErrorIs(t, err, ErrTooManyRequests)
			require.Equal(t, maxRequested, size, "to the last byte")
			break
		}
		size, err = wire.Size(&next)
		require.NoError(t, err)
		q.Name += "x"
	}
}
