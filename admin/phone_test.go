package admin_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
)

// A phone that was set up after a reset is a factor like any other: the password alone no
// longer leads to an enrollment, neither within the 24 hours nor later, and the code sent
// to the phone lets the person in.
func TestPhoneAfterAReset(t *testing.T) {
	for name, later := range map[string]time.Duration{"within 24 hours": time.Hour, "later": 48 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			var p provider
			h := newHarness(t, withPhones(&p)...)
			h.EnrollPhone(ana, &p)
			h.Reset(anaID)
			require.Equal(t, admin.StateRequired, h.Member(anaID).State)
			next, err := h.SignIn(h.Ctx, ana)
			require.NoError(t, err)
			left, err := h.SignIn(h.Ctx, ana) // another enrollment under way: it ends with this one
			require.NoError(t, err)
			h.AddPhone(next.Challenge, mobile, &p)
			require.Equal(t, admin.StateEnabled, h.Member(anaID).State)
			_, err = h.BeginEnrollment(h.Ctx, left.Challenge)
			require.ErrorIs(t, err, totpflow.ErrChallenge)

			h.Clock.Advance(later)
			next, err = h.SignIn(h.Ctx, ana)
			require.NoError(t, err)
			require.Equal(t, totpflow.AskCode, next.Step)
			require.Equal(t, []totpflow.Method{totpflow.MethodPhoneCode}, next.Methods)
			_, err = h.SendPhoneCode(h.Ctx, next.Challenge, next.Phones[0].ID, phone.SMS)
			require.NoError(t, err)
			d, err := h.VerifyPhoneCode(h.Ctx, next.Challenge, p.Code())
			require.NoError(t, err)
			require.Equal(t, totpflow.Passed, d.Step)
			require.Equal(t, ana.ID.User, d.ID.User)
			h.EnrollBy(d.Proof) // and may set up an app with it
		})
	}
}

// An administrator who removes every factor of a person, by choosing another number or
// none, has reset them: neither policy nor time may then let the password alone pass.
func TestAssigningThatLeavesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		number phone.Number
		policy policy.Policy
		next   totpflow.Step
		after  time.Duration
	}{
		"another number":              {number("+43 660 7654321"), policy.Policy{Mode: policy.Required, Methods: everyMethod}, totpflow.Enroll, 0},
		"none":                        {phone.Number{}, policy.Policy{Mode: policy.Required, Methods: everyMethod}, totpflow.Enroll, 0},
		"none, optional":              {phone.Number{}, policy.Policy{Mode: policy.Optional, Methods: everyMethod}, totpflow.Enroll, 0},
		"none, with grace":            {phone.Number{}, policy.Policy{Mode: policy.Required, Grace: days(14), Methods: everyMethod}, totpflow.Enroll, 0},
		"none, after a day":           {phone.Number{}, policy.Policy{Mode: policy.Required, Methods: everyMethod}, totpflow.AskCode, days(1)},
		"none, where it takes a code": {phone.Number{}, policy.Policy{Mode: policy.Required, IssuedCode: true, Methods: everyMethod}, totpflow.AskCode, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var p provider
			h := newHarness(t, withPhones(&p)...)
			h.EnrollPhone(ana, &p)
			s := h.Open(withPhones(&p, func(cfg *totpflow.Config) { cfg.Policy = policy.Fixed(c.policy) })...)
			require.NoError(t, servicetest.ErrorOf(admin.New(s, nil).AssignPhone(h.Ctx, ops, anaID, c.number)))
			said := map[bool]string{true: "", false: "+43 ••• ••21"}[c.number.IsZero()]
			require.Equal(t, said, h.EventsOf(event.PhoneAssigned)[0].Action, "masked")
			require.Equal(t, c.number, h.Member(anaID).Assigned)
			h.Clock.Advance(c.after)
			next, err := s.SignIn(h.Ctx, ana)
			require.NoError(t, err)
			require.Equal(t, c.next, next.Step)
		})
	}
	// A person who has an app keeps it, and one who never had a factor is as before.
	var p provider
	h := newHarness(t, withPhones(&p)...)
	app, _ := h.Enroll(ana)
	require.NoError(t, servicetest.ErrorOf(h.Admin(nil).AssignPhone(h.Ctx, ops, anaID, mobile)))
	h.PassByCode(ana, app)
	h.AddPhone(h.Prove(ana, totpflow.ActionAddPhone, app), mobile, &p)
	require.NoError(t, servicetest.ErrorOf(h.Admin(nil).AssignPhone(h.Ctx, ops, anaID, mobile)))
	h.PassByCode(ana, app)
	require.NoError(t, servicetest.ErrorOf(h.Admin(nil).AssignPhone(h.Ctx, ops, agentID, mobile)))
	require.Equal(t, totpflow.Enroll, h.Step(agent))
	require.Zero(t, h.Member(agentID).ResetAt)
}

// An import adds no authenticator to an account with a phone: otherwise a person who
// exported the secret could sign in past the phone.
func TestImportBesideAPhone(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	h.EnrollPhone(ana, &p)
	h.Unchanged(func() {
		require.ErrorIs(t, h.Import(admin.Imported{ID: anaID, Key: rfcKey(t)})[0].Err, admin.ErrAlreadyEnrolled)
	})
}

// An account that has a phone has no grace period to lose, and is enabled in every list.
func TestPhoneAndGrace(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p, ofTenants)...)
	h.SetPolicy("acme", policy.Policy{Mode: policy.Required, Grace: days(14), Methods: everyMethod})
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.ReasonGrace, next.Reason)
	h.AddPhone(next.Proof, mobile, &p)
	require.Zero(t, h.Status(ana).GraceUntil)
	m := h.Member(anaID)
	require.Equal(t, admin.StateEnabled, m.State)
	require.Equal(t, 1, m.Phones)
	require.Equal(t, 1, servicetest.CountMembers(m).Enabled)
}

// Nor does a frozen account send codes or accept one.
func TestFrozenAndPhones(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p, func(c *totpflow.Config) {
		c.Phones.Limits = phone.DefaultLimits()
		c.Phones.Limits.Account = []phone.Limit{{N: 100, Per: time.Hour}}
	})...)
	h.EnrollPhone(ana, &p)
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	_, err = h.SendPhoneCode(h.Ctx, next.Challenge, next.Phones[0].ID, phone.SMS)
	require.NoError(t, err)
	d, err := h.VerifyPhoneCode(h.Ctx, next.Challenge, p.Code())
	require.NoError(t, err)
	h.Clock.Advance(time.Minute)
	again, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	_, err = h.SendPhoneCode(h.Ctx, again.Challenge, next.Phones[0].ID, phone.SMS)
	require.NoError(t, err)
	page, err := h.BeginPhone(h.Ctx, d.Proof, number("+43 660 7654321"))
	require.NoError(t, err)
	h.Clock.Advance(time.Minute)
	_, err = h.SendEnrollmentCode(h.Ctx, page.Token, phone.SMS)
	require.NoError(t, err)
	sent := p.Count()
	h.Freeze(ana)
	h.Unchanged(func() {
		_, err = h.SendPhoneCode(h.Ctx, again.Challenge, next.Phones[0].ID, phone.Voice)
		require.ErrorIs(t, err, totpflow.ErrChallenge)
		refusal, err := h.VerifyPhoneCode(h.Ctx, again.Challenge, p.Code())
		refused(t, refusal, err, totpflow.ErrChallenge)
		_, err = h.BeginPhone(h.Ctx, d.Proof, number("+43 660 7654321"))
		require.ErrorIs(t, err, totpflow.ErrProof)
		_, err = h.SendEnrollmentCode(h.Ctx, page.Token, phone.Voice)
		require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired)
		refusal, err = h.ConfirmPhone(h.Ctx, page.Token, p.Code())
		refused(t, refusal, err, totpflow.ErrEnrollmentExpired)
		require.ErrorIs(t, servicetest.ErrorOf(h.Account(ana).RemovePhone(h.Ctx, d.Proof, next.Phones[0].ID)), totpflow.ErrProof)
	})
	require.Equal(t, sent, p.Count())
	h.Reset(anaID)
	require.Zero(t, h.Member(anaID).Phones)
}
