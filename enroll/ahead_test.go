package enroll_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/totp"
)

// A weak key that was imported under a clock a year ahead ends 90 days from now.
func TestWeakKeyOfAClockAhead(t *testing.T) {
	then := noon.AddDate(1, 0, 0)
	e, _, err := enroll.Enrollment{}.Import(then, weakKey, "", then.Add(enroll.MaxWeak))
	require.NoError(t, err)
	require.True(t, e.Ahead(noon))
	next := e.Expire(noon)
	require.False(t, next.Ahead(noon))
	require.Equal(t, noon.Add(enroll.MaxWeak), next.WeakUntil())
	require.Equal(t, then.Add(enroll.MaxWeak), e.WeakUntil(), "the value itself never changes")
}

// What a clock an hour ahead has written is ahead of the right one; what the right one
// has written is not.
func TestAhead(t *testing.T) {
	for name, change := range map[string]func(time.Time) (enroll.Enrollment, error){
		"candidate": func(at time.Time) (enroll.Enrollment, error) { return begin(t, enroll.Enrollment{}, at, keyA), nil },
		"reset":     func(at time.Time) (enroll.Enrollment, error) { return enrolled(t, at, keyA).Reset(at) },
		"kept":      func(at time.Time) (enroll.Enrollment, error) { return enrolled(t, at, keyA).Disable(at) },
	} {
		e, err := change(noon)
		require.NoError(t, err)
		require.False(t, e.Ahead(noon), name)
		require.True(t, e.Ahead(noon.Add(-time.Hour)), name)
		require.False(t, e.Expire(noon.Add(-time.Hour)).Ahead(noon.Add(-time.Hour)), name)
	}
}

// A reset by a clock that was ahead counts as one from now that was long ago. One that
// counts so already stays as it is.
func TestResetOfAClockAhead(t *testing.T) {
	e, err := enrolled(t, noon, keyA).Reset(noon.Add(time.Hour))
	require.NoError(t, err)
	require.False(t, e.Lapsed())
	e = e.Expire(noon)
	require.True(t, e.Lapsed())
	require.Equal(t, noon, e.ResetAt())

	before := noon.Add(-time.Hour)
	require.False(t, e.Ahead(before))
	require.Equal(t, noon, e.Expire(before).ResetAt())
}

// A secret showed a code under a clock a year ahead, and was replaced when the clock was
// right. It is remembered until the time of that code has come and gone: if it is
// imported again meanwhile, it does not accept the code a second time.
func TestRetiredSecretOfAClockAhead(t *testing.T) {
	then := noon.AddDate(1, 0, 0)
	e := enrolled(t, noon.Add(-time.Hour), keyA)
	e, _, err := e.Verify(then, code(t, keyA, then), totp.Standard())
	require.NoError(t, err)
	began, c, err := e.Begin(noon, keyB, "", false)
	require.NoError(t, err)
	e, done, err := began.Confirm(noon, c.ID, code(t, keyB, noon), totp.Standard())
	require.NoError(t, err, "a new one is the way on")
	require.Len(t, done.Cleared, 1)

	e, err = e.Disable(noon.Add(4 * 24 * time.Hour)) // it is no longer kept
	require.NoError(t, err)
	e, _, err = e.Import(noon.Add(8*24*time.Hour), keyA, "", time.Time{})
	require.NoError(t, err)
	_, _, err = e.Verify(then, code(t, keyA, then), totp.Standard())
	require.ErrorIs(t, err, totp.ErrAlreadyUsed)
}
