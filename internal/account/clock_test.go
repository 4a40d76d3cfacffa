package account

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/trust"
)

// Each grant that a record keeps, made by a clock that was ahead: by itself it causes the
// record to be written, and it is gone when its time comes.
func TestAhead(t *testing.T) {
	then := at.AddDate(1, 0, 0)
	key, err := totp.NewKey(totp.Params{})
	require.NoError(t, err)
	weak, err := totp.ReadSecret("K5QXI3DFORUGSZLU", totp.Params{}) // 80 bits
	require.NoError(t, err)
	number, err := phone.ParseNumber("+436601234567")
	require.NoError(t, err)
	for name, c := range map[string]struct {
		make func(a *Account, now time.Time)
		gone func(a *Account) bool
	}{
		"an issued code": {
			func(a *Account, now time.Time) { _, set := recovery.Issue(now); a.Issued = Issued{Set: set, At: now} },
			func(a *Account) bool { return a.Issued.IsZero() },
		},
		"a browser": {
			func(a *Account, now time.Time) {
				_, b := trust.Issue(ring(t), trust.Scope{User: "42"}, "x", now)
				a.Browsers = trust.Remember(nil, b)
			},
			func(a *Account) bool { return len(a.Browsers) == 0 },
		},
		"a ticket that was used": {
			func(a *Account, now time.Time) { a.DrawTicketKey(now); a.Spend("x", now) },
			func(a *Account) bool { return a.TicketKey == TicketKey{} && len(a.Spent) == 0 },
		},
		"tickets that were forgotten": {
			func(a *Account, now time.Time) { a.DrawTicketKey(now); a.UsedUpTo = now.UnixMilli() },
			func(a *Account) bool { return a.TicketKey == TicketKey{} && a.UsedUpTo == 0 },
		},
		"more grace": {
			func(a *Account, now time.Time) { a.Grace.Until = now.Add(policy.MaxGrace) },
			func(a *Account) bool { return a.Grace.Until.IsZero() },
		},
		"the end of a freeze": {
			func(a *Account, now time.Time) { a.Freeze.Ended = now },
			func(a *Account) bool { return a.Freeze.Ended.Equal(at) },
		},
		"a candidate": {
			func(a *Account, now time.Time) { a.Enrollment, _, _ = a.Enrollment.Begin(now, key, "", false) },
			func(a *Account) bool { _, ok := a.Enrollment.Candidate(then); return !ok },
		},
		"a weak key": {
			func(a *Account, now time.Time) {
				a.Enrollment, _, err = enroll.Enrollment{}.Import(now, weak, "", now.Add(enroll.MaxWeak))
				require.NoError(t, err)
			},
			func(a *Account) bool { return a.Enrollment.WeakUntil().Equal(at.Add(enroll.MaxWeak)) },
		},
		"an authenticator that can be restored": {
			func(a *Account, now time.Time) {
				code, err := key.Code(now)
				require.NoError(t, err)
				e, c, err := enroll.Enrollment{}.Begin(now, key, "", false)
				require.NoError(t, err)
				e, _, err = e.Confirm(now, c.ID, code, totp.Standard())
				require.NoError(t, err)
				a.Enrollment, err = e.Disable(now)
				require.NoError(t, err)
			},
			func(a *Account) bool {
				return a.Enrollment.Recoverable(at)[0].Until.Equal(at.Add(enroll.RecoverableLifetime))
			},
		},
		"a reset": {
			func(a *Account, now time.Time) { a.Enrollment, _ = a.Enrollment.Reset(now) },
			func(a *Account) bool { return a.Enrollment.Lapsed() },
		},
		"a number to be verified": {
			func(a *Account, now time.Time) { a.Phones, _, _ = a.Phones.Add(now, number) },
			func(a *Account) bool { _, ok := a.Phones.Pending(then); return !ok },
		},
		"a code by phone": {
			func(a *Account, now time.Time) {
				keys, free := ring(t), phone.Limit{N: 60, Per: time.Hour}
				added, pending, err := a.Phones.Add(at, number)
				require.NoError(t, err)
				sent, m, err := added.SendPending(at, keys, pending.ID, phone.SMS, free)
				require.NoError(t, err)
				has, _, err := sent.VerifyPending(at, keys, pending.ID, m.Code.Digits())
				require.NoError(t, err)
				a.Phones, _, err = has.Send(now, keys, pending.ID, phone.SMS, "x", free)
				require.NoError(t, err)
			},
			func(a *Account) bool { _, ok := a.Phones.Sent(then, "x"); return !ok },
		},
		"a window": {
			func(a *Account, now time.Time) {
				a.Window = NewWindow([16]byte{1}, "m", now, []string{"x"}, []store.AccountID{{User: "42"}})
			},
			func(a *Account) bool { return a.Window.IsZero() },
		},
		"a claim to notify": {
			func(a *Account, now time.Time) { a.Notifying = Notifying{By: 7, Since: now} },
			func(a *Account) bool { return a.Notifying.IsZero() },
		},
		"a request": {
			func(a *Account, now time.Time) { a.Tenant.Pending = []Request{{ID: "x", Asked: now}} },
			func(a *Account) bool { return len(a.Tenant.Pending) == 0 },
		},
	} {
		t.Run(name, func(t *testing.T) {
			var right, little, a Account
			c.make(&right, at)
			require.False(t, right.Ahead(at))
			c.make(&little, at.Add(30*time.Second))
			require.False(t, little.Ahead(at), "as far as two clocks may differ")
			c.make(&a, then)
			require.True(t, a.Ahead(at))
			require.False(t, a.Ahead(then))
			a.Prune(at)
			require.True(t, c.gone(&a))
			require.False(t, a.Ahead(at), "once")
		})
	}
}

// Locks do not end under a clock that was put right, or is behind.
func TestPruneEndsNoWait(t *testing.T) {
	var a Account
	a.PasswordAt = at.AddDate(1, 0, 0)
	a.Suspicion = Suspicion{CodeOnly: true, NewPassword: true}
	require.False(t, a.Ahead(at))
	a.Prune(at)
	require.True(t, a.PasswordRecent(at.AddDate(0, 6, 0)))
	require.True(t, a.CodeDemanded(at.AddDate(0, 6, 0)))

	require.True(t, a.PutPasswordRight(at))
	require.False(t, a.PutPasswordRight(at.Add(-30*time.Second)))
	require.True(t, a.PasswordRecent(at.Add(24*time.Hour-time.Second)))
	require.False(t, a.PasswordRecent(at.Add(24*time.Hour)))
	require.Equal(t, enroll.Disabled, a.Enrollment.State(at))
}
