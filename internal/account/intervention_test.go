package account

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/recovery"
)

// An issued code can be redeemed for 24 hours, by clocks half a minute apart, and leaves
// the record when it cannot be redeemed any more.
func TestIssuedIsLive(t *testing.T) {
	_, set := recovery.Issue(at)
	i := Issued{Set: set, At: at}
	for age, live := range map[time.Duration]bool{
		-31 * time.Second: false, -30 * time.Second: true, 0: true, 24*time.Hour - time.Millisecond: true, 24 * time.Hour: false,
	} {
		require.Equal(t, live, i.Live(at.Add(age)), age)
		a := Account{Issued: i}
		a.Prune(at.Add(age))
		require.Equal(t, live, a.Issued.Set.Remaining() == 1, age)
	}
	require.False(t, Issued{At: at}.Live(at), "none")
}

// A freeze is ended once, and only a freeze is: an administrator's call on an account
// that is not frozen leaves older links as they are.
func TestThaw(t *testing.T) {
	var a Account
	a.Thaw(at)
	require.Zero(t, a.Freeze)
	a.Freeze.At = at
	require.True(t, a.Frozen())
	a.Thaw(at.Add(1_999_999 * time.Nanosecond))
	require.False(t, a.Frozen())
	require.Equal(t, Freeze{Ended: at.Add(time.Millisecond)}, a.Freeze)
	a.Thaw(at.Add(time.Hour))
	require.Equal(t, Freeze{Ended: at.Add(time.Millisecond)}, a.Freeze)
}
