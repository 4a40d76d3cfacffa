package totpflow_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/totptest"
)

// withApp is a house that sends codes, in which ana has an app.
func withApp(t *testing.T, p *pigeon) (*house, *totptest.Authenticator) {
	t.Helper()
	h := newHouse(t, withPhones(p)...)
	app, _ := h.enroll(ana)
	h.clock.Advance(time.Minute)
	return h, app
}

// beginPhone adds a number and has its code sent.
func (h *house) beginPhone(by totpflow.EnrollmentGrant, n phone.Number) totpflow.PendingPhone {
	h.t.Helper()
	page, err := h.BeginPhone(h.ctx, by, n)
	require.NoError(h.t, err)
	_, err = h.SendEnrollmentCode(h.ctx, page.Token, phone.SMS)
	require.NoError(h.t, err)
	return page
}

// A number is added by who has shown something for it, where policy has codes by
// phone and the service sends them. Else nothing is written.
func TestBeginPhoneRefuses(t *testing.T) {
	var p pigeon
	h, app := withApp(t, &p)
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "43"}}
	setUp, err := h.SignIn(h.ctx, ben)
	require.NoError(t, err)
	without := h.open(withPhones(&p, withMode(policy.Required))...)
	silent := h.open(func(c *totpflow.Config) { c.Policy = policy.Fixed{Mode: policy.Required, Methods: everyMethod} })
	for name, c := range map[string]struct {
		by   totpflow.EnrollmentGrant
		from *totpflow.Service
		is   error
	}{
		"nothing":                      {nil, h.Service, totpflow.ErrProof},
		"no challenge":                 {totpflow.Challenge("x"), h.Service, totpflow.ErrChallenge},
		"no proof":                     {totpflow.Proof("x"), h.Service, totpflow.ErrProof},
		"the challenge of a sign-in":   {h.ask(ana), h.Service, totpflow.ErrChallenge},
		"the proof of a sign-in":       {h.pass(ana, app).Proof, h.Service, totpflow.ErrProof},
		"a proof for another app":      {h.prove(ana, totpflow.ActionAddAuthenticator, app), h.Service, totpflow.ErrProof},
		"policy without phones":        {setUp.Challenge, without, totpflow.ErrMethodNotAllowed},
		"a service that sends no code": {setUp.Challenge, silent, totpflow.ErrNoPhone},
	} {
		h.unchanged(func() {
			page, err := c.from.BeginPhone(h.ctx, c.by, mobile)
			require.ErrorIs(t, err, c.is, name)
			require.Zero(t, page, name)
		})
	}
	_, err = h.BeginPhone(h.ctx, setUp.Challenge, mobile)
	require.NoError(t, err)
}

// The page says which number waits and until when: for 15 minutes. What is added
// is another number than the ones that are there, of which there are five at most.
func TestTheNumberThatWaits(t *testing.T) {
	var p pigeon
	h, app := withApp(t, &p)
	prove := func() totpflow.Proof {
		h.clock.Advance(time.Hour)
		return h.prove(ana, totpflow.ActionAddPhone, app)
	}
	page := h.beginPhone(prove(), mobile)
	require.Equal(t, mobile, page.Number)
	require.Equal(t, h.clock.Now().Add(15*time.Minute), page.Expires)
	h.clock.Set(page.Expires)
	h.unchanged(func() {
		d, err := h.ConfirmPhone(h.ctx, page.Token, p.code())
		refused(t, d, err, totpflow.ErrEnrollmentExpired)
	})

	h.addPhone(prove(), mobile, &p)
	_, err := h.BeginPhone(h.ctx, prove(), mobile)
	require.ErrorIs(t, err, phone.ErrKnown)
	for i := range phone.MaxPhones - 1 {
		h.addPhone(prove(), number(fmt.Sprint("+44 7700 90012", i)), &p)
	}
	_, err = h.BeginPhone(h.ctx, prove(), number("+44 7700 900199"))
	require.ErrorIs(t, err, phone.ErrTooManyPhones)
	require.Len(t, h.status(ana).Phones, phone.MaxPhones)
}

// A wrong code makes no phone and lets nobody in; the right one does both, and is
// told.
func TestTheCodeOfANewNumber(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	page := h.beginPhone(next.Challenge, mobile)
	for _, typed := range []string{p.wrong(), "12345x"} {
		d, err := h.ConfirmPhone(h.ctx, page.Token, typed)
		refused(t, d, err, totpflow.ErrRejected)
		require.Empty(t, h.status(ana).Phones)
	}
	h.events.kinds()
	d, err := h.ConfirmPhone(h.ctx, page.Token, p.code())
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, d.Step)
	require.Equal(t, ana.ID.User, d.ID.User)
	require.Equal(t, []event.Kind{event.PhoneAdded}, h.events.kinds())
	require.Len(t, h.status(ana).Phones, 1)
}

// What is no token of this number's enrollment sends nothing and confirms nothing.
func TestTokensOfNumbers(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	app, err := h.BeginEnrollment(h.ctx, next.Challenge)
	require.NoError(t, err)
	earlier, err := h.BeginPhone(h.ctx, next.Challenge, number("+44 7700 900123"))
	require.NoError(t, err)
	h.beginPhone(next.Challenge, mobile)
	silent := h.open()
	for name, token := range map[string]totpflow.EnrollmentToken{
		"none": "", "garbage": "garbage", "of an app": app.Token, "of the number before": earlier.Token,
	} {
		h.unchanged(func() {
			_, err := h.SendEnrollmentCode(h.ctx, token, phone.Voice)
			require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired, name)
			d, err := h.ConfirmPhone(h.ctx, token, p.code())
			refused(t, d, err, totpflow.ErrEnrollmentExpired)
		})
	}
	_, err = silent.SendEnrollmentCode(h.ctx, app.Token, phone.SMS)
	require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired, "whether numbers are served or not")
	require.Equal(t, 1, p.count())
}

// What ends the sign-ins under way ends the enrollment of a number: whoever began it
// may be who the person wants out.
func TestANumberEndsWithTheTickets(t *testing.T) {
	for name, end := range map[string]func(h *house, app *totptest.Authenticator){
		"another app": func(h *house, app *totptest.Authenticator) {
			h.setUp(h.prove(ana, totpflow.ActionAddAuthenticator, app))
		},
		"new recovery codes": func(h *house, app *totptest.Authenticator) { h.newCodes(ana, app) },
		"a new password": func(h *house, _ *totptest.Authenticator) {
			require.NoError(h.t, h.Account(ana).PasswordChanged(h.ctx))
		},
		"browsers that an administrator revokes": func(h *house, _ *totptest.Authenticator) {
			require.NoError(h.t, h.Admin(nil).Reset(h.ctx, ops, anaID, admin.ScopeBrowsers))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var p pigeon
			h, app := withApp(t, &p)
			page := h.beginPhone(h.prove(ana, totpflow.ActionAddPhone, app), mobile)
			end(h, app)
			d, err := h.ConfirmPhone(h.ctx, page.Token, p.code())
			refused(t, d, err, totpflow.ErrEnrollmentExpired)
			require.Empty(t, h.status(ana).Phones)
		})
	}
}

// Where the policy cannot be asked, no number is added, sent to, or taken away.
func TestPhonesOfAPolicyThatCannotBeAsked(t *testing.T) {
	var p pigeon
	h, app := withApp(t, &p)
	h.addPhone(h.prove(ana, totpflow.ActionAddPhone, app), mobile, &p)
	page := h.beginPhone(h.prove(ana, totpflow.ActionAddPhone, app), number("+44 7700 900123"))
	begin, remove := h.prove(ana, totpflow.ActionAddPhone, app), h.prove(ana, totpflow.ActionRemovePhone, app)
	sent, down := p.count(), errors.New("the policy's database is down")
	s := h.open(withPhones(&p, func(c *totpflow.Config) { c.Policy = failing{down} })...)
	h.unchanged(func() {
		_, err := s.BeginPhone(h.ctx, begin, number("+44 7700 900124"))
		require.ErrorIs(t, err, down)
		_, err = s.SendEnrollmentCode(h.ctx, page.Token, phone.Voice)
		require.ErrorIs(t, err, down)
		d, err := s.ConfirmPhone(h.ctx, page.Token, p.code())
		refused(t, d, err, down)
		require.ErrorIs(t, s.Account(ana).RemovePhone(h.ctx, remove, h.status(ana).Phones[0].ID), down)
	})
	require.Equal(t, sent, p.count())
}

// Who has a phone again is locked out no longer: the code that was sent by mail
// is dead, and the next reset is one like any other.
func TestAPhoneEndsTheLockout(t *testing.T) {
	t.Run("the mailed code", func(t *testing.T) {
		var p pigeon
		h, app := withApp(t, &p)
		code := h.issue(anaID)
		require.Contains(t, h.methods(ana), totpflow.MethodIssuedCode)
		h.addPhone(h.prove(ana, totpflow.ActionAddPhone, app), mobile, &p)
		require.NotContains(t, h.methods(ana), totpflow.MethodIssuedCode)
		d, err := h.VerifyIssuedCode(h.ctx, h.ask(ana), code)
		refused(t, d, err, totpflow.ErrRejected)
	})
	t.Run("the reset that took a mailed code", func(t *testing.T) {
		var p pigeon
		h, _ := withApp(t, &p)
		h.disown(ana)
		h.resets(anaID)
		require.Equal(t, totpflow.AskCode, h.step(ana), "of a frozen account")
		d, err := h.VerifyIssuedCode(h.ctx, h.ask(ana), h.issue(anaID))
		require.NoError(t, err)
		h.addPhone(d.Challenge, mobile, &p)
		h.resets(anaID)
		require.Equal(t, totpflow.Enroll, h.step(ana))
	})
}

// A phone that goes, by the person or by an administrator, ends what was granted
// on the strength of it: browsers, sessions and sign-ins under way. One that comes
// ends the sign-ins under way only.
func TestWhatEndsWithAPhone(t *testing.T) {
	for name, c := range map[string]struct {
		does func(h *house, app *totptest.Authenticator, p *pigeon)
		ends bool
	}{
		"added": {func(h *house, app *totptest.Authenticator, p *pigeon) {
			h.addPhone(h.prove(ana, totpflow.ActionAddPhone, app), number("+44 7700 900123"), p)
		}, false},
		"removed": {func(h *house, app *totptest.Authenticator, _ *pigeon) {
			proof := h.prove(ana, totpflow.ActionRemovePhone, app)
			require.NoError(h.t, h.Account(ana).RemovePhone(h.ctx, proof, h.status(ana).Phones[0].ID))
		}, true},
		"assigned": {func(h *house, _ *totptest.Authenticator, _ *pigeon) {
			require.NoError(h.t, h.Admin(nil).AssignPhone(h.ctx, ops, anaID, number("+44 7700 900123")))
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			var p pigeon
			h, app := withApp(t, &p)
			h.addPhone(h.prove(ana, totpflow.ActionAddPhone, app), mobile, &p)
			browser, underWay, begun := h.trusted(ana, app), h.ask(ana), h.clock.Now()
			h.clock.Advance(time.Minute)
			c.does(h, app, &p)

			next, err := h.SignIn(h.ctx, ana, browser)
			require.NoError(t, err)
			require.Equal(t, c.ends, next.Step == totpflow.AskCode, "the browser, and the app that is still there")
			valid, err := h.Account(ana).SessionValid(h.ctx, begun)
			require.NoError(t, err)
			require.Equal(t, c.ends, !valid)
			_, err = h.ContinueSignIn(h.ctx, underWay)
			require.ErrorIs(t, err, totpflow.ErrChallenge)
			h.pass(ana, app)
		})
	}
}

// With which proof a phone goes, and that the last factor goes only where policy
// lets it.
func TestWhichPhonesGo(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	optional := h.open(withPhones(&p, func(c *totpflow.Config) {
		c.Policy = policy.Fixed{Mode: policy.Optional, Methods: everyMethod}
	})...)
	nothing, err := optional.SignIn(h.ctx, ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.ReasonNotEnrolled, nothing.Reason)
	h.unchanged(func() {
		err := optional.Account(ana).RemovePhone(h.ctx, nothing.Proof, "x")
		require.ErrorIs(t, err, totpflow.ErrProof, "the proof that nothing is set up")
	})

	h.phoneOnly(ana, &p)
	prove := func() totpflow.Proof {
		h.clock.Advance(10 * time.Minute)
		next := h.asked(ana)
		_, err := h.SendPhoneCode(h.ctx, next.Challenge, next.Phones[0].ID, phone.SMS)
		require.NoError(t, err)
		d, err := h.VerifyPhoneCode(h.ctx, next.Challenge, p.code())
		require.NoError(t, err)
		h.clock.Advance(time.Minute)
		return d.Proof
	}
	h.addPhone(prove(), number("+44 7700 900123"), &p)
	proof, ids := prove(), h.status(ana).Phones
	require.Len(t, ids, 2)
	h.unchanged(func() {
		err := h.Account(ana).RemovePhone(h.ctx, proof, "x")
		require.ErrorIs(t, err, totpflow.ErrNoPhone)
		require.ErrorIs(t, err, phone.ErrUnknown)
	})
	require.NoError(t, h.Account(ana).RemovePhone(h.ctx, proof, ids[0].ID), "one of two, where a factor is required")
	require.Equal(t, ids[1:], h.status(ana).Phones)
	proof = prove()
	require.ErrorIs(t, h.Account(ana).RemovePhone(h.ctx, proof, ids[1].ID), totpflow.ErrFactorRequired)
	require.NoError(t, optional.Account(ana).RemovePhone(h.ctx, proof, ids[1].ID), "the last one, where none is")
	next, err := optional.SignIn(h.ctx, ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.ReasonNotEnrolled, next.Reason)
}

// Who turns the second factor off turns it off: no phone is asked for either.
func TestDisablingTakesThePhones(t *testing.T) {
	var p pigeon
	h, app := withApp(t, &p)
	h.addPhone(h.prove(ana, totpflow.ActionAddPhone, app), mobile, &p)
	optional := h.open(withPhones(&p, func(c *totpflow.Config) {
		c.Policy = policy.Fixed{Mode: policy.Optional, Methods: everyMethod}
	})...)
	require.NoError(t, optional.Account(ana).Disable(h.ctx, h.prove(ana, totpflow.ActionDisable, app)))
	require.Empty(t, h.status(ana).Phones)
	next, err := optional.SignIn(h.ctx, ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.ReasonNotEnrolled, next.Reason)
}
