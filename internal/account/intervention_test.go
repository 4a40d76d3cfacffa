package account

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/trust"
)

// An issued code can be redeemed for 24 hours, by clocks half a minute apart, and leaves
// the record when its time is over.
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

// The end of a freeze ends the links of all events so far.
func TestThawEndsLinks(t *testing.T) {
	a := Account{Freeze: Freeze{At: at}}
	for range 3 {
		a.Activity, _ = a.Activity.Append(event.Event{At: at, Kind: event.Reset})
	}
	a.Thaw(at)
	require.Equal(t, a.Activity.Last(), a.Freeze.UpTo)
	require.NotZero(t, a.Freeze.UpTo)
}

// A suspicion ends with a factor that was confirmed after an issued code, or a day after a new
// password, and with nothing else. A person who redeems a code and does not finish needs
// another one.
func TestSuspicion(t *testing.T) {
	_, set := recovery.Issue(at)
	for name, c := range map[string]struct {
		do    func(a *Account)
		after time.Duration
		is    bool
	}{
		"nothing happened":            {func(*Account) {}, 0, false},
		"frozen":                      {func(a *Account) { a.Suspect() }, 365 * 24 * time.Hour, true},
		"frozen, and a factor":        {func(a *Account) { a.Suspect(); a.FactorConfirmed() }, 0, true},
		"redeemed":                    {func(a *Account) { a.Redeemed() }, 0, true},
		"redeemed, and a factor":      {func(a *Account) { a.Redeemed(); a.FactorConfirmed() }, 0, false},
		"frozen, redeemed, factor":    {func(a *Account) { a.Suspect(); a.Redeemed(); a.FactorConfirmed() }, 0, false},
		"redeemed, frozen, factor":    {func(a *Account) { a.Redeemed(); a.Suspect(); a.FactorConfirmed() }, 0, true},
		"frozen, and a password":      {func(a *Account) { a.Suspect(); a.Suspicion.NewPassword, a.PasswordAt = true, at }, 24*time.Hour - 1, true},
		"frozen, a password of a day": {func(a *Account) { a.Suspect(); a.Suspicion.NewPassword, a.PasswordAt = true, at }, 24 * time.Hour, false},
		"frozen, password, redeemed": {func(a *Account) {
			a.Suspect()
			a.Suspicion.NewPassword, a.PasswordAt = true, at
			a.Redeemed()
		}, 48 * time.Hour, true},
		"a password, and frozen": {func(a *Account) { a.Suspicion.NewPassword, a.PasswordAt = true, at; a.Suspect() }, 24 * time.Hour, true},
	} {
		a := Account{Issued: Issued{Set: set, At: at}}
		c.do(&a)
		require.Equal(t, c.is, a.CodeDemanded(at.Add(c.after)), name)
	}
	a := Account{Issued: Issued{Set: set, At: at}}
	a.FactorConfirmed()
	require.Zero(t, a.Issued, "nobody needs it any more")
}

// Whether an account has a factor, and what a revoked browser leaves.
func TestFactorsAndBrowsers(t *testing.T) {
	var a Account
	require.False(t, a.HasFactor())
	a.Browsers = []trust.Browser{{ID: "a", Issued: at}, {ID: "b", Issued: at}}
	require.False(t, a.RevokeBrowser("c"))
	require.Zero(t, a.Revocations)
	require.Len(t, a.Browsers, 2)
	require.True(t, a.RevokeBrowser("a"))
	require.EqualValues(t, 1, a.Revocations, "a proof of before trusts none again")
	require.Len(t, a.Browsers, 1)
	require.Equal(t, "b", a.Browsers[0].ID)
	a.EndTrust()
	require.EqualValues(t, 2, a.Revocations)
	require.Empty(t, a.Browsers)
	a.Browsers = []trust.Browser{{ID: "a", Issued: at}}
	a.EndSessions()
	require.EqualValues(t, 3, a.Revocations)
	require.Empty(t, a.Browsers)
}

// A write drops no time of now.
func TestPruneLeavesWhatIsOfNow(t *testing.T) {
	a := Account{
		Grace:     Grace{Begun: at, Until: at.Add(time.Hour)},
		Freeze:    Freeze{Ended: at.Add(-time.Hour), UpTo: 7},
		Notifying: Notifying{By: 1, Since: at.Add(-time.Second)},
	}
	was := a
	a.Prune(at)
	require.Equal(t, was, a)
}
