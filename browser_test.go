package totpflow_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/trust"
)

func TestTrustedBrowserSparesTheCode(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	next := h.PassByCode(ana, phone)
	require.Equal(t, trust.DefaultAge, next.TrustFor)
	b, err := h.TrustBrowser(h.Ctx, next.Proof, "Firefox on Linux")
	require.NoError(t, err)
	require.Equal(t, trust.DefaultAge, b.Expires.Sub(h.Clock.Now().Truncate(time.Second)))
	_, err = h.TrustBrowser(h.Ctx, next.Proof, "once more")
	require.ErrorIs(t, err, totpflow.ErrProof, "a proof serves once")

	next, err = h.SignIn(h.Ctx, ana, "nonsense", b.Token)
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, next.Step)
	require.Equal(t, totpflow.ReasonTrustedBrowser, next.Reason, "the host can tell it from a factor")
	require.Empty(t, next.Proof, "a trusted browser proves nothing")

	list := h.Status(ana).Browsers
	require.Len(t, list, 1)
	require.Equal(t, "Firefox on Linux", list[0].Label)
}

// Trust ends with every event after which somebody else may use the browser.
func TestTrustEnds(t *testing.T) {
	ends := map[string]func(h *harness, end *end){
		"age":             func(h *harness, _ *end) { h.Clock.Advance(trust.DefaultAge + time.Second) },
		"clock goes back": func(h *harness, _ *end) { h.Clock.Advance(-time.Hour) },
		"revoked": func(h *harness, _ *end) {
			require.NoError(h.T, h.Account(ana).RevokeBrowser(h.Ctx, h.Status(ana).Browsers[0].ID))
		},
		"all revoked": func(h *harness, _ *end) { require.NoError(h.T, h.Account(ana).RevokeBrowsers(h.Ctx)) },
		"password changed": func(h *harness, _ *end) {
			require.NoError(h.T, servicetest.ErrorOf(h.Account(ana).PasswordChanged(h.Ctx)))
		},
		"recovery code used": func(h *harness, e *end) {
			_, err := h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), e.codes[0])
			require.NoError(h.T, err)
		},
		"replaced": func(h *harness, e *end) { h.EnrollBy(h.Prove(ana, totpflow.ActionReplaceAuthenticator, e.phone)) },
		"another authenticator removed": func(h *harness, e *end) {
			h.EnrollBy(h.Prove(ana, totpflow.ActionAddAuthenticator, e.phone))
			id := h.Status(ana).Authenticators[1].ID
			proof := h.ProveFor(ana, totpflow.ActionRemoveAuthenticator.On(id), e.phone)
			require.NoError(h.T, servicetest.ErrorOf(h.Account(ana).RemoveAuthenticator(h.Ctx, proof, id)))
		},
		"a phone removed": func(h *harness, e *end) {
			h.AddPhone(h.Prove(ana, totpflow.ActionAddPhone, e.phone), mobile, &e.mobile)
			h.Clock.Advance(time.Minute)
			id := h.Status(ana).Phones[0].ID
			proof := h.ProveFor(ana, totpflow.ActionRemovePhone.On(id), e.phone)
			require.NoError(h.T, servicetest.ErrorOf(h.Account(ana).RemovePhone(h.Ctx, proof, id)))
		},
		"disabled and set up again": func(h *harness, e *end) {
			require.NoError(h.T, servicetest.ErrorOf(h.Account(ana).Disable(h.Ctx, h.Prove(ana, totpflow.ActionDisable, e.phone))))
			require.Empty(h.T, h.Status(ana).Browsers, "before anything is set up")
			h.Enroll(ana)
		},
		"policy shortened": func(h *harness, _ *end) {
			h.Clock.Advance(25 * time.Hour)
			h.Service = h.Open(func(c *totpflow.Config) {
				c.Policy = policy.Fixed{Mode: policy.Optional, BrowserAge: 24 * time.Hour}
			})
		},
		"policy forbids": func(h *harness, _ *end) {
			h.Service = h.Open(func(c *totpflow.Config) { c.Policy = policy.Fixed{Mode: policy.Optional, BrowserAge: -1} })
		},
		"strict":         func(h *harness, _ *end) { h.Service = h.Open(func(c *totpflow.Config) { c.Strict = true }) },
		"other audience": func(h *harness, _ *end) { h.Service = h.Open(func(c *totpflow.Config) { c.Audience = "agent" }) },
		"epoch raised":   func(h *harness, _ *end) { h.RaiseEpoch(); h.Service = h.Open() },
	}
	for name, happens := range ends {
		t.Run(name, func(t *testing.T) {
			var e end
			h := newHarness(t, withPhones(&e.mobile, func(c *totpflow.Config) {
				c.Policy = policy.Fixed{Mode: policy.Optional, Methods: everyMethod}
			})...)
			e.phone, e.codes = h.Enroll(ana)
			token := h.TrustBrowserOf(ana, e.phone)
			next, err := h.SignIn(h.Ctx, ana, token)
			require.NoError(t, err)
			require.Equal(t, totpflow.Passed, next.Step)

			happens(h, &e)
			next, err = h.SignIn(h.Ctx, ana, token)
			require.NoError(t, err)
			require.Equal(t, totpflow.AskCode, next.Step)
		})
	}
}

// An authenticator that is added beside others ends no trust: see the table of
// docs/enrollment.md.
func TestAddingAnAuthenticatorEndsNoTrust(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	token := h.TrustBrowserOf(ana, phone)
	second, _ := h.EnrollBy(h.Prove(ana, totpflow.ActionAddAuthenticator, phone))
	next, err := h.SignIn(h.Ctx, ana, token)
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, next.Step)
	h.PassByCode(ana, second)
	h.EnrollBy(h.Prove(ana, totpflow.ActionReplaceAuthenticator, second))
	next, err = h.SignIn(h.Ctx, ana, token)
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, next.Step, "one that replaces others does")
}

// Rotating the keys ends no trust and no account.
func TestKeyRotationKeepsEverybodyIn(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	token := h.TrustBrowserOf(ana, phone)
	h.RotateKeys()
	h.Service = h.Open()
	next, err := h.SignIn(h.Ctx, ana, token)
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, next.Step)
	h.PassByCode(ana, phone)
}

// Once a revocation is acknowledged, no check anywhere passes.
func TestRevocationIsSeenAtOnce(t *testing.T) {
	h := newHarness(t, func(c *totpflow.Config) { c.Observer = quiet })
	phone, _ := h.Enroll(ana)
	token := h.TrustBrowserOf(ana, phone)
	other := h.Open(func(c *totpflow.Config) { c.Observer = quiet })
	var revoked atomic.Bool
	together(65, func(i int) {
		if i == 0 {
			if err := h.Account(ana).RevokeBrowsers(h.Ctx); err != nil {
				t.Error(err)
			}
			revoked.Store(true)
			return
		}
		for after := false; !after; { // each until one has begun after it
			after = revoked.Load()
			d, err := other.SignIn(h.Ctx, ana, token)
			if err != nil || (after && d.Step == totpflow.Passed) {
				t.Errorf("after the revocation: %v, %v", d.Step, err)
			}
		}
	})
}

// The proof of a password alone trusts no browser, and neither does another
// account's.
func TestTrustNeedsACode(t *testing.T) {
	h := newHarness(t)
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	_, err = h.TrustBrowser(h.Ctx, next.Proof, "x")
	require.ErrorIs(t, err, totpflow.ErrProof)
	_, err = h.TrustBrowser(h.Ctx, "", "x")
	require.ErrorIs(t, err, totpflow.ErrProof)
	phone, _ := h.Enroll(ana)
	late := h.PassByCode(ana, phone).Proof
	h.Clock.Advance(totpflow.ProofLifetime)
	_, err = h.TrustBrowser(h.Ctx, late, "x")
	require.ErrorIs(t, err, totpflow.ErrProof)
}

// "Last seen" is written once a day, not with every sign-in.
func TestSeenOnceADay(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	token := h.TrustBrowserOf(ana, phone)
	h.Store.Reset()
	for range 48 {
		h.Clock.Advance(time.Hour)
		next, err := h.SignIn(h.Ctx, ana, token)
		require.NoError(t, err)
		require.Equal(t, totpflow.Passed, next.Step)
	}
	require.Equal(t, 2, h.Store.Counts().Put)
}

// An end is what the cases of TestTrustEnds work with.
type end struct {
	phone  *totptest.Authenticator
	codes  []string
	mobile provider
}

// A revocation ends everything that could undo it: a proof from before it trusts no
// browser. Each row revokes trust while a thief has a proof of a moment ago.
func TestRevocationsCannotBeUndone(t *testing.T) {
	for name, revoke := range map[string]func(h *harness, phone *totptest.Authenticator) error{
		"one browser": func(h *harness, _ *totptest.Authenticator) error {
			return h.Account(ana).RevokeBrowser(h.Ctx, h.Status(ana).Browsers[0].ID)
		},
		"every browser": func(h *harness, _ *totptest.Authenticator) error { return h.Account(ana).RevokeBrowsers(h.Ctx) },
		"one browser, by an administrator": func(h *harness, _ *totptest.Authenticator) error {
			return h.Admin(nil).RevokeBrowser(h.Ctx, ops, anaID, h.Status(ana).Browsers[0].ID)
		},
		"browsers, by a reset": func(h *harness, _ *totptest.Authenticator) error {
			return servicetest.ErrorOf(h.Admin(nil).Reset(h.Ctx, ops, anaID, admin.ScopeBrowsers))
		},
		"everything, by a reset": func(h *harness, _ *totptest.Authenticator) error {
			return servicetest.ErrorOf(h.Admin(nil).Reset(h.Ctx, ops, anaID, admin.ScopeAll))
		},
		"by a new authenticator": func(h *harness, phone *totptest.Authenticator) error {
			h.EnrollBy(h.Prove(ana, totpflow.ActionReplaceAuthenticator, phone))
			return nil
		},
		"by a new password": func(h *harness, _ *totptest.Authenticator) error {
			return servicetest.ErrorOf(h.Account(ana).PasswordChanged(h.Ctx))
		},
		"by \"it was not me\"": func(h *harness, _ *totptest.Authenticator) error { h.Freeze(ana); return nil },
		"by turning the factor off": func(h *harness, phone *totptest.Authenticator) error {
			return servicetest.ErrorOf(h.Account(ana).Disable(h.Ctx, h.Prove(ana, totpflow.ActionDisable, phone)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			phone, _ := h.Enroll(ana)
			h.Clock.Advance(time.Hour)
			trusted := h.TrustBrowserOf(ana, phone)
			proof := h.PassByCode(ana, phone).Proof
			require.NoError(t, revoke(h, phone))
			_, err := h.TrustBrowser(h.Ctx, proof, "thief")
			require.ErrorIs(t, err, totpflow.ErrProof)
			if d, err := h.SignIn(h.Ctx, ana, trusted); err == nil {
				require.NotEqual(t, totpflow.ReasonTrustedBrowser, d.Reason)
			}
		})
	}
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	proof := h.PassByCode(ana, phone).Proof
	require.NoError(t, h.Account(ana).RevokeBrowsers(h.Ctx))
	_, err := h.TrustBrowser(h.Ctx, proof, "thief")
	require.ErrorIs(t, err, totpflow.ErrProof, "also where no browser was trusted yet")
}

// A response of single sign-on comes from another site, and so without the cookie of a
// trusted browser. The request after the redirect has it.
func TestContinueInATrustedBrowser(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	token := h.TrustBrowserOf(ana, phone)
	c := h.Challenge(ana) // by a request without cookies
	again, err := h.ContinueSignIn(h.Ctx, c, "nonsense")
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, again.Step)
	d, err := h.ContinueSignIn(h.Ctx, c, token)
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, d.Step)
	require.Equal(t, totpflow.ReasonTrustedBrowser, d.Reason)
	require.Equal(t, anaID, d.ID)
	require.Empty(t, d.Proof, "a trusted browser proves nothing")
	d, err = h.ContinueSignIn(h.Ctx, c, token)
	refused(t, d, err, totpflow.ErrChallenge)

	c = h.Challenge(ana)
	require.NoError(t, h.Account(ana).RevokeBrowsers(h.Ctx))
	again, err = h.ContinueSignIn(h.Ctx, c, token)
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, again.Step)
}

// The status marks the browser of the request; a token of another person marks none.
func TestStatusMarksTheBrowser(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	first, second := h.TrustBrowserOf(ana, phone), h.TrustBrowserOf(ana, phone)
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "43"}}
	bens, _ := h.Enroll(ben)
	other := h.TrustBrowserOf(ben, bens)
	h.Unchanged(func() {
		st, err := h.Account(ana).Status(h.Ctx, other, second)
		require.NoError(t, err)
		require.Len(t, st.Browsers, 2)
		require.Equal(t, []bool{false, true}, []bool{st.Browsers[0].Here, st.Browsers[1].Here})
		st, err = h.Account(ana).Status(h.Ctx, other)
		require.NoError(t, err)
		require.False(t, st.Browsers[0].Here || st.Browsers[1].Here)
	})
	require.NoError(t, h.Account(ana).RevokeBrowsers(h.Ctx))
	st, err := h.Account(ana).Status(h.Ctx, first)
	require.NoError(t, err)
	require.Empty(t, st.Browsers)
}
