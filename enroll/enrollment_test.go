package enroll_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/totp"
)

func ids(all []enroll.Authenticator) (ids []string) {
	for _, a := range all {
		ids = append(ids, a.ID)
	}
	return ids
}

func names(e enroll.Enrollment) []string {
	var names []string
	for _, a := range e.Authenticators() {
		names = append(names, a.Name)
	}
	return names
}

// A candidate that adds may take the place of some: they make room when it begins and when
// it is confirmed, are cleared then, and can be restored.
func TestAddInPlaceOf(t *testing.T) {
	e := enrolled(t, noon.Add(-time.Hour), keyA, keyB, keyC, keyD, keyE)
	all := e.Authenticators()
	first, last := all[0].ID, all[4].ID
	for _, goes := range [][]string{{""}, {first, "nobody's"}, {first, first}} {
		_, _, err := e.Begin(noon, keyF, "", true, goes...)
		require.ErrorIs(t, err, enroll.ErrUnknown)
	}
	_, _, err := e.Begin(noon, keyF, "", true)
	require.ErrorIs(t, err, enroll.ErrTooManyAuthenticators)

	began, c, err := e.Begin(noon, keyF, "", true, first, last)
	require.NoError(t, err)
	for _, goes := range [][]string{nil, {"nobody's"}, {first, first}} {
		_, _, err = began.Confirm(noon, c.ID, code(t, keyF, noon), totp.Standard(), goes...)
		require.ErrorIs(t, err, enroll.ErrStale)
	}
	next, done, err := began.Confirm(noon, c.ID, code(t, keyF, noon), totp.Standard(), first, last)
	require.NoError(t, err)
	require.Equal(t, []string{first, last}, ids(done.Cleared))
	require.Equal(t, ids(append(all[1:4:4], done.Authenticator)), ids(next.Authenticators()))
	require.Len(t, next.Recoverable(noon), 2)
	_, _, err = next.Begin(noon, mustKey(keyA.Secret(), totp.Params{Digits: 8}), "", true)
	require.ErrorIs(t, err, enroll.ErrSameSecret, "its used codes are remembered")

	began, c, err = e.Begin(noon, keyF, "", false)
	require.NoError(t, err)
	_, done, err = began.Confirm(noon, c.ID, code(t, keyF, noon), totp.Standard())
	require.NoError(t, err, "one that replaces all needs no room")
	require.Equal(t, ids(all), ids(done.Cleared))
}

func TestFirstAuthenticator(t *testing.T) {
	began, c, err := enroll.Enrollment{}.Begin(noon, keyA, " My\tphone ", false)
	require.NoError(t, err)
	require.Equal(t, "My phone", c.Name)
	require.Equal(t, noon, c.Began)
	require.False(t, c.Adds)
	require.GreaterOrEqual(t, len(c.ID), 26, "128 random bits in base32")
	shown, found := began.Candidate(noon)
	require.True(t, found)
	require.Equal(t, c.ID, shown.ID)
	require.True(t, shown.Key.Equal(keyA))
	require.Empty(t, began.Authenticators())

	at := noon.Add(time.Minute)
	e, done, err := began.Confirm(at, c.ID, code(t, keyA, at), totp.Standard())
	require.NoError(t, err)
	require.True(t, done.First)
	require.Empty(t, done.Cleared)
	require.Equal(t, c.ID, done.Authenticator.ID)
	require.Equal(t, keyA.Step(at), done.Authenticator.Last)
	require.Equal(t, at, done.Authenticator.Added)
	require.Equal(t, at, done.Authenticator.Used)
	require.Equal(t, enroll.Active, e.State(at))
	require.Len(t, e.Authenticators(), 1)
	_, found = e.Candidate(at)
	require.False(t, found, "nobody sees the offer after it is confirmed")
}

// The code of the confirmation does not sign in, and neither does an older one.
func TestConfirmBurnsTheCode(t *testing.T) {
	e := enrolled(t, noon, keyA)
	for _, off := range []time.Duration{0, -30 * time.Second} {
		next, _, err := e.Verify(noon, code(t, keyA, noon.Add(off)), totp.Standard())
		require.ErrorIs(t, err, totp.ErrAlreadyUsed)
		require.Equal(t, e.Encode(), next.Encode())
	}
	_, _, err := e.Verify(noon, code(t, keyA, noon.Add(30*time.Second)), totp.Standard())
	require.NoError(t, err)
}

func TestACandidateSignsNobodyIn(t *testing.T) {
	for _, s := range []enroll.State{enroll.Pending, enroll.Replacing, enroll.ResetPending} {
		_, _, err := inState(t, s).Verify(noon, code(t, keyC, noon), totp.Standard())
		require.Error(t, err)
		require.NotErrorIs(t, err, totp.ErrAlreadyUsed)
	}
}

// An enrollment that is begun and abandoned weakens nothing: the old authenticator signs
// in before and after the candidate expires.
func TestAnAbandonedReplacementLeavesTheOldOne(t *testing.T) {
	e := begin(t, enrolled(t, noon, keyA), noon.Add(time.Minute), keyB)
	for _, at := range []time.Time{noon.Add(2 * time.Minute), noon.Add(20 * time.Minute)} {
		next, used, err := e.Verify(at, code(t, keyA, at), totp.Standard())
		require.NoError(t, err)
		require.True(t, used.Key.Equal(keyA))
		e = next
	}
	require.Equal(t, enroll.Active, e.State(noon.Add(20*time.Minute)))
}

func TestReplacing(t *testing.T) {
	e := enrolled(t, noon.Add(-time.Hour), keyA, keyB)
	e, c, err := e.Begin(noon, keyC, "", false)
	require.NoError(t, err)
	next, done, err := e.Confirm(noon, c.ID, code(t, keyC, noon), totp.Standard())
	require.NoError(t, err)
	require.False(t, done.First)
	require.Len(t, done.Cleared, 2)
	require.True(t, done.Cleared[0].Key.Equal(keyA) && done.Cleared[1].Key.Equal(keyB))
	require.Equal(t, []string{"Authenticator"}, names(next))
	for _, old := range []totp.Key{keyA, keyB} {
		_, _, err := next.Verify(noon, code(t, old, noon), totp.Standard())
		require.ErrorIs(t, err, totp.ErrRejected, "a cleared authenticator signs nobody in")
	}
}

func TestAdding(t *testing.T) {
	e := enrolled(t, noon, keyA)
	e, c, err := e.Begin(noon, keyB, "", true)
	require.NoError(t, err)
	require.True(t, c.Adds)
	e, done, err := e.Confirm(noon, c.ID, code(t, keyB, noon), totp.Standard())
	require.NoError(t, err)
	require.Empty(t, done.Cleared)
	require.False(t, done.First)
	require.Equal(t, []string{"Authenticator", "Authenticator 2"}, names(e))

	_, c, err = enroll.Enrollment{}.Begin(noon, keyA, "", true)
	require.NoError(t, err)
	require.False(t, c.Adds, "there is nothing to stand beside")
}

func TestLimit(t *testing.T) {
	e := enrolled(t, noon, keyA, keyB, keyC, keyD, keyE)
	require.Len(t, e.Authenticators(), enroll.MaxAuthenticators)
	_, _, err := e.Begin(noon, keyF, "", true)
	require.ErrorIs(t, err, enroll.ErrTooManyAuthenticators)
	_, _, err = e.Begin(noon, keyF, "", false)
	require.NoError(t, err, "replacing is possible at the limit")
}

func TestTheSameSecretTwiceIsRefused(t *testing.T) {
	e := enrolled(t, noon, keyA, keyB)
	other := mustKey(keyA.Secret(), totp.Params{Digits: 8})
	for _, k := range []totp.Key{keyA, keyB, other} {
		for _, adds := range []bool{true, false} {
			next, _, err := e.Begin(noon, k, "", adds)
			require.ErrorIs(t, err, enroll.ErrSameSecret)
			require.Equal(t, e.Encode(), next.Encode())
		}
	}
}

func TestBeginRefuses(t *testing.T) {
	_, _, err := enroll.Enrollment{}.Begin(noon, totp.Key{}, "", false)
	require.ErrorIs(t, err, totp.ErrNoKey)
	for _, at := range []time.Time{{}, time.Unix(-1, 0), time.Unix(0, 0), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(1<<60, 0)} {
		_, _, err := enroll.Enrollment{}.Begin(at, keyA, "", false)
		require.ErrorIs(t, err, totp.ErrTime, "%v", at)
	}
}

// Of two enrollments the newer counts; of two confirmations the first.
func TestStale(t *testing.T) {
	e, first, err := enroll.Enrollment{}.Begin(noon, keyA, "", false)
	require.NoError(t, err)
	e, second, err := e.Begin(noon, keyB, "", false)
	require.NoError(t, err)
	require.NotEqual(t, first.ID, second.ID)

	_, _, err = e.Confirm(noon, first.ID, code(t, keyA, noon), totp.Standard())
	require.ErrorIs(t, err, enroll.ErrStale)
	_, err = e.Cancel(noon, first.ID)
	require.ErrorIs(t, err, enroll.ErrStale)
	_, _, err = e.Confirm(noon, "", code(t, keyB, noon), totp.Standard())
	require.ErrorIs(t, err, enroll.ErrStale)

	e, _, err = e.Confirm(noon, second.ID, code(t, keyB, noon), totp.Standard())
	require.NoError(t, err)
	_, _, err = e.Confirm(noon, second.ID, code(t, keyB, noon), totp.Standard())
	require.ErrorIs(t, err, enroll.ErrStale)
	require.ErrorIs(t, err, enroll.ErrTransition)

	// In reset-pending the table allows the action even without a candidate.
	e, err = e.Reset(noon)
	require.NoError(t, err)
	for _, id := range []string{"", second.ID} {
		_, _, err = e.Confirm(noon, id, code(t, keyB, noon), totp.Standard())
		require.ErrorIs(t, err, enroll.ErrStale)
		_, err = e.Cancel(noon, id)
		require.ErrorIs(t, err, enroll.ErrStale)
	}
}

func TestACandidateExpires(t *testing.T) {
	for _, s := range []enroll.State{enroll.Pending, enroll.Replacing, enroll.ResetPending} {
		e := inState(t, s)
		c, _ := e.Candidate(noon)
		last := noon.Add(enroll.CandidateLifetime - time.Millisecond)
		_, found := e.Candidate(last)
		require.True(t, found)
		_, _, err := e.Confirm(last, c.ID, code(t, keyC, last), totp.Standard())
		require.NoError(t, err)

		// The other end: a candidate begun under a clock that was ahead must not live
		// until fifteen minutes after that time.
		for _, at := range []time.Time{noon.Add(enroll.CandidateLifetime), noon.Add(-31 * time.Second)} {
			require.Equal(t, wanted(t, s, enroll.Expire), e.State(at))
			_, found = e.Candidate(at)
			require.False(t, found)
			_, _, err = e.Confirm(at, c.ID, code(t, keyC, at), totp.Standard())
			require.ErrorIs(t, err, enroll.ErrExpired)
			_, err = e.Cancel(at, c.ID)
			require.ErrorIs(t, err, enroll.ErrExpired)
			_, _, err = e.Confirm(at, "another", code(t, keyC, at), totp.Standard())
			require.ErrorIs(t, err, enroll.ErrStale)
		}
	}
}

func TestCancel(t *testing.T) {
	e := inState(t, enroll.Replacing)
	c, _ := e.Candidate(noon)
	next, err := e.Cancel(noon, c.ID)
	require.NoError(t, err)
	require.Equal(t, enroll.Active, next.State(noon))
	require.Len(t, next.Authenticators(), 2)
	_, _, err = next.Verify(noon, code(t, keyA, noon), totp.Standard())
	require.NoError(t, err)
}

func TestDisableAndResetClearEverything(t *testing.T) {
	e := inState(t, enroll.Replacing)
	disabled, err := e.Disable(noon)
	require.NoError(t, err)
	reset, err := e.Reset(noon)
	require.NoError(t, err)
	for _, next := range []enroll.Enrollment{disabled, reset} {
		require.Empty(t, next.Authenticators())
		_, found := next.Candidate(noon)
		require.False(t, found)
		_, _, err = next.Verify(noon, code(t, keyB, noon), totp.Standard())
		require.ErrorIs(t, err, enroll.ErrNone)
	}
	require.True(t, disabled.ResetAt().IsZero())
	require.Equal(t, noon, reset.ResetAt())

	later := noon.Add(time.Hour)
	again, err := reset.Reset(later)
	require.NoError(t, err)
	require.Equal(t, later, again.ResetAt())
	e = begin(t, again, later, keyC)
	require.Equal(t, later, e.ResetAt())
	c, _ := e.Candidate(later)
	e, done, err := e.Confirm(later, c.ID, code(t, keyC, later), totp.Standard())
	require.NoError(t, err)
	require.True(t, done.First)
	require.True(t, e.ResetAt().IsZero())
}

func TestRemove(t *testing.T) {
	e := enrolled(t, noon.Add(-time.Hour), keyA, keyB)
	ids := e.Authenticators()
	_, err := e.Remove(noon, "nobody's")
	require.ErrorIs(t, err, enroll.ErrUnknown)
	e, err = e.Remove(noon, ids[0].ID)
	require.NoError(t, err)
	_, _, err = e.Verify(noon, code(t, keyA, noon), totp.Standard())
	require.ErrorIs(t, err, totp.ErrRejected)
	_, err = e.Remove(noon, ids[0].ID)
	require.ErrorIs(t, err, enroll.ErrUnknown)
	_, err = e.Remove(noon, ids[1].ID)
	require.ErrorIs(t, err, enroll.ErrLast)
	_, _, err = e.Verify(noon, code(t, keyB, noon), totp.Standard())
	require.NoError(t, err)
}

// The memory of removed authenticators is bounded.
func TestTheEncodingHasABound(t *testing.T) {
	e := enrolled(t, noon)
	name := strings.Repeat("&", enroll.MaxName) // six bytes each in JSON
	for i := range 60 {
		key, err := totp.NewKey(totp.Params{Algorithm: totp.SHA512, Digits: 8, Period: 15 * time.Second})
		require.NoError(t, err)
		if i < 55 {
			var c enroll.Candidate
			e, c, err = e.Begin(noon, key, name, false)
			require.NoError(t, err)
			e, _, err = e.Confirm(noon, c.ID, code(t, key, noon), totp.Standard())
			require.NoError(t, err)
		} else if len(e.Authenticators()) < enroll.MaxAuthenticators {
			e = add(t, e, noon, key, name+strconv.Itoa(i))
		} else {
			e = begin(t, e, noon, key)
		}
	}
	require.Equal(t, enroll.Replacing, e.State(noon))
	require.Len(t, e.Authenticators(), enroll.MaxAuthenticators)
	require.Len(t, e.Recoverable(noon), enroll.MaxAuthenticators)
	require.Less(t, len(e.Encode()), 5<<10)
	_, err := enroll.Decode(e.Encode())
	require.NoError(t, err)
}

// The slices that are returned belong to the caller.
func TestValuesAreNotShared(t *testing.T) {
	e := inState(t, enroll.Replacing)
	before := string(e.Encode())
	live := e.Authenticators()
	live[0], live[1] = live[1], enroll.Authenticator{}

	c, _ := e.Candidate(noon)
	next, done, err := e.Confirm(noon, c.ID, code(t, keyC, noon), totp.Standard())
	require.NoError(t, err)
	after := string(next.Encode())
	done.Cleared[0].Name = "changed"
	next.Authenticators()[0].Last = 0
	require.Equal(t, before, string(e.Encode()))
	require.Equal(t, after, string(next.Encode()))

	// Two values made from one do not write into each other.
	one, err := next.Rename(done.Authenticator.ID, "one")
	require.NoError(t, err)
	two, err := next.Rename(done.Authenticator.ID, "two")
	require.NoError(t, err)
	require.Equal(t, []string{"one"}, names(one))
	require.Equal(t, []string{"two"}, names(two))
}
