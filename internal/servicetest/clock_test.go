package servicetest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/totptest"
)

// A wrongClock is a harness whose clock was ahead while something happened, and was then
// put right. The record then contains times in the future: for each of them the owner
// gets in within minutes, by a way that docs/operations.md names, nobody else does, and
// nothing serves twice. far reports whether what happened still lies in the future by
// more than two clocks may differ. then is when the time comes that the clock showed.
// byCode signs in with the app, without a wait of more than two minutes. enrolls sets up
// a new app, which then works. byRecovery signs in with a recovery code and replaces the
// app. byCodeOrRecovery is by the app where the clock has not been far ahead. afterReset
// is a reset by an administrator, and a new authenticator. withPhone has the account set
// up nothing but a phone. byPhone has a code sent and types it. byPhoneUnlocked is by
// phone, after an administrator has unlocked the account where its waits lie in the
// future. asks has somebody ask for a milder policy, in the name of an administrator.
// disowns has the person say "it was not me" of the change. Events while the clock is
// ahead, how the owner gets in when it is right again, and who must not.
var clockAhead = map[string]struct {
	start   func(w *wrongClock) // what exists before it; nil: an app and recovery codes
	happens func(w *wrongClock)
	owner   func(w *wrongClock) totpflow.Decision
	nobody  func(w *wrongClock) // also when the time that the clock showed has come; nil: no code serves twice
}{
	"a code used": {
		happens: (*wrongClock).useCode,
		owner:   (*wrongClock).byCodeOrRecovery,
	},
	"a code used, and no recovery codes left": {
		happens: (*wrongClock).useCode,
		owner:   (*wrongClock).afterReset,
	},
	"set up": {
		start:   func(*wrongClock) {},
		happens: func(w *wrongClock) { w.app, w.codes = w.Enroll(ana) },
		owner:   (*wrongClock).byCodeOrRecovery,
	},
	"wrong codes": {
		happens: (*wrongClock).guess,
		owner: func(w *wrongClock) totpflow.Decision {
			first, then := w.app.Pair()
			d, err := w.VerifyPair(w.Ctx, w.Challenge(ana), first, then)
			require.NoError(w.T, err)
			return d
		},
	},
	"every kind of guess": {
		happens: func(w *wrongClock) {
			w.guess()
			for range 12 {
				_, err := w.VerifyPair(w.Ctx, w.Challenge(ana), "000000", "000001")
				require.Error(w.T, err)
				_, err = w.VerifyRecoveryCode(w.Ctx, w.Challenge(ana), "0000-0000-0000-0000")
				require.Error(w.T, err)
			}
		},
		owner: func(w *wrongClock) totpflow.Decision { w.unlock(); return w.mustByCode() },
	},
	"tickets used": {
		happens: func(w *wrongClock) {
			w.useCode()
			require.NoError(w.T, servicetest.ErrorOf(w.TrustBrowser(w.Ctx, w.begun.Proof, "x")))
			w.Clock.Advance(time.Minute)
			w.useCode() // whose proof nobody uses
		},
		owner: (*wrongClock).byCodeOrRecovery,
		nobody: func(w *wrongClock) {
			_, err := w.TrustBrowser(w.Ctx, w.begun.Proof, "x")
			if w.far() {
				require.ErrorIs(w.T, err, totpflow.ErrProof)
			}
		},
	},
	"a new password": {
		happens: func(w *wrongClock) { w.newPassword() },
		owner:   (*wrongClock).mustByCode,
	},
	"a new password, and the phone is lost": {
		happens: func(w *wrongClock) { w.newPassword() },
		owner: func(w *wrongClock) totpflow.Decision {
			require.ErrorIs(w.T, w.office().IssueRecoveryCode(w.Ctx, ops, anaID, w.box.Deliver), totpflow.ErrPasswordRecent)
			now := w.Clock.Now()
			w.Clock.Advance(24*time.Hour - 2*time.Minute)
			require.ErrorIs(w.T, w.office().IssueRecoveryCode(w.Ctx, ops, anaID, w.box.Deliver), totpflow.ErrPasswordRecent)
			w.Clock.Advance(3 * time.Minute) // as after any new password
			w.IssueCode(anaID)
			w.Clock.Set(now)
			return w.afterReset()
		},
	},
	"a reset": {
		happens: func(w *wrongClock) { w.Reset(anaID) },
		owner:   (*wrongClock).afterReset,
		nobody:  (*wrongClock).passwordAloneIsNotEnough,
	},
	"a reset, and a code by mail": {
		happens: func(w *wrongClock) { w.Reset(anaID) },
		owner: func(w *wrongClock) totpflow.Decision {
			next := w.signIn()
			if w.far() {
				d, err := w.VerifyIssuedCode(w.Ctx, next.Challenge, w.IssueCode(anaID))
				require.NoError(w.T, err)
				next = d
			}
			require.Equal(w.T, totpflow.Enroll, next.Step)
			return w.enrolls(next.Challenge)
		},
		nobody: (*wrongClock).passwordAloneIsNotEnough,
	},
	"a grace that began": {
		start: func(w *wrongClock) {
			w.Service = w.Open(func(c *totpflow.Config) { c.Policy = policy.Fixed(fortnight) })
		},
		happens: func(w *wrongClock) { require.Equal(w.T, totpflow.ReasonGrace, w.signIn().Reason) },
		owner: func(w *wrongClock) totpflow.Decision {
			d := w.signIn()
			require.Equal(w.T, totpflow.ReasonGrace, d.Reason)
			require.False(w.T, d.GraceUntil.After(w.right.Add(w.graceAhead()+days(14))))
			return d
		},
		nobody: (*wrongClock).graceEnds,
	},
	"more grace": {
		start:   func(w *wrongClock) { w.Service = w.Open(withMode(policy.Required)); w.signIn() },
		happens: (*wrongClock).moreGrace,
		owner: func(w *wrongClock) totpflow.Decision {
			next := w.signIn()
			if w.ahead < policy.MaxGrace {
				require.Equal(w.T, totpflow.ReasonGrace, next.Reason)
				return next
			}
			require.Equal(w.T, totpflow.Enroll, next.Step)
			w.moreGrace()
			return w.signIn()
		},
		nobody: (*wrongClock).graceEnds,
	},
	"a code issued": {
		happens: func(w *wrongClock) { w.issue() },
		owner: func(w *wrongClock) totpflow.Decision {
			d, err := w.VerifyIssuedCode(w.Ctx, w.signIn().Challenge, w.box.Code())
			if w.far() {
				refused(w.T, d, err, totpflow.ErrRejected)
				w.issue()
				d, err = w.VerifyIssuedCode(w.Ctx, w.signIn().Challenge, w.box.Code())
			}
			require.NoError(w.T, err)
			return w.enrolls(d.Challenge)
		},
		nobody: func(w *wrongClock) {
			for _, c := range w.box.Got {
				if w.far() {
					d, err := w.VerifyIssuedCode(w.Ctx, w.Challenge(ana), c.Code)
					require.Error(w.T, err)
					require.Zero(w.T, d)
				}
			}
		},
	},
	"a page to set up": {
		start: func(*wrongClock) {},
		happens: func(w *wrongClock) {
			page, err := w.BeginEnrollment(w.Ctx, w.signIn().Proof)
			require.NoError(w.T, err)
			w.page = page.Token
			w.app, err = totptest.ScanURI(page.Offer.URI(), w.Clock)
			require.NoError(w.T, err)
		},
		owner: func(w *wrongClock) totpflow.Decision { return w.enrolls(w.signIn().Proof) },
		nobody: func(w *wrongClock) {
			if w.far() {
				_, err := w.ConfirmEnrollment(w.Ctx, w.page, w.app.Peek())
				require.ErrorIs(w.T, err, totpflow.ErrEnrollmentExpired)
			}
		},
	},
	"a browser trusted": {
		happens: func(w *wrongClock) {
			w.useCode()
			b, err := w.TrustBrowser(w.Ctx, w.begun.Proof, "Firefox on Linux")
			require.NoError(w.T, err)
			w.token = b.Token
		},
		owner: func(w *wrongClock) totpflow.Decision {
			next, err := w.SignIn(w.Ctx, ana, w.token)
			require.NoError(w.T, err)
			if !w.far() {
				return next
			}
			require.Equal(w.T, totpflow.AskCode, next.Step)
			require.Empty(w.T, w.Status(ana).Browsers)
			return w.byRecovery()
		},
		nobody: func(w *wrongClock) {
			if w.far() {
				next, err := w.SignIn(w.Ctx, ana, w.token)
				require.NoError(w.T, err)
				require.Equal(w.T, totpflow.AskCode, next.Step)
			}
		},
	},
	"a browser seen": {
		start: func(w *wrongClock) {
			w.app, w.codes = w.Enroll(ana)
			w.Clock.Advance(time.Hour)
			w.token = w.TrustBrowserOf(ana, w.app)
			w.Clock.Advance(days(2))
		},
		happens: func(w *wrongClock) {
			require.NoError(w.T, servicetest.ErrorOf(w.SignIn(w.Ctx, ana, w.token)))
		},
		owner: (*wrongClock).mustByCode,
	},
	"a phone set up": {
		start: func(w *wrongClock) { w.Service = w.Open(withPhones(&w.mobile)...) },
		happens: func(w *wrongClock) {
			w.EnrollPhone(ana, &w.mobile)
		},
		owner: (*wrongClock).byPhoneUnlocked,
	},
	"a code sent": {
		start: (*wrongClock).withPhone,
		happens: func(w *wrongClock) {
			d, err := w.byPhone()
			require.NoError(w.T, err)
			require.Equal(w.T, totpflow.Passed, d.Step)
		},
		owner: (*wrongClock).byPhoneUnlocked,
	},
	"wrong codes of a phone": {
		start: (*wrongClock).withPhone,
		happens: func(w *wrongClock) {
			next := w.signIn()
			_, err := w.SendPhoneCode(w.Ctx, next.Challenge, next.Phones[0].ID, phone.SMS)
			require.NoError(w.T, err)
			for range 6 {
				_, err = w.VerifyPhoneCode(w.Ctx, next.Challenge, w.mobile.WrongCode())
				require.Error(w.T, err)
			}
		},
		owner: (*wrongClock).byPhoneUnlocked,
	},
	"messages to a number": {
		start: (*wrongClock).withPhone,
		happens: func(w *wrongClock) {
			for i := range 3 { // caused by strangers; as many messages as a stranger's number gets in an hour
				thief := totpflow.User{ID: totpflow.AccountID{Tenant: "globex", User: fmt.Sprint(i)}}
				next, err := w.SignIn(w.Ctx, thief)
				require.NoError(w.T, err)
				page, err := w.BeginPhone(w.Ctx, next.Challenge, mobile)
				require.NoError(w.T, err)
				require.NoError(w.T, servicetest.ErrorOf(w.SendEnrollmentCode(w.Ctx, page.Token, phone.SMS)))
			}
			for range 3 { // of her own
				require.NoError(w.T, servicetest.ErrorOf(w.byPhone()))
				w.Clock.Advance(15 * time.Minute)
			}
		},
		owner: func(w *wrongClock) totpflow.Decision {
			w.unlock()
			d, err := w.byPhone()
			refused(w.T, d, err, totpflow.ErrPhoneLimit)
			return w.afterReset() // to an app
		},
	},
	"a request": {
		start: func(w *wrongClock) {
			w.Service = w.Open(ofTenants)
			w.SetPolicy("acme", policy.Policy{Mode: policy.Optional, TwoAdministrators: true})
			w.app, w.codes = w.Enroll(ana)
		},
		happens: func(w *wrongClock) { w.asked = w.asks() },
		owner:   (*wrongClock).mustByCode,
		nobody: func(w *wrongClock) {
			if w.far() {
				_, err := w.office().Approve(w.Ctx, ops, "acme", w.asked)
				require.ErrorIs(w.T, err, admin.ErrNoRequest)
			}
		},
	},
	"a freeze, and its end": {
		happens: func(w *wrongClock) {
			require.NoError(w.T, w.disowns(w.newPassword()))
			w.unlock()
		},
		owner: func(w *wrongClock) totpflow.Decision {
			// The end was in the future: a change made now can still be disowned.
			require.NoError(w.T, w.disowns(w.newPassword()))
			d, err := w.SignIn(w.Ctx, ana)
			refused(w.T, d, err, totpflow.ErrFrozen)
			w.unlock()
			return w.mustByCode()
		},
	},
	"a change that was mailed": {
		happens: func(w *wrongClock) { w.link = w.newPassword() },
		owner: func(w *wrongClock) totpflow.Decision {
			require.NoError(w.T, w.disowns(w.link))
			d, err := w.SignIn(w.Ctx, ana)
			refused(w.T, d, err, totpflow.ErrFrozen)
			w.unlock()
			require.ErrorIs(w.T, w.disowns(w.link), totpflow.ErrDisownToken, "a link works once")
			return w.mustByCode()
		},
	},
	"an authenticator replaced": {
		happens: func(w *wrongClock) {
			w.Clock.Advance(time.Minute)
			w.app, w.codes = w.EnrollBy(w.Prove(ana, totpflow.ActionReplaceAuthenticator, w.app))
		},
		owner: (*wrongClock).byCodeOrRecovery,
		nobody: func(w *wrongClock) {
			for _, k := range w.Member(anaID).Recoverable {
				require.False(w.T, k.Until.After(w.Clock.Now().Add(72*time.Hour+time.Minute)), "kept for 72 hours")
			}
			if w.ahead > days(4) && w.Clock.Now().After(w.right.Add(days(4))) {
				require.Empty(w.T, w.Member(anaID).Recoverable)
			}
		},
	},
}

// graceAhead is how much longer than meant a grace may last: no more than a clock is
// ahead that nothing can tell from a right one.
// graceEnds asserts that a grace is over, and does not begin again, when the time comes
// that the clock showed.
// passwordAloneIsNotEnough asserts that a reset of the future is not taken for a recent
// one, now or when its time comes.
func TestClockAhead(t *testing.T) {
	for name, c := range clockAhead {
		for _, ahead := range []time.Duration{40 * time.Second, time.Hour, days(1), days(365)} {
			for _, owner := range []bool{true, false} { // whether or not she comes before the time of then
				t.Run(fmt.Sprint(name, "/", ahead, "/", owner), func(t *testing.T) {
					w := &wrongClock{harness: newHarness(t), ahead: ahead}
					if c.start == nil {
						w.app, w.codes = w.Enroll(ana)
					} else {
						c.start(w)
					}
					w.Clock.Advance(time.Hour)
					w.right = w.Clock.Now()
					w.Clock.Set(w.right.Add(ahead))
					c.happens(w)
					w.Clock.Set(w.right.Add(time.Minute))
					if c.nobody != nil {
						c.nobody(w)
					}
					if owner {
						d := c.owner(w)
						require.Equal(t, totpflow.Passed, d.Step)
						require.True(t, w.SessionStands(ana, d.Mark))
						require.Less(t, w.Clock.Now().Sub(w.right), 20*time.Minute, "within minutes")
					} else {
						_, err := w.SignIn(w.Ctx, ana) // anybody with the password
						require.NoError(t, err)
					}
					w.nothingServesTwice()
					w.then()
					if c.nobody != nil && !owner {
						c.nobody(w)
					}
					w.nothingServesTwice()
				})
			}
		}
	}
}

// nothingServesTwice asserts that no code which was used while the clock was ahead lets
// anybody in.
