package account

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/trust"
)

// Whatever the owner, a thief of the session and a guesser do at the same time,
// and while the sink is away: the record fits every store. A record that grew
// beyond would lock its owner out with the next write.
func TestFullRecordFits(t *testing.T) {
	a := worst(t, at.Add(123456789*time.Nanosecond))
	rec, err := seal(ring(t), id, a, at)
	require.NoError(t, err)
	rec.ID = id
	const counts = 30 * 11 * 3 // a day's attempts of one kind may have four digits
	require.LessOrEqual(t, len(rec.Sealed)+counts, store.MaxSealed)
	require.NoError(t, rec.Validate())
}

// worst is an account with everything at its limit, and every text as long as
// its JSON can be.
func worst(t testing.TB, now time.Time) Account {
	t.Helper()
	hostile := strings.Repeat("<", 300) // six bytes each
	a := Account{Epoch: 1 << 32, SessionsFrom: now, Forgotten: now.UnixMilli(), TicketKey: TicketKey{1}}
	a.Enrollment = manyAuthenticators(t, now, hostile)
	codes, set := recovery.New(now)
	for _, code := range codes {
		d, err := set.Derive(context.Background(), code)
		require.NoError(t, err)
		set, err = set.Redeem(now, d)
		require.NoError(t, err)
	}
	a.Recovery = set.MarkSaved(now)
	for keys, i := ring(t), 0; i < trust.Limit; i++ {
		_, b := trust.Issue(keys, trust.Scope{User: "42"}, hostile, now)
		b.Seen = now
		a.Browsers = trust.Remember(a.Browsers, b)
	}
	for i := range 1100 {
		a.Budget = a.Budget.Fail(now.Add(time.Duration(i-1100)*15*time.Hour), throttle.Default(), "", 15)
	}
	for i := range 100 {
		a.Budget = a.Budget.Fail(now, throttle.Default(), fmt.Sprint(i), 15)
		a.RecoveryRate, _ = a.RecoveryRate.Take(now, 10, time.Hour)
		a.Spend(fmt.Sprintf("%016d", i), now.Add(time.Duration(i)*time.Millisecond))
	}
	e := event.Event{
		Reason: hostile, Method: hostile, Authenticator: hostile, Browser: hostile, Actor: hostile, Action: hostile, Remaining: 10, Until: now,
		Source: event.Source{Address: hostile, UserAgent: hostile},
	}
	for day := range event.Days {
		for _, e.Kind = range event.Kinds() {
			e.At = now.AddDate(0, 0, day-event.Days)
			a.Activity, _ = a.Activity.Append(e)
		}
	}
	return a
}

// manyAuthenticators has as many as may be live, more retired than are
// remembered, and another one offered.
func manyAuthenticators(t testing.TB, now time.Time, name string) (e enroll.Enrollment) {
	t.Helper()
	params := totp.Params{Algorithm: totp.SHA512, Digits: 8, Period: 2 * time.Minute}
	for range enroll.Limit + 25 {
		if live := e.Authenticators(); len(live) == enroll.Limit {
			var err error
			e, err = e.Remove(now, live[0].ID)
			require.NoError(t, err)
		}
		key, err := totp.NewKey(params)
		require.NoError(t, err)
		begun, c, err := e.Begin(now, key, name, true)
		require.NoError(t, err)
		code, err := key.Code(now)
		require.NoError(t, err)
		e, _, err = begun.Confirm(now, c.ID, code, totp.Standard())
		require.NoError(t, err)
	}
	key, err := totp.NewKey(params)
	require.NoError(t, err)
	e, _, err = e.Begin(now, key, name, false)
	require.NoError(t, err)
	return e
}
