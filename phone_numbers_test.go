package totpflow_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// Beside an active authenticator a phone is a way in only where policy names it,
// and the default policy does not. Where phones are all there is, a policy that
// no longer names them does not turn them into no factor.
func TestPolicyDecidesOnPhones(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	app, _ := h.enroll(ana)
	h.clock.Advance(time.Minute)
	h.addPhone(h.prove(ana, totpflow.ActionAddPhone, app), mobile, &p)
	id := h.status(ana).Phones[0].ID
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "43"}}
	h.phoneOnly(ben, &p)

	without := h.open(append(withPhones(&p), withMode(policy.Optional))...)
	next, err := without.SignIn(h.ctx, ana)
	require.NoError(t, err)
	require.NotContains(t, next.Methods, totpflow.MethodPhoneCode)
	require.Empty(t, next.Phones)
	_, err = without.SendPhoneCode(h.ctx, next.Challenge, id, phone.SMS)
	require.ErrorIs(t, err, totpflow.ErrMethodNotAllowed)
	_, err = h.SendPhoneCode(h.ctx, next.Challenge, id, phone.SMS)
	require.NoError(t, err)
	d, err := without.VerifyPhoneCode(h.ctx, next.Challenge, p.code())
	refused(t, d, err, totpflow.ErrMethodNotAllowed)
	_, err = without.BeginPhone(h.ctx, next.Challenge, mobile)
	require.Error(t, err)

	next, err = without.SignIn(h.ctx, ben)
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, next.Step, "optional, and yet asked: there is a factor")
	require.Equal(t, []totpflow.Method{totpflow.MethodPhoneCode}, next.Methods)

	none := h.open(withMode(policy.Off)) // no sender any more
	next, err = none.SignIn(h.ctx, ben)
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, next.Step)
	_, err = none.SendPhoneCode(h.ctx, next.Challenge, id, phone.SMS)
	require.ErrorIs(t, err, totpflow.ErrNoPhone)
}

// A number that waits for its code is judged by the policy of the moment: what an
// administrator has forbidden since gets no message and becomes no factor.
func TestPolicyChangesWhileANumberWaits(t *testing.T) {
	for name, tt := range map[string]struct {
		policy policy.Fixed
		err    error
	}{
		"no codes by phone":             {policy.Fixed{Mode: policy.Required}, totpflow.ErrMethodNotAllowed},
		"administrators choose numbers": {policy.Fixed{Mode: policy.Required, Methods: everyMethod, AssignedPhones: true}, totpflow.ErrNumberAssigned},
	} {
		t.Run(name, func(t *testing.T) {
			var p pigeon
			h := newHouse(t, withPhones(&p)...)
			next, err := h.SignIn(h.ctx, ana)
			require.NoError(t, err)
			page, err := h.BeginPhone(h.ctx, next.Challenge, mobile)
			require.NoError(t, err)
			_, err = h.SendEnrollmentCode(h.ctx, page.Token, phone.SMS)
			require.NoError(t, err)
			h.clock.Advance(time.Minute)

			later := h.open(withPhones(&p, func(c *totpflow.Config) { c.Policy = tt.policy })...)
			h.unchanged(func() {
				_, err = later.SendEnrollmentCode(h.ctx, page.Token, phone.SMS)
				require.ErrorIs(t, err, tt.err)
				d, err := later.ConfirmPhone(h.ctx, page.Token, p.code())
				refused(t, d, err, tt.err)
			})
			require.Equal(t, 1, p.count())
			require.Empty(t, h.status(ana).Phones)
			d, err := h.ConfirmPhone(h.ctx, page.Token, p.code())
			require.NoError(t, err, "the code itself is right")
			require.Equal(t, totpflow.Passed, d.Step)
		})
	}
}

// Where policy leaves numbers to administrators, the person verifies the one that
// was chosen and no other, and cannot take it away.
func TestAssignedPhones(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p, func(c *totpflow.Config) {
		c.Policy = policy.Fixed{Mode: policy.Required, Methods: everyMethod, AssignedPhones: true}
	})...)
	op := admin.Operator{Name: "root", Reason: "test"}
	target := ana.ID
	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	require.Equal(t, []totpflow.Method{totpflow.MethodCode}, next.Methods, "there is no number to verify")
	require.True(t, h.status(ana).Assigned.IsZero())
	for _, n := range []phone.Number{mobile, {}} {
		_, err = h.BeginPhone(h.ctx, next.Challenge, n)
		require.ErrorIs(t, err, totpflow.ErrNumberAssigned)
	}
	require.NoError(t, h.Admin(nil).AssignPhone(h.ctx, op, target, mobile))
	next, err = h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	require.Contains(t, next.Methods, totpflow.MethodPhoneCode)
	require.Equal(t, []totpflow.Phone{{Number: mobile}}, next.Phones)
	require.Equal(t, mobile, h.status(ana).Assigned)
	_, err = h.BeginPhone(h.ctx, next.Challenge, number("+43 660 7654321"))
	require.ErrorIs(t, err, totpflow.ErrNumberAssigned)
	h.addPhone(next.Challenge, phone.Number{}, &p)
	st := h.status(ana)
	require.Equal(t, mobile, st.Phones[0].Number)
	require.WithinDuration(t, h.clock.Now(), st.Phones[0].Used, 2*time.Minute)
	require.True(t, st.Assigned.IsZero(), "verified")

	challenge := h.ask(ana)
	_, err = h.SendPhoneCode(h.ctx, challenge, st.Phones[0].ID, phone.SMS)
	require.NoError(t, err)
	d, err := h.VerifyPhoneCode(h.ctx, challenge, p.code())
	require.NoError(t, err)
	require.ErrorIs(t, h.Account(ana).RemovePhone(h.ctx, d.Proof, st.Phones[0].ID), totpflow.ErrNumberAssigned)
	require.NoError(t, h.Admin(nil).AssignPhone(h.ctx, op, target, phone.Number{}))
	require.Empty(t, h.status(ana).Phones)
}

// The last phone goes by a new sign-in, and not where a factor is required; one of
// several factors goes by the app's code.
func TestRemovingPhones(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	h.phoneOnly(ana, &p)
	id := h.status(ana).Phones[0].ID
	prove := func() totpflow.Proof {
		h.clock.Advance(time.Minute)
		challenge := h.ask(ana)
		_, err := h.SendPhoneCode(h.ctx, challenge, id, phone.SMS)
		require.NoError(t, err)
		d, err := h.VerifyPhoneCode(h.ctx, challenge, p.code())
		require.NoError(t, err)
		return d.Proof
	}
	require.ErrorIs(t, h.Account(ana).RemovePhone(h.ctx, "", id), totpflow.ErrProof)
	proof := prove()
	require.ErrorIs(t, h.Account(ana).RemovePhone(h.ctx, proof, id), totpflow.ErrFactorRequired)
	app, _ := h.setUp(proof)
	h.clock.Advance(time.Minute)
	require.ErrorIs(t, h.Account(ana).RemovePhone(h.ctx, proof, id), totpflow.ErrProof)
	require.NoError(t, h.Account(ana).RemovePhone(h.ctx, h.prove(ana, totpflow.ActionRemovePhone, app), id))
	require.Empty(t, h.status(ana).Phones)
	require.Contains(t, h.events.kinds(), event.PhoneRemoved)
}

// A reset, a freeze's restore, an exemption and a redeemed code leave no phone
// behind: it may be the thief's.
func TestPhonesGoWithTheFactors(t *testing.T) {
	op := admin.Operator{Name: "root", Reason: "test"}
	target := ana.ID
	for name, end := range map[string]func(*house, admin.Admin) error{
		"reset":  func(h *house, a admin.Admin) error { return a.Reset(h.ctx, op, target, admin.ScopeAll) },
		"exempt": func(h *house, a admin.Admin) error { return a.Exempt(h.ctx, op, target, "agent") },
		"issued code": func(h *house, a admin.Admin) error {
			var code string
			err := a.IssueRecoveryCode(h.ctx, op, target, func(_ context.Context, c admin.IssuedCode) error {
				code = c.Code
				return nil
			})
			if err == nil {
				_, err = h.VerifyIssuedCode(h.ctx, h.ask(ana), code)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			var p pigeon
			h := newHouse(t, withPhones(&p)...)
			h.phoneOnly(ana, &p)
			require.NoError(t, end(h, h.Admin(nil)))
			require.Empty(t, h.status(ana).Phones)
		})
	}
}

// A number that is not served, a mistyped configuration, a service without a
// sender: each is told at once.
func TestPhoneMisuse(t *testing.T) {
	for name, p := range map[string]totpflow.Phones{
		"no sender":       {},
		"half the limits": {Sender: &pigeon{}, Limits: phone.Limits{Account: []phone.Limit{{N: 1, Per: time.Hour}}}},
		"number's alone":  {Sender: &pigeon{}, Limits: phone.Limits{Number: []phone.Limit{{N: 1, Per: time.Hour}}}},
		"prefix's alone":  {Sender: &pigeon{}, Limits: phone.Limits{Prefix: []phone.Limit{{N: 1, Per: time.Hour}}}},
		"tenant's alone":  {Sender: &pigeon{}, Limits: phone.Limits{Tenant: []phone.Limit{{N: 1, Per: time.Hour}}}},
		"bad destination": {Sender: &pigeon{}, Destinations: phone.Destinations{Only: []string{"43"}}},
	} {
		t.Run(name, func(t *testing.T) {
			c := totpflow.Config{Issuer: "Acme", Store: store.NewMemory(), Keys: newHouse(t).ring(), Phones: &p}
			_, err := totpflow.New(c)
			require.ErrorIs(t, err, totpflow.ErrConfig)
		})
	}
	var p pigeon
	h := newHouse(t, withPhones(&p, func(c *totpflow.Config) { c.Phones.Destinations.Only = []string{"+49"} })...)
	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	_, err = h.BeginPhone(h.ctx, next.Challenge, mobile)
	require.ErrorIs(t, err, phone.ErrDestination)
	_, err = h.BeginPhone(h.ctx, nil, mobile)
	require.ErrorIs(t, err, totpflow.ErrProof)
	_, err = h.BeginPhone(h.ctx, next.Challenge, phone.Number{})
	require.ErrorIs(t, err, phone.ErrNumber)
	page, err := h.BeginEnrollment(h.ctx, next.Challenge)
	require.NoError(t, err)
	_, err = h.SendEnrollmentCode(h.ctx, page.Token, phone.SMS)
	require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired, "a token of an app's set-up")
}
