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
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/totptest"
)

// withApp returns a harness that sends codes, in which ana has an app.
func withApp(t *testing.T, p *provider) (*harness, *totptest.Authenticator) {
	t.Helper()
	h := newHarness(t, withPhones(p)...)
	app, _ := h.Enroll(ana)
	h.Clock.Advance(time.Minute)
	return h, app
}

// beginPhone adds a number and has its code sent.
func (h *harness) beginPhone(by totpflow.EnrollmentGrant, n phone.Number) totpflow.PendingPhone {
	h.T.Helper()
	page, err := h.BeginPhone(h.Ctx, by, n)
	require.NoError(h.T, err)
	_, err = h.SendEnrollmentCode(h.Ctx, page.Token, phone.SMS)
	require.NoError(h.T, err)
	return page
}

// Adding a number requires a proof, a policy that allows codes by phone, and a service
// that sends them. Otherwise nothing is written.
func TestBeginPhoneRefuses(t *testing.T) {
	var p provider
	h, app := withApp(t, &p)
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "43"}}
	setUp, err := h.SignIn(h.Ctx, ben)
	require.NoError(t, err)
	without := h.Open(withPhones(&p, withMode(policy.Required))...)
	silent := h.Open(func(c *totpflow.Config) { c.Policy = policy.Fixed{Mode: policy.Required, Methods: everyMethod} })
	for name, c := range map[string]struct {
		by   totpflow.EnrollmentGrant
		from *totpflow.Service
		is   error
	}{
		"nothing":                      {nil, h.Service, totpflow.ErrProof},
		"no challenge":                 {totpflow.Challenge("x"), h.Service, totpflow.ErrChallenge},
		"no proof":                     {totpflow.Proof("x"), h.Service, totpflow.ErrProof},
		"the challenge of a sign-in":   {h.Challenge(ana), h.Service, totpflow.ErrChallenge},
		"the proof of a sign-in":       {h.PassByCode(ana, app).Proof, h.Service, totpflow.ErrProof},
		"a proof for another app":      {h.Prove(ana, totpflow.ActionAddAuthenticator, app), h.Service, totpflow.ErrProof},
		"policy without phones":        {setUp.Challenge, without, totpflow.ErrMethodNotAllowed},
		"a service that sends no code": {setUp.Challenge, silent, totpflow.ErrNoPhone},
	} {
		h.Unchanged(func() {
			page, err := c.from.BeginPhone(h.Ctx, c.by, mobile)
			require.ErrorIs(t, err, c.is, name)
			require.Zero(t, page, name)
		})
	}
	_, err = h.BeginPhone(h.Ctx, setUp.Challenge, mobile)
	require.NoError(t, err)
}

// The page shows which number is pending and until when: for 15 minutes. The added number
// must not be one of the existing ones, and there are five at most.
func TestTheNumberThatWaits(t *testing.T) {
	var p provider
	h, app := withApp(t, &p)
	prove := func() totpflow.Proof {
		h.Clock.Advance(time.Hour)
		return h.Prove(ana, totpflow.ActionAddPhone, app)
	}
	page := h.beginPhone(prove(), mobile)
	require.Equal(t, mobile, page.Number)
	require.Equal(t, h.Clock.Now().Add(15*time.Minute), page.Expires)
	h.Clock.Set(page.Expires)
	h.Unchanged(func() {
		d, err := h.ConfirmPhone(h.Ctx, page.Token, p.Code())
		refused(t, d, err, totpflow.ErrEnrollmentExpired)
	})

	h.AddPhone(prove(), mobile, &p)
	_, err := h.BeginPhone(h.Ctx, prove(), mobile)
	require.ErrorIs(t, err, phone.ErrKnown)
	for i := range phone.MaxPhones - 1 {
		h.AddPhone(prove(), number(fmt.Sprint("+44 7700 90012", i)), &p)
	}
	_, err = h.BeginPhone(h.Ctx, prove(), number("+44 7700 900199"))
	require.ErrorIs(t, err, phone.ErrTooManyPhones)
	require.Len(t, h.Status(ana).Phones, phone.MaxPhones)
}

// A wrong code makes no phone and lets nobody in; the right one does both, and is
// reported.
func TestTheCodeOfANewNumber(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	page := h.beginPhone(next.Challenge, mobile)
	for _, typed := range []string{p.WrongCode(), "12345x"} {
		d, err := h.ConfirmPhone(h.Ctx, page.Token, typed)
		refused(t, d, err, totpflow.ErrRejected)
		require.Empty(t, h.Status(ana).Phones)
	}
	h.Events.Kinds()
	d, err := h.ConfirmPhone(h.Ctx, page.Token, p.Code())
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, d.Step)
	require.Equal(t, ana.ID.User, d.ID.User)
	require.Equal(t, []event.Kind{event.PhoneAdded}, h.Events.Kinds())
	require.Len(t, h.Status(ana).Phones, 1)
}

// A string that is not a token of this number's enrollment sends nothing and confirms nothing.
func TestTokensOfNumbers(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	app, err := h.BeginEnrollment(h.Ctx, next.Challenge)
	require.NoError(t, err)
	earlier, err := h.BeginPhone(h.Ctx, next.Challenge, number("+44 7700 900123"))
	require.NoError(t, err)
	h.beginPhone(next.Challenge, mobile)
	silent := h.Open()
	for name, token := range map[string]totpflow.EnrollmentToken{
		"none": "", "garbage": "garbage", "of an app": app.Token, "of the number before": earlier.Token,
	} {
		h.Unchanged(func() {
			_, err := h.SendEnrollmentCode(h.Ctx, token, phone.Voice)
			require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired, name)
			d, err := h.ConfirmPhone(h.Ctx, token, p.Code())
			refused(t, d, err, totpflow.ErrEnrollmentExpired)
		})
	}
	_, err = silent.SendEnrollmentCode(h.Ctx, app.Token, phone.SMS)
	require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired, "whether numbers are served or not")
	require.Equal(t, 1, p.Count())
}

// An event that ends the pending sign-ins also ends the enrollment of a number: an
// intruder whom the person wants out may have begun it.
func TestANumberEndsWithTheTickets(t *testing.T) {
	for name, end := range map[string]func(h *harness, app *totptest.Authenticator){
		"another app": func(h *harness, app *totptest.Authenticator) {
			h.EnrollBy(h.Prove(ana, totpflow.ActionAddAuthenticator, app))
		},
		"new recovery codes": func(h *harness, app *totptest.Authenticator) { h.NewRecoveryCodes(ana, app) },
		"a new password": func(h *harness, _ *totptest.Authenticator) {
			require.NoError(h.T, servicetest.ErrorOf(h.Account(ana).PasswordChanged(h.Ctx)))
		},
		"browsers that an administrator revokes": func(h *harness, _ *totptest.Authenticator) {
			require.NoError(h.T, servicetest.ErrorOf(h.Admin(nil).Reset(h.Ctx, ops, anaID, admin.ScopeBrowsers)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var p provider
			h, app := withApp(t, &p)
			page := h.beginPhone(h.Prove(ana, totpflow.ActionAddPhone, app), mobile)
			end(h, app)
			d, err := h.ConfirmPhone(h.Ctx, page.Token, p.Code())
			refused(t, d, err, totpflow.ErrEnrollmentExpired)
			require.Empty(t, h.Status(ana).Phones)
		})
	}
}

// If the policy cannot be asked, no number is added, sent a code, or removed.
func TestPhonesOfAPolicyThatCannotBeAsked(t *testing.T) {
	var p provider
	h, app := withApp(t, &p)
	h.AddPhone(h.Prove(ana, totpflow.ActionAddPhone, app), mobile, &p)
	page := h.beginPhone(h.Prove(ana, totpflow.ActionAddPhone, app), number("+44 7700 900123"))
	id := h.Status(ana).Phones[0].ID
	begin, remove := h.Prove(ana, totpflow.ActionAddPhone, app), h.ProveFor(ana, totpflow.ActionRemovePhone.On(id), app)
	sent, down := p.Count(), errors.New("the policy's database is down")
	s := h.Open(withPhones(&p, func(c *totpflow.Config) { c.Policy = servicetest.FailingPolicy{Err: down} })...)
	h.Unchanged(func() {
		_, err := s.BeginPhone(h.Ctx, begin, number("+44 7700 900124"))
		require.ErrorIs(t, err, down)
		_, err = s.SendEnrollmentCode(h.Ctx, page.Token, phone.Voice)
		require.ErrorIs(t, err, down)
		d, err := s.ConfirmPhone(h.Ctx, page.Token, p.Code())
		refused(t, d, err, down)
		require.ErrorIs(t, servicetest.ErrorOf(s.Account(ana).RemovePhone(h.Ctx, remove, id)), down)
	})
	require.Equal(t, sent, p.Count())
}

// A person who has a phone again is no longer locked out: the code that was sent by mail
// is void, and the next reset is like any other.
func TestAPhoneEndsTheLockout(t *testing.T) {
	t.Run("the mailed code", func(t *testing.T) {
		var p provider
		h, app := withApp(t, &p)
		code := h.IssueCode(anaID)
		require.Contains(t, h.methods(ana), totpflow.MethodIssuedCode)
		h.AddPhone(h.Prove(ana, totpflow.ActionAddPhone, app), mobile, &p)
		require.NotContains(t, h.methods(ana), totpflow.MethodIssuedCode)
		d, err := h.VerifyIssuedCode(h.Ctx, h.Challenge(ana), code)
		refused(t, d, err, totpflow.ErrRejected)
	})
	t.Run("the reset that took a mailed code", func(t *testing.T) {
		var p provider
		h, _ := withApp(t, &p)
		h.Freeze(ana)
		h.Reset(anaID)
		require.Equal(t, totpflow.AskCode, h.Step(ana), "of a frozen account")
		d, err := h.VerifyIssuedCode(h.Ctx, h.Challenge(ana), h.IssueCode(anaID))
		require.NoError(t, err)
		h.AddPhone(d.Challenge, mobile, &p)
		h.Reset(anaID)
		require.Equal(t, totpflow.Enroll, h.Step(ana))
	})
}

// Removing a phone, by the person or by an administrator, ends everything granted on the
// strength of it: browsers, sessions and sign-ins under way. Adding one ends only the
// sign-ins under way.
func TestWhatEndsWithAPhone(t *testing.T) {
	for name, c := range map[string]struct {
		does func(h *harness, app *totptest.Authenticator, p *provider)
		ends bool
	}{
		"added": {func(h *harness, app *totptest.Authenticator, p *provider) {
			h.AddPhone(h.Prove(ana, totpflow.ActionAddPhone, app), number("+44 7700 900123"), p)
		}, false},
		"removed": {func(h *harness, app *totptest.Authenticator, _ *provider) {
			id := h.Status(ana).Phones[0].ID
			require.NoError(h.T, servicetest.ErrorOf(h.Account(ana).RemovePhone(h.Ctx, h.ProveFor(ana, totpflow.ActionRemovePhone.On(id), app), id)))
		}, true},
		"assigned": {func(h *harness, _ *totptest.Authenticator, _ *provider) {
			require.NoError(h.T, servicetest.ErrorOf(h.Admin(nil).AssignPhone(h.Ctx, ops, anaID, number("+44 7700 900123"))))
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			var p provider
			h, app := withApp(t, &p)
			h.AddPhone(h.Prove(ana, totpflow.ActionAddPhone, app), mobile, &p)
			browser, underWay, session := h.TrustBrowserOf(ana, app), h.Challenge(ana), h.Mark(ana)
			h.Clock.Advance(time.Minute)
			c.does(h, app, &p)

			next, err := h.SignIn(h.Ctx, ana, browser)
			require.NoError(t, err)
			require.Equal(t, c.ends, next.Step == totpflow.AskCode, "the browser, and the app that is still there")
			require.Equal(t, c.ends, !h.SessionStands(ana, session))
			_, err = h.ContinueSignIn(h.Ctx, underWay)
			require.ErrorIs(t, err, totpflow.ErrChallenge)
			h.PassByCode(ana, app)
		})
	}
}

// Which proof removes a phone. The last factor can be removed only if the policy allows
// it.
func TestWhichPhonesGo(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	optional := h.Open(withPhones(&p, func(c *totpflow.Config) {
		c.Policy = policy.Fixed{Mode: policy.Optional, Methods: everyMethod}
	})...)
	nothing, err := optional.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.ReasonNotEnrolled, nothing.Reason)
	h.Unchanged(func() {
		err := servicetest.ErrorOf(optional.Account(ana).RemovePhone(h.Ctx, nothing.Proof, "x"))
		require.ErrorIs(t, err, totpflow.ErrProof, "the proof that nothing is set up")
	})

	h.EnrollPhone(ana, &p)
	prove := func() totpflow.Proof {
		h.Clock.Advance(10 * time.Minute)
		next := h.asked(ana)
		_, err := h.SendPhoneCode(h.Ctx, next.Challenge, next.Phones[0].ID, phone.SMS)
		require.NoError(t, err)
		d, err := h.VerifyPhoneCode(h.Ctx, next.Challenge, p.Code())
		require.NoError(t, err)
		h.Clock.Advance(time.Minute)
		return d.Proof
	}
	h.AddPhone(prove(), number("+44 7700 900123"), &p)
	proof, ids := prove(), h.Status(ana).Phones
	require.Len(t, ids, 2)
	h.Unchanged(func() {
		err := servicetest.ErrorOf(h.Account(ana).RemovePhone(h.Ctx, proof, "x"))
		require.ErrorIs(t, err, totpflow.ErrNoPhone)
		require.ErrorIs(t, err, phone.ErrUnknown)
	})
	require.NoError(t, servicetest.ErrorOf(h.Account(ana).RemovePhone(h.Ctx, proof, ids[0].ID)), "one of two, where a factor is required")
	require.Equal(t, ids[1:], h.Status(ana).Phones)
	proof = prove()
	require.ErrorIs(t, servicetest.ErrorOf(h.Account(ana).RemovePhone(h.Ctx, proof, ids[1].ID)), totpflow.ErrFactorRequired)
	require.NoError(t, servicetest.ErrorOf(optional.Account(ana).RemovePhone(h.Ctx, proof, ids[1].ID)), "the last one, where none is")
	next, err := optional.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.ReasonNotEnrolled, next.Reason)
}

// A person who turns the second factor off turns all of it off: no phone is asked for
// either.
func TestDisablingTakesThePhones(t *testing.T) {
	var p provider
	h, app := withApp(t, &p)
	h.AddPhone(h.Prove(ana, totpflow.ActionAddPhone, app), mobile, &p)
	optional := h.Open(withPhones(&p, func(c *totpflow.Config) {
		c.Policy = policy.Fixed{Mode: policy.Optional, Methods: everyMethod}
	})...)
	require.NoError(t, servicetest.ErrorOf(optional.Account(ana).Disable(h.Ctx, h.Prove(ana, totpflow.ActionDisable, app))))
	require.Empty(t, h.Status(ana).Phones)
	next, err := optional.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.ReasonNotEnrolled, next.Reason)
}

// A code to one phone never removes another phone: a thief who has a phone for an hour
// must not be able to lock the owner out with it.
func TestCodeOfOnePhoneRemovesNoOther(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	h.EnrollPhone(ana, &p)
	prove := func(i int) totpflow.Proof {
		h.Clock.Advance(10 * time.Minute)
		next := h.asked(ana)
		_, err := h.SendPhoneCode(h.Ctx, next.Challenge, next.Phones[i].ID, phone.SMS)
		require.NoError(t, err)
		d, err := h.VerifyPhoneCode(h.Ctx, next.Challenge, p.Code())
		require.NoError(t, err)
		h.Clock.Advance(time.Minute)
		return d.Proof
	}
	added := h.AddPhone(prove(0), number("+44 7700 900123"), &p)
	ids := h.Status(ana).Phones
	require.Len(t, ids, 2)
	for by := range ids {
		proof := prove(by)
		h.Unchanged(func() {
			require.ErrorIs(t, servicetest.ErrorOf(h.Account(ana).RemovePhone(h.Ctx, proof, ids[1-by].ID)), totpflow.ErrProof)
		})
	}
	h.Unchanged(func() {
		require.ErrorIs(t, servicetest.ErrorOf(h.Account(ana).RemovePhone(h.Ctx, added.Proof, ids[0].ID)), totpflow.ErrProof, "nor the one that was added")
	})
	require.NoError(t, servicetest.ErrorOf(h.Account(ana).RemovePhone(h.Ctx, prove(1), ids[1].ID)))
	left := h.Status(ana).Phones
	require.Len(t, left, 1)
	require.Equal(t, ids[0].ID, left[0].ID)
}
