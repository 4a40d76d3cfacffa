package totpflow_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
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

// Trust ends with everything that could mean that somebody else sits there.
func TestTrustEnds(t *testing.T) {
	ends := map[string]func(h *harness, end *end){
		"age":             func(h *harness, _ *end) { h.Clock.Advance(trust.DefaultAge + time.Second) },
		"clock goes back": func(h *harness, _ *end) { h.Clock.Advance(-time.Hour) },
		"revoked": func(h *harness, _ *end) {
			require.NoError(h.T, h.Account(ana).RevokeBrowser(h.Ctx, h.Status(ana).Browsers[0].ID))
		},
		"all revoked":      func(h *harness, _ *end) { require.NoError(h.T, h.Account(ana).RevokeBrowsers(h.Ctx)) },
		"password changed": func(h *harness, _ *end) { require.NoError(h.T, h.Account(ana).PasswordChanged(h.Ctx)) },
		"recovery code used": func(h *harness, e *end) {
			_, err := h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), e.codes[0])
			require.NoError(h.T, err)
		},
		"replaced": func(h *harness, e *end) { h.EnrollBy(h.Prove(ana, totpflow.ActionReplaceAuthenticator, e.phone)) },
		"disabled and set up again": func(h *harness, e *end) {
			require.NoError(h.T, h.Account(ana).Disable(h.Ctx, h.Prove(ana, totpflow.ActionDisable, e.phone)))
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
			h := newHarness(t)
			phone, codes := h.Enroll(ana)
			token := h.TrustBrowserOf(ana, phone)
			next, err := h.SignIn(h.Ctx, ana, token)
			require.NoError(t, err)
			require.Equal(t, totpflow.Passed, next.Step)

			happens(h, &end{phone, codes})
			next, err = h.SignIn(h.Ctx, ana, token)
			require.NoError(t, err)
			require.Equal(t, totpflow.AskCode, next.Step)
		})
	}
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
	h := newHarness(t, func(c *totpflow.Config) { c.Events = quiet })
	phone, _ := h.Enroll(ana)
	token := h.TrustBrowserOf(ana, phone)
	other := h.Open(func(c *totpflow.Config) { c.Events = quiet })
	var revoked atomic.Bool
	together(65, func(i int) {
		if i == 0 {
			if err := h.Account(ana).RevokeBrowsers(h.Ctx); err != nil {
				t.Error(err)
			}
			revoked.Store(true)
			return
		}
		after := revoked.Load()
		d, err := other.SignIn(h.Ctx, ana, token)
		if err != nil || (after && d.Step == totpflow.Passed) {
			t.Errorf("after the revocation: %v, %v", d.Step, err)
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

// What a test of TestTrustEnds has in hand.
type end struct {
	phone *totptest.Authenticator
	codes []string
}
