package account

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
)

// A tag is of one account, one epoch and one text; an account that never signed
// anything, or no longer, takes none, not even one by the key that it has not.
func TestSign(t *testing.T) {
	a, b := Round{Now: at}, Round{Now: at}
	tag := a.Sign([]byte("ticket"))
	require.True(t, a.save, "the key is written before the ticket goes out")
	require.True(t, a.Signed([]byte("ticket"), tag))
	require.False(t, a.Signed([]byte("Ticket"), tag))
	require.False(t, a.Signed([]byte("ticket"), tag[:31]))
	require.False(t, a.Signed([]byte("ticket"), nil))

	require.False(t, b.Signed([]byte("ticket"), TicketKey{}.tag([]byte("ticket"))), "the zero key")
	b.Sign([]byte("ticket"))
	require.False(t, b.Signed([]byte("ticket"), tag))
	require.NotEqual(t, a.TicketKey, b.TicketKey)

	a.save = false
	require.Equal(t, tag, a.Sign([]byte("ticket")))
	require.False(t, a.save, "once an epoch")
	a.EndTickets()
	require.False(t, a.Signed([]byte("ticket"), tag))
	a.Sign([]byte("ticket"))
	require.False(t, a.Signed([]byte("ticket"), tag))
	require.EqualValues(t, 1, a.Generation)
}

// A key that was cut is no key.
func TestTicketKeyText(t *testing.T) {
	text, err := json.Marshal(TicketKey{1, 2, 3})
	require.NoError(t, err)
	var k TicketKey
	require.NoError(t, json.Unmarshal(text, &k))
	require.Equal(t, TicketKey{1, 2, 3}, k)
	for _, bad := range []string{`""`, `"AQID"`, string(text[:len(text)-3]) + `"`, `"*` + string(text[2:]), `12`} {
		require.Error(t, json.Unmarshal([]byte(bad), &k), bad)
	}
}

// A ticket serves once. So many are remembered; of what was issued no later than
// one that is not, nothing serves any more.
func TestSpend(t *testing.T) {
	var a Account
	name := func(i int) string { return fmt.Sprint("T", i) }
	issued := func(i int) time.Time { return at.Add(time.Duration(i) * time.Second) }
	// Newest first: the order in which they serve says nothing about their age.
	for i := maxSpent; i > 0; i-- {
		require.True(t, a.Spend(name(i), issued(i)))
		require.False(t, a.Spend(name(i), issued(i)), "a second time")
		require.True(t, a.IsSpent(name(i), issued(i)))
	}
	require.Len(t, a.Spent, maxSpent)
	require.False(t, a.IsSpent("unused", issued(1)))

	require.True(t, a.Spend(name(100), issued(100)))
	require.Len(t, a.Spent, maxSpent, "bounded")
	require.True(t, a.IsSpent(name(1), issued(1)), "forgotten, and no good")
	require.True(t, a.IsSpent("unused", issued(1)), "nobody knows")
	require.False(t, a.IsSpent("unused", issued(1).Add(time.Millisecond)))

	// A clock ahead forgets all, and what is forgotten only grows.
	a.forgetOld(at.Add(24 * time.Hour))
	require.Empty(t, a.Spent)
	require.True(t, a.IsSpent(name(100), issued(100)))
	a.Spent = append(a.Spent, Spent{"old", at.UnixMilli()})
	a.forgetOld(at.Add(24 * time.Hour))
	require.True(t, a.IsSpent(name(100), issued(100)))
	require.False(t, a.IsSpent("new", issued(101)))
}

// A clock that returns behind what was forgotten begins a new epoch with the
// next ticket: nothing comes back, and nobody is locked out.
func TestSignBehindWhatIsForgotten(t *testing.T) {
	r := Round{Now: at}
	old := r.Sign([]byte("old"))
	r.Forgotten = at.UnixMilli()
	tag := r.Sign([]byte("new"))
	require.True(t, r.Signed([]byte("new"), tag))
	require.False(t, r.Signed([]byte("old"), old))
	require.False(t, r.IsSpent("new", at))
	require.EqualValues(t, 1, r.Generation)
}

// What has run out leaves the record with the next write, whatever that is for.
func TestWritesPrune(t *testing.T) {
	m, now := store.NewMemory(), at
	b := NewBook(m, ring(t), &takes{}, func() time.Time { return now })
	write := func(change func(*Round)) (after Account) {
		require.NoError(t, b.Change(context.Background(), id, func(r *Round) error { change(r); r.Save(); return nil }))
		require.NoError(t, b.Change(context.Background(), id, func(r *Round) error { after = r.Account; return nil }))
		return after
	}
	a := write(func(r *Round) {
		key, err := totp.NewKey(totp.Params{})
		require.NoError(t, err)
		r.Enrollment, _, err = r.Enrollment.Begin(r.Now, key, "", false)
		require.NoError(t, err)
		r.Spend("T", r.Now)
	})
	require.Len(t, a.Spent, 1)
	require.Contains(t, string(a.Enrollment.Encode()), "otpauth")
	now = at.Add(TicketAge)
	a = write(func(*Round) {})
	require.Empty(t, a.Spent)
	require.Equal(t, enroll.Disabled, a.Enrollment.State(at))
	require.NotContains(t, string(a.Enrollment.Encode()), "otpauth", "a secret that nobody took up is gone")
}
