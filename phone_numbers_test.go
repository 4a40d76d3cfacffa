package totpflow_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// Beside an active authenticator a phone is a way in only if the policy names it, and the
// default policy does not. If phones are the only factors, a policy that no longer names
// them does not make them count as no factor.
func TestPolicyDecidesOnPhones(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	app, _ := h.Enroll(ana)
	h.Clock.Advance(time.Minute)
	h.AddPhone(h.Prove(ana, totpflow.ActionAddPhone, app), mobile, &p)
	id := h.Status(ana).Phones[0].ID
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "43"}}
	h.EnrollPhone(ben, &p)

	without := h.Open(append(withPhones(&p), withMode(policy.Optional))...)
	next, err := without.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	require.NotContains(t, next.Methods, totpflow.MethodPhoneCode)
	require.Empty(t, next.Phones)
	_, err = without.SendPhoneCode(h.Ctx, next.Challenge, id, phone.SMS)
	require.ErrorIs(t, err, totpflow.ErrMethodNotAllowed)
	_, err = h.SendPhoneCode(h.Ctx, next.Challenge, id, phone.SMS)
	require.NoError(t, err)
	d, err := without.VerifyPhoneCode(h.Ctx, next.Challenge, p.Code())
	refused(t, d, err, totpflow.ErrMethodNotAllowed)
	_, err = without.BeginPhone(h.Ctx, next.Challenge, mobile)
	require.Error(t, err)

	next, err = without.SignIn(h.Ctx, ben)
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, next.Step, "optional, and yet asked: there is a factor")
	require.Equal(t, []totpflow.Method{totpflow.MethodPhoneCode}, next.Methods)

	none := h.Open(withMode(policy.Off)) // without a sender
	next, err = none.SignIn(h.Ctx, ben)
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, next.Step)
	_, err = none.SendPhoneCode(h.Ctx, next.Challenge, id, phone.SMS)
	require.ErrorIs(t, err, totpflow.ErrNoPhone)
}

// A number that waits for its code is judged by the current policy: a number that an
// administrator has forbidden since then gets no message and becomes no factor.
func TestPolicyChangesWhileANumberWaits(t *testing.T) {
	for name, tt := range map[string]struct {
		policy policy.Fixed
		err    error
	}{
		"no codes by phone":             {policy.Fixed{Mode: policy.Required}, totpflow.ErrMethodNotAllowed},
		"administrators choose numbers": {policy.Fixed{Mode: policy.Required, Methods: everyMethod, AssignedPhones: true}, totpflow.ErrNumberAssigned},
	} {
		t.Run(name, func(t *testing.T) {
			var p provider
			h := newHarness(t, withPhones(&p)...)
			next, err := h.SignIn(h.Ctx, ana)
			require.NoError(t, err)
			page, err := h.BeginPhone(h.Ctx, next.Challenge, mobile)
			require.NoError(t, err)
			_, err = h.SendEnrollmentCode(h.Ctx, page.Token, phone.SMS)
			require.NoError(t, err)
			h.Clock.Advance(time.Minute)

			later := h.Open(withPhones(&p, func(c *totpflow.Config) { c.Policy = tt.policy })...)
			h.Unchanged(func() {
				_, err = later.SendEnrollmentCode(h.Ctx, page.Token, phone.SMS)
				require.ErrorIs(t, err, tt.err)
				d, err := later.ConfirmPhone(h.Ctx, page.Token, p.Code())
				refused(t, d, err, tt.err)
			})
			require.Equal(t, 1, p.Count())
			require.Empty(t, h.Status(ana).Phones)
			d, err := h.ConfirmPhone(h.Ctx, page.Token, p.Code())
			require.NoError(t, err, "the code itself is right")
			require.Equal(t, totpflow.Passed, d.Step)
		})
	}
}

// If policy leaves numbers to administrators, the person verifies the one that was chosen
// and no other, and cannot remove it.
func TestAssignedPhones(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p, func(c *totpflow.Config) {
		c.Policy = policy.Fixed{Mode: policy.Required, Methods: everyMethod, AssignedPhones: true}
	})...)
	op := admin.Operator{Name: "root", Reason: "test"}
	target := ana.ID
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	require.Equal(t, []totpflow.Method{totpflow.MethodCode}, next.Methods, "there is no number to verify")
	require.True(t, h.Status(ana).Assigned.IsZero())
	for _, n := range []phone.Number{mobile, {}} {
		_, err = h.BeginPhone(h.Ctx, next.Challenge, n)
		require.ErrorIs(t, err, totpflow.ErrNumberAssigned)
	}
	require.NoError(t, servicetest.ErrorOf(h.Admin(nil).AssignPhone(h.Ctx, op, target, mobile)))
	next, err = h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	require.Contains(t, next.Methods, totpflow.MethodPhoneCode)
	require.Equal(t, []phone.Phone{{Number: mobile}}, next.Phones)
	require.Equal(t, mobile, h.Status(ana).Assigned)
	_, err = h.BeginPhone(h.Ctx, next.Challenge, number("+43 660 7654321"))
	require.ErrorIs(t, err, totpflow.ErrNumberAssigned)
	h.AddPhone(next.Challenge, phone.Number{}, &p)
	st := h.Status(ana)
	require.Equal(t, mobile, st.Phones[0].Number)
	require.WithinDuration(t, h.Clock.Now(), st.Phones[0].Used, 2*time.Minute)
	require.True(t, st.Assigned.IsZero(), "verified")

	challenge := h.Challenge(ana)
	_, err = h.SendPhoneCode(h.Ctx, challenge, st.Phones[0].ID, phone.SMS)
	require.NoError(t, err)
	d, err := h.VerifyPhoneCode(h.Ctx, challenge, p.Code())
	require.NoError(t, err)
	require.ErrorIs(t, servicetest.ErrorOf(h.Account(ana).RemovePhone(h.Ctx, d.Proof, st.Phones[0].ID)), totpflow.ErrNumberAssigned)
	require.NoError(t, servicetest.ErrorOf(h.Admin(nil).AssignPhone(h.Ctx, op, target, phone.Number{})))
	require.Empty(t, h.Status(ana).Phones)
}

// Removing the last phone requires a new sign-in, and is refused where a factor is
// required; removing one of several factors requires the app's code.
func TestRemovingPhones(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	h.EnrollPhone(ana, &p)
	id := h.Status(ana).Phones[0].ID
	prove := func() totpflow.Proof {
		h.Clock.Advance(time.Minute)
		challenge := h.Challenge(ana)
		_, err := h.SendPhoneCode(h.Ctx, challenge, id, phone.SMS)
		require.NoError(t, err)
		d, err := h.VerifyPhoneCode(h.Ctx, challenge, p.Code())
		require.NoError(t, err)
		return d.Proof
	}
	require.ErrorIs(t, servicetest.ErrorOf(h.Account(ana).RemovePhone(h.Ctx, "", id)), totpflow.ErrProof)
	proof := prove()
	require.ErrorIs(t, servicetest.ErrorOf(h.Account(ana).RemovePhone(h.Ctx, proof, id)), totpflow.ErrFactorRequired)
	app, _ := h.EnrollBy(proof)
	h.Clock.Advance(time.Minute)
	require.ErrorIs(t, servicetest.ErrorOf(h.Account(ana).RemovePhone(h.Ctx, proof, id)), totpflow.ErrProof)
	require.NoError(t, servicetest.ErrorOf(h.Account(ana).RemovePhone(h.Ctx, h.ProveFor(ana, totpflow.ActionRemovePhone.On(id), app), id)))
	require.Empty(t, h.Status(ana).Phones)
	require.Contains(t, h.Events.Kinds(), event.PhoneRemoved)
}

// A reset, an exemption and a redeemed code leave no phone behind: it may be the
// thief's.
func TestPhonesGoWithTheFactors(t *testing.T) {
	op := admin.Operator{Name: "root", Reason: "test"}
	target := ana.ID
	for name, end := range map[string]func(*harness, admin.Admin) error{
		"reset": func(h *harness, a admin.Admin) error {
			return servicetest.ErrorOf(a.Reset(h.Ctx, op, target, admin.ScopeAll))
		},
		"exempt": func(h *harness, a admin.Admin) error {
			return servicetest.ErrorOf(a.Exempt(h.Ctx, op, target, "agent"))
		},
		"issued code": func(h *harness, a admin.Admin) error {
			var code string
			err := a.IssueRecoveryCode(h.Ctx, op, target, func(_ context.Context, c admin.IssuedCode) error {
				code = c.Code
				return nil
			})
			if err == nil {
				_, err = h.VerifyIssuedCode(h.Ctx, h.Challenge(ana), code)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			var p provider
			h := newHarness(t, withPhones(&p)...)
			h.EnrollPhone(ana, &p)
			require.NoError(t, end(h, h.Admin(nil)))
			require.Empty(t, h.Status(ana).Phones)
		})
	}
}

// Neither does an authenticator that is restored after a theft.
func TestRestoreLeavesNoPhone(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	app, _ := h.Enroll(ana)
	thief, _ := h.EnrollBy(h.Prove(ana, totpflow.ActionReplaceAuthenticator, app))
	h.AddPhone(h.Prove(ana, totpflow.ActionAddPhone, thief), mobile, &p)
	require.Len(t, h.Status(ana).Phones, 1)
	require.NoError(t, servicetest.ErrorOf(h.Admin(nil).RestoreAuthenticator(h.Ctx, ops, anaID, h.Member(anaID).Recoverable[0].ID)))
	require.Empty(t, h.Status(ana).Phones)
}

// A number that is not served, a mistyped configuration, a service without a sender: each
// is reported at once.
func TestPhoneMisuse(t *testing.T) {
	for name, p := range map[string]phone.Delivery{
		"no sender":       {},
		"half the limits": {Sender: &provider{}, Limits: phone.Limits{Account: []phone.Limit{{N: 1, Per: time.Hour}}}},
		"number's alone":  {Sender: &provider{}, Limits: phone.Limits{Number: []phone.Limit{{N: 1, Per: time.Hour}}}},
		"prefix's alone":  {Sender: &provider{}, Limits: phone.Limits{Prefix: []phone.Limit{{N: 1, Per: time.Hour}}}},
		"tenant's alone":  {Sender: &provider{}, Limits: phone.Limits{Tenant: []phone.Limit{{N: 1, Per: time.Hour}}}},
		"bad destination": {Sender: &provider{}, Destinations: phone.Destinations{Only: []string{"43"}}},
	} {
		t.Run(name, func(t *testing.T) {
			c := totpflow.Config{Issuer: "Acme", Store: store.NewMemory(), Keys: newHarness(t).Ring(), Phones: &p}
			_, err := totpflow.New(c)
			require.ErrorIs(t, err, totpflow.ErrConfig)
		})
	}
	var p provider
	h := newHarness(t, withPhones(&p, func(c *totpflow.Config) { c.Phones.Destinations.Only = []string{"+49"} })...)
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	_, err = h.BeginPhone(h.Ctx, next.Challenge, mobile)
	require.ErrorIs(t, err, phone.ErrDestination)
	_, err = h.BeginPhone(h.Ctx, nil, mobile)
	require.ErrorIs(t, err, totpflow.ErrProof)
	_, err = h.BeginPhone(h.Ctx, next.Challenge, phone.Number{})
	require.ErrorIs(t, err, phone.ErrNumber)
	page, err := h.BeginEnrollment(h.Ctx, next.Challenge)
	require.NoError(t, err)
	_, err = h.SendEnrollmentCode(h.Ctx, page.Token, phone.SMS)
	require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired, "a token of an app's set-up")
}
