package totpflow_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
)

// A phone that was set up after a reset is a factor like another: the password
// alone leads to no enrollment any more, neither within the 24 hours nor later, and
// its code lets the person in.
func TestPhoneAfterAReset(t *testing.T) {
	for name, later := range map[string]time.Duration{"within 24 hours": time.Hour, "later": 48 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			var p pigeon
			h := newHouse(t, withPhones(&p)...)
			h.phoneOnly(ana, &p)
			h.resets(anaID)
			require.Equal(t, admin.StateRequired, h.member(anaID).State)
			next, err := h.SignIn(h.ctx, ana)
			require.NoError(t, err)
			left, err := h.SignIn(h.ctx, ana) // another enrollment under way: it ends with this one
			require.NoError(t, err)
			h.addPhone(next.Challenge, mobile, &p)
			require.Equal(t, admin.StateEnabled, h.member(anaID).State)
			_, err = h.BeginEnrollment(h.ctx, left.Challenge)
			require.ErrorIs(t, err, totpflow.ErrChallenge)

			h.clock.Advance(later)
			next, err = h.SignIn(h.ctx, ana)
			require.NoError(t, err)
			require.Equal(t, totpflow.AskCode, next.Step)
			require.Equal(t, []totpflow.Method{totpflow.MethodPhoneCode}, next.Methods)
			_, err = h.SendPhoneCode(h.ctx, next.Challenge, next.Phones[0].ID, phone.SMS)
			require.NoError(t, err)
			d, err := h.VerifyPhoneCode(h.ctx, next.Challenge, p.code())
			require.NoError(t, err)
			require.Equal(t, totpflow.Passed, d.Step)
			require.Equal(t, ana.ID.User, d.ID.User)
			h.setUp(d.Proof) // and may set up an app with it
		})
	}
}

// An administrator who takes away all that a person has, by choosing another
// number or none, has reset them: neither policy nor time may then let the
// password alone pass.
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
			var p pigeon
			h := newHouse(t, withPhones(&p)...)
			h.phoneOnly(ana, &p)
			s := h.open(withPhones(&p, func(cfg *totpflow.Config) { cfg.Policy = policy.Fixed(c.policy) })...)
			require.NoError(t, admin.New(s, nil).AssignPhone(h.ctx, ops, anaID, c.number))
			h.clock.Advance(c.after)
			next, err := s.SignIn(h.ctx, ana)
			require.NoError(t, err)
			require.Equal(t, c.next, next.Step)
		})
	}
	// Who has an app keeps it, and who never had anything is as before.
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	app, _ := h.enroll(ana)
	require.NoError(t, h.Admin(nil).AssignPhone(h.ctx, ops, anaID, mobile))
	h.pass(ana, app)
	require.NoError(t, h.Admin(nil).AssignPhone(h.ctx, ops, agentID, mobile))
	require.Equal(t, totpflow.Enroll, h.step(agent))
	require.Zero(t, h.member(agentID).ResetAt)
}

// An import adds no authenticator beside a phone: whoever exported the secret
// could else sign in past it.
func TestImportBesideAPhone(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	h.phoneOnly(ana, &p)
	h.unchanged(func() {
		require.ErrorIs(t, h.imports(admin.Imported{ID: anaID, Key: rfcKey(t)})[0].Err, admin.ErrAlreadyEnrolled)
	})
}

// Whoever has a phone has no grace to lose, and is enabled in every list.
func TestPhoneAndGrace(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p, ofTenants)...)
	h.set("acme", policy.Policy{Mode: policy.Required, Grace: days(14), Methods: everyMethod})
	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.ReasonGrace, next.Reason)
	h.addPhone(next.Proof, mobile, &p)
	require.Zero(t, h.status(ana).GraceUntil)
	m := h.member(anaID)
	require.Equal(t, admin.StateEnabled, m.State)
	require.Equal(t, 1, m.Phones)
	require.Equal(t, 1, count(m).Enabled)
}

// Nor does a frozen account send codes, or take one.
func TestFrozenAndPhones(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p, func(c *totpflow.Config) {
		c.Phones.Limits = phone.DefaultLimits()
		c.Phones.Limits.Account = []phone.Limit{{N: 100, Per: time.Hour}}
	})...)
	h.phoneOnly(ana, &p)
	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	_, err = h.SendPhoneCode(h.ctx, next.Challenge, next.Phones[0].ID, phone.SMS)
	require.NoError(t, err)
	d, err := h.VerifyPhoneCode(h.ctx, next.Challenge, p.code())
	require.NoError(t, err)
	h.clock.Advance(time.Minute)
	again, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	_, err = h.SendPhoneCode(h.ctx, again.Challenge, next.Phones[0].ID, phone.SMS)
	require.NoError(t, err)
	page, err := h.BeginPhone(h.ctx, d.Proof, number("+43 660 7654321"))
	require.NoError(t, err)
	h.clock.Advance(time.Minute)
	_, err = h.SendEnrollmentCode(h.ctx, page.Token, phone.SMS)
	require.NoError(t, err)
	sent := p.count()
	h.disown(ana)
	h.unchanged(func() {
		_, err = h.SendPhoneCode(h.ctx, again.Challenge, next.Phones[0].ID, phone.Voice)
		require.ErrorIs(t, err, totpflow.ErrChallenge)
		refusal, err := h.VerifyPhoneCode(h.ctx, again.Challenge, p.code())
		refused(t, refusal, err, totpflow.ErrChallenge)
		_, err = h.BeginPhone(h.ctx, d.Proof, number("+43 660 7654321"))
		require.ErrorIs(t, err, totpflow.ErrProof)
		_, err = h.SendEnrollmentCode(h.ctx, page.Token, phone.Voice)
		require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired)
		refusal, err = h.ConfirmPhone(h.ctx, page.Token, p.code())
		refused(t, refusal, err, totpflow.ErrEnrollmentExpired)
		require.ErrorIs(t, h.Account(ana).RemovePhone(h.ctx, d.Proof, next.Phones[0].ID), totpflow.ErrProof)
	})
	require.Equal(t, sent, p.count())
	h.resets(anaID)
	require.Zero(t, h.member(anaID).Phones)
}
