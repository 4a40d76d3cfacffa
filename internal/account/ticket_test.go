package account

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A tag is valid for one account, one epoch and one text; an account that has never
// signed anything, or no longer has a key, accepts none, not even a tag made with an
// empty key.
func TestSign(t *testing.T) {
	var a, b Account
	require.True(t, a.DrawTicketKey(at), "the key is written before the ticket goes out")
	tag := a.Sign([]byte("ticket"))
	require.True(t, a.Signed([]byte("ticket"), tag[:]))
	require.False(t, a.Signed([]byte("Ticket"), tag[:]))
	require.False(t, a.Signed([]byte("ticket"), tag[:31]))
	require.False(t, a.Signed([]byte("ticket"), nil))

	zero := TicketKey{}.tag([]byte("ticket"))
	require.False(t, b.Signed([]byte("ticket"), zero[:]), "the zero key")
	require.True(t, b.DrawTicketKey(at))
	require.False(t, b.Signed([]byte("ticket"), tag[:]))
	require.NotEqual(t, a.TicketKey, b.TicketKey)

	require.False(t, a.DrawTicketKey(at), "once an epoch")
	require.Equal(t, tag, a.Sign([]byte("ticket")))
	a.EndTickets()
	require.False(t, a.Signed([]byte("ticket"), tag[:]))
	require.True(t, a.DrawTicketKey(at))
	require.False(t, a.Signed([]byte("ticket"), tag[:]))
	require.EqualValues(t, 1, a.Generation)
}

// A ticket serves once. A fixed number of used tickets is remembered; once one is
// forgotten, no ticket issued at the same time or earlier is valid.
func TestSpend(t *testing.T) {
	var a Account
	name := func(i int) string { return fmt.Sprint("T", i) }
	issued := func(i int) time.Time { return at.Add(time.Duration(i) * time.Second) }
	// Newest first: the order in which they are used says nothing about their age.
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

	// A clock ahead forgets all of them, and the time up to which they count as used only
	// grows.
	a.dropOldTickets(at.Add(24 * time.Hour))
	require.Empty(t, a.Spent)
	require.True(t, a.IsSpent(name(100), issued(100)))
	a.Spent = append(a.Spent, Spent{"old", at.UnixMilli()})
	a.dropOldTickets(at.Add(24 * time.Hour))
	require.True(t, a.IsSpent(name(100), issued(100)))
	require.False(t, a.IsSpent("new", issued(101)))
}

// A clock that returns to before UsedUpTo draws a new key with the next ticket: nothing
// is valid again, and nobody is locked out. It takes no factor away, so the generation
// stays.
func TestDrawTicketKeyAfterTheClockWentBack(t *testing.T) {
	var a Account
	a.DrawTicketKey(at)
	old := a.Sign([]byte("old"))
	a.UsedUpTo = at.UnixMilli()
	require.True(t, a.DrawTicketKey(at))
	tag := a.Sign([]byte("new"))
	require.True(t, a.Signed([]byte("new"), tag[:]))
	require.False(t, a.Signed([]byte("old"), old[:]))
	require.False(t, a.IsSpent("new", at))
	require.Zero(t, a.Generation)
}

// A copy of an account keeps its used tickets as they were, in their order.
func TestDropTicketsLeavesCopies(t *testing.T) {
	a := Account{Spent: []Spent{{"second", 2}, {"first", 1}, {"third", 3}}}
	before := a
	a.dropTickets(1)
	require.Equal(t, []Spent{{"second", 2}, {"third", 3}}, a.Spent)
	require.EqualValues(t, 1, a.UsedUpTo)
	require.Equal(t, []Spent{{"second", 2}, {"first", 1}, {"third", 3}}, before.Spent)
}
