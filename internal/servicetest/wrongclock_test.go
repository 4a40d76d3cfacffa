package servicetest_test

import (
	"context"
	"errors"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/trust"
)

type wrongClock struct {
	*harness
	ahead  time.Duration
	right  time.Time // when the clock went ahead
	app    *totptest.Authenticator
	codes  []string // for recovery
	mobile provider
	box    servicetest.Mailbox
	shown  []string          // codes of the app that were used meanwhile
	begun  totpflow.Decision // meanwhile
	page   totpflow.EnrollmentToken
	token  trust.Token // of a browser that was trusted meanwhile
	link   event.Event // that was mailed meanwhile
	asked  string      // a request for a second administrator
}

func (w *wrongClock) far() bool { return w.ahead > 2*time.Minute }

func (w *wrongClock) then() { w.Clock.Set(w.right.Add(w.ahead + time.Minute)) }

func (w *wrongClock) signIn() totpflow.Decision {
	w.T.Helper()
	d, err := w.SignIn(w.Ctx, ana)
	require.NoError(w.T, err)
	return d
}

func (w *wrongClock) byCode() (d totpflow.Decision, err error) {
	for range 5 {
		if d, err = w.VerifyCode(w.Ctx, w.Challenge(ana), w.app.Peek()); err == nil {
			return d, nil
		}
		w.Clock.Advance(30 * time.Second)
	}
	return d, err
}

func (w *wrongClock) mustByCode() totpflow.Decision {
	w.T.Helper()
	d, err := w.byCode()
	require.NoError(w.T, err)
	return d
}

func (w *wrongClock) enrolls(by totpflow.EnrollmentGrant) totpflow.Decision {
	w.T.Helper()
	w.app, w.codes = w.EnrollBy(by)
	w.Clock.Advance(30 * time.Second)
	return w.mustByCode()
}

func (w *wrongClock) byRecovery() totpflow.Decision {
	w.T.Helper()
	code := w.codes[0]
	d, err := w.VerifyRecoveryCode(w.Ctx, w.Challenge(ana), code)
	require.NoError(w.T, err)
	passed := w.enrolls(d.Proof)
	again, err := w.VerifyRecoveryCode(w.Ctx, w.Challenge(ana), code)
	refused(w.T, again, err, totpflow.ErrRejected)
	return passed
}

func (w *wrongClock) byCodeOrRecovery() totpflow.Decision {
	w.T.Helper()
	d, err := w.byCode()
	if !w.far() {
		require.NoError(w.T, err)
		return d
	}
	refused(w.T, d, err, enroll.ErrClock)
	return w.byRecovery()
}

func (w *wrongClock) unlock() { require.NoError(w.T, w.Admin(nil).Unlock(w.Ctx, ops, anaID)) }

func (w *wrongClock) afterReset() totpflow.Decision {
	w.T.Helper()
	w.Reset(anaID)
	next := w.signIn()
	require.Equal(w.T, totpflow.Enroll, next.Step)
	return w.enrolls(next.Challenge)
}

func (w *wrongClock) useCode() {
	code := w.app.Code()
	d, err := w.VerifyCode(w.Ctx, w.Challenge(ana), code)
	require.NoError(w.T, err)
	w.shown, w.begun = append(w.shown, code), d
}

func (w *wrongClock) guess() {
	for range 30 {
		if _, err := w.VerifyCode(w.Ctx, w.Challenge(ana), w.app.WrongCode()); !errors.Is(err, totpflow.ErrRejected) {
			return
		}
	}
	w.T.Error("thirty guesses and no wait")
}

func (w *wrongClock) withPhone() {
	w.Service = w.Open(withPhones(&w.mobile)...)
	w.EnrollPhone(ana, &w.mobile)
	w.Clock.Advance(days(2))
}

func (w *wrongClock) byPhone() (d totpflow.Decision, err error) {
	next := w.signIn()
	if _, err := w.SendPhoneCode(w.Ctx, next.Challenge, next.Phones[0].ID, phone.SMS); err != nil {
		return d, err
	}
	return w.VerifyPhoneCode(w.Ctx, next.Challenge, w.mobile.Code())
}

func (w *wrongClock) byPhoneUnlocked() totpflow.Decision {
	w.T.Helper()
	if w.far() {
		_, err := w.byPhone()
		require.Error(w.T, err)
		w.unlock()
	}
	w.Clock.Advance(10 * time.Minute) // as after any message or wrong code
	d, err := w.byPhone()
	require.NoError(w.T, err)
	return d
}

func (w *wrongClock) office() admin.Admin { return w.Admin(nil) }

func (w *wrongClock) asks() string {
	boss := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "boss"}}
	app, _ := w.Enroll(boss)
	w.Clock.Advance(time.Minute)
	office := w.Admin(func(context.Context, totpflow.User, totpflow.Action, totpflow.AccountID) error { return nil })
	proof := w.ProveFor(boss, admin.Purpose(admin.ActionSetPolicy, totpflow.AccountID{Tenant: "acme"}), app)
	err := office.SetPolicy(w.Ctx, admin.Administrator{User: boss, Proof: proof}, "acme", policy.Policy{Mode: policy.Off})
	var asked *admin.ApprovalError
	require.ErrorAs(w.T, err, &asked)
	return asked.Request
}

func (w *wrongClock) disowns(e event.Event) error {
	return servicetest.ErrorOf(w.Disown(w.Ctx, w.NewDisownToken(e)))
}

func (w *wrongClock) newPassword() event.Event {
	w.Events.Kinds()
	require.NoError(w.T, servicetest.ErrorOf(w.Account(ana).PasswordChanged(w.Ctx)))
	return w.EventsOf(event.PasswordChanged)[0]
}

func (w *wrongClock) issue() {
	require.NoError(w.T, w.office().IssueRecoveryCode(w.Ctx, ops, anaID, w.box.Deliver))
}

func (w *wrongClock) moreGrace() {
	require.NoError(w.T, w.office().ExtendGrace(w.Ctx, ops, anaID, w.Clock.Now().Add(days(7))))
}

func (w *wrongClock) graceAhead() time.Duration {
	if w.far() {
		return time.Minute
	}
	return w.ahead
}

func (w *wrongClock) graceEnds() {
	if w.ahead > days(30) && w.Clock.Now().After(w.right.Add(days(30))) {
		require.Equal(w.T, totpflow.Enroll, w.signIn().Step)
	}
}

func (w *wrongClock) passwordAloneIsNotEnough() {
	if w.far() {
		require.Equal(w.T, totpflow.AskCode, w.signIn().Step, "the password alone")
	}
}

func (w *wrongClock) nothingServesTwice() {
	now := w.Clock.Now()
	for i, code := range w.shown {
		w.Clock.Set(w.right.Add(w.ahead + time.Duration(i)*time.Minute)) // when it is right
		d, err := w.VerifyCode(w.Ctx, w.Challenge(ana), code)
		require.Error(w.T, err)
		require.Zero(w.T, d)
	}
	w.Clock.Set(now)
}
