package account

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/trust"
)

// Whatever the owner, a thief of the session and a guesser do at the same time, even
// while the notifier is away: the record fits every store. A record that grew beyond that
// would lock its owner out with the next write.
func TestFullRecordFits(t *testing.T) {
	fits(t, id, worst(t, at.Add(123456789*time.Nanosecond)))
}

func fits(t *testing.T, id store.AccountID, a Account) {
	t.Helper()
	rec, err := Seal(ring(t), id, a, at, time.Time{})
	require.NoError(t, err)
	counts := 0
	for _, d := range a.Activity.Attempts() {
		counts += 4 * len(d.Counts) // each may take five bytes
	}
	t.Logf("%d bytes", len(rec.Sealed)+counts)
	require.LessOrEqual(t, len(rec.Sealed)+counts, store.MaxSealed)
	require.NoError(t, rec.Validate())
}

// The worst record of a tenant: administrators ask for as much as may be pending, with
// ids as long and as odd as possible, every number of messages is counted, and the
// notifier is away.
func TestFullTenantFits(t *testing.T) {
	for _, pad := range []string{"x", "<", "\u2028", "\"", "\\", "é", "😀"} {
		now := at.Add(123456789 * time.Nanosecond)
		a := Account{Activity: hostileChanges(now), Sends: manySends(t, now)}
		p := policy.Policy{
			Grace: policy.MaxGrace - 1, Deadline: now, BrowserAge: policy.MaxBrowserAge - 1,
			Methods: policy.App | policy.RecoveryCodes | policy.Phone | policy.External, IssuedCode: true, TwoAdministrators: true, AssignedPhones: true,
		}
		a.Tenant.Policy = &p
		long := strings.Repeat(pad, store.MaxID/len(pad))
		for i := 0; ; i++ {
			q := Request{ID: "0123456789ABCDEF", Action: "exempt account", By: store.AccountID{Tenant: long, User: long}, Asked: now, Policy: &p, Scope: "authenticators", Name: long}
			for range i % 20 {
				q.Targets = append(q.Targets, long)
			}
			next, err := a.Tenant.AddRequest(q, now)
			if errors.Is(err, ErrTooManyRequests) {
				require.Greater(t, i, 5)
				break
			}
			require.NoError(t, err)
			a.Tenant = next
		}
		fits(t, TenantID(long), a)
	}
	fits(t, SendsID("x"), Account{Activity: hostileChanges(at), Sends: manySends(t, at)})
}

func manySends(t testing.TB, now time.Time) (s phone.Sends) {
	t.Helper()
	for i := range 2000 {
		var err error
		s, err = s.Take(now.Add(time.Duration(i-2000)*time.Minute), phone.Limit{N: 1_000_000, Per: 365 * 24 * time.Hour})
		require.NoError(t, err)
	}
	return s
}

// worst returns an account with everything at its limit, and every text as long as
// possible.
func worst(t testing.TB, now time.Time) Account {
	t.Helper()
	hostile := strings.Repeat("<", 300)
	a := Account{Generation: math.MaxUint64, Mark: Mark{1}, UsedUpTo: now.UnixMilli(), TicketKey: TicketKey{1}}
	a.Enrollment = manyAuthenticators(t, now, hostile)
	codes, set := recovery.New(now)
	for _, code := range codes {
		d, err := set.Derive(context.Background(), code)
		require.NoError(t, err)
		set, err = set.Redeem(now, d)
		require.NoError(t, err)
	}
	a.Recovery = set.MarkSaved(now)
	for keys, i := ring(t), 0; i < trust.MaxBrowsers; i++ {
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
	_, issued := recovery.Issue(now)
	a.Issued, a.Freeze = Issued{Set: issued, At: now}, Freeze{At: now, Ended: now}
	a.Grace, a.PasswordAt, a.Suspicion = Grace{Begun: now, Until: now}, now, Suspicion{true, true, true}
	a.Machine = event.Event{Actor: hostile}.Clean().Actor
	var actions []string
	var targets []store.AccountID
	for i := range MaxActions {
		actions = append(actions, strings.Repeat(string(rune('a'+i)), maxScope))
	}
	for i := range MaxTargets {
		long := strings.Repeat(string(rune('a'+i)), store.MaxID)
		targets = append(targets, store.AccountID{Tenant: long, User: long})
	}
	a.Window = NewWindow([16]byte{1}, strings.Repeat("m", maxMark), now, actions, targets)
	a.Phones, a.Assigned = manyPhones(t, now), "+999999999999999"
	a.Notifying = Notifying{By: math.MaxUint64, Since: now}
	a.Activity = hostileActivity(now)
	return a
}

// manyPhones returns as many phones as are allowed, another one that is pending, a live
// code, and counts of messages and wrong codes.
func manyPhones(t testing.TB, now time.Time) (s phone.State) {
	t.Helper()
	keys, free := ring(t), phone.Limit{N: 64, Per: 365 * 24 * time.Hour}
	for i := range phone.MaxPhones {
		n, err := phone.ParseNumber(fmt.Sprintf("+4477009001234%02d", i))
		require.NoError(t, err)
		next, pending, err := s.Add(now, n)
		require.NoError(t, err)
		next, m, err := next.SendPending(now, keys, pending.ID, phone.Voice, free)
		require.NoError(t, err)
		s, _, err = next.VerifyPending(now, keys, pending.ID, m.Code.Digits())
		require.NoError(t, err)
	}
	for i := range 60 {
		var err error
		s, _, err = s.Send(now.Add(time.Duration(i)*time.Second), keys, s.Phones()[0].ID, phone.Voice, "0123456789ABCDEF", free)
		require.NoError(t, err)
	}
	s, _, err := s.Verify(now.Add(time.Minute), keys, "0123456789ABCDEF", "000000")
	require.Error(t, err)
	return s
}

// hostileActivity returns as many events as are allowed, with texts as long as possible,
// and attempts of every kind on every day.
func hostileActivity(now time.Time) event.Activity {
	return activityOf(now, func(event.Kind) bool { return true })
}

// hostileChanges returns the largest activity of a tenant's record: there are no attempts
// in it.
func hostileChanges(now time.Time) event.Activity { return activityOf(now, event.Kind.SecurityChange) }

func activityOf(now time.Time, some func(event.Kind) bool) (a event.Activity) {
	texts := 0
	text := func() string { // different each time, so that no text is a word that was there before
		texts++
		return fmt.Sprintf("%04d", texts) + strings.Repeat("<", 300)
	}
	for day := range event.MaxDays {
		for _, kind := range event.Kinds() {
			if some(kind) {
				a, _ = a.Append(event.Event{
					At: now.AddDate(0, 0, day-event.MaxDays), Kind: kind, Remaining: 10, Until: now,
					Reason: text(), Method: text(), Authenticator: text(), Browser: text(), Actor: text(), Action: text(),
					Source: event.Source{Address: text(), UserAgent: text()},
				})
			}
		}
	}
	return a
}

// manyAuthenticators returns as many live ones as are allowed, more retired ones than are
// remembered, and another one offered.
func manyAuthenticators(t testing.TB, now time.Time, name string) (e enroll.Enrollment) {
	t.Helper()
	params := totp.Params{Algorithm: totp.SHA512, Digits: 8, Period: 2 * time.Minute}
	for range enroll.MaxAuthenticators + 25 {
		if live := e.Authenticators(); len(live) == enroll.MaxAuthenticators {
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

func fewSends(t testing.TB) (s phone.Sends) {
	t.Helper()
	for i := range 3 {
		var err error
		s, err = s.Take(at.Add(time.Duration(i)*time.Minute), phone.Limit{N: 10, Per: time.Hour})
		require.NoError(t, err)
	}
	return s
}
