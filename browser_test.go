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
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	next := h.pass(ana, phone)
	require.Equal(t, trust.DefaultAge, next.TrustFor)
	b, err := h.TrustBrowser(h.ctx, next.Proof, "Firefox on Linux")
	require.NoError(t, err)
	require.Equal(t, trust.DefaultAge, b.Expires.Sub(h.clock.Now().Truncate(time.Second)))
	_, err = h.TrustBrowser(h.ctx, next.Proof, "once more")
	require.ErrorIs(t, err, totpflow.ErrProof, "a proof serves once")

	next, err = h.SignIn(h.ctx, ana, "nonsense", b.Token)
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, next.Step)
	require.Equal(t, totpflow.ReasonTrustedBrowser, next.Reason, "the host can tell it from a factor")
	require.Empty(t, next.Proof, "a trusted browser proves nothing")

	list := h.status(ana).Browsers
	require.Len(t, list, 1)
	require.Equal(t, "Firefox on Linux", list[0].Label)
}

// Trust ends with everything that could mean that somebody else sits there.
func TestTrustEnds(t *testing.T) {
	ends := map[string]func(h *house, end *end){
		"age":             func(h *house, _ *end) { h.clock.Advance(trust.DefaultAge + time.Second) },
		"clock goes back": func(h *house, _ *end) { h.clock.Advance(-time.Hour) },
		"revoked": func(h *house, _ *end) {
			require.NoError(h.t, h.Account(ana).RevokeBrowser(h.ctx, h.status(ana).Browsers[0].ID))
		},
		"all revoked":      func(h *house, _ *end) { require.NoError(h.t, h.Account(ana).RevokeBrowsers(h.ctx)) },
		"password changed": func(h *house, _ *end) { require.NoError(h.t, second(h.Account(ana).PasswordChanged(h.ctx))) },
		"recovery code used": func(h *house, e *end) {
			_, err := h.VerifyRecoveryCode(h.ctx, h.ask(ana), e.codes[0])
			require.NoError(h.t, err)
		},
		"replaced": func(h *house, e *end) { h.setUp(h.prove(ana, totpflow.ActionReplaceAuthenticator, e.phone)) },
		"disabled and set up again": func(h *house, e *end) {
			require.NoError(h.t, second(h.Account(ana).Disable(h.ctx, h.prove(ana, totpflow.ActionDisable, e.phone))))
			h.enroll(ana)
		},
		"policy shortened": func(h *house, _ *end) {
			h.clock.Advance(25 * time.Hour)
			h.Service = h.open(func(c *totpflow.Config) {
				c.Policy = policy.Fixed{Mode: policy.Optional, BrowserAge: 24 * time.Hour}
			})
		},
		"policy forbids": func(h *house, _ *end) {
			h.Service = h.open(func(c *totpflow.Config) { c.Policy = policy.Fixed{Mode: policy.Optional, BrowserAge: -1} })
		},
		"strict":         func(h *house, _ *end) { h.Service = h.open(func(c *totpflow.Config) { c.Strict = true }) },
		"other audience": func(h *house, _ *end) { h.Service = h.open(func(c *totpflow.Config) { c.Audience = "agent" }) },
		"epoch raised":   func(h *house, _ *end) { h.raiseEpoch(); h.Service = h.open() },
	}
	for name, happens := range ends {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			phone, codes := h.enroll(ana)
			token := h.trusted(ana, phone)
			next, err := h.SignIn(h.ctx, ana, token)
			require.NoError(t, err)
			require.Equal(t, totpflow.Passed, next.Step)

			happens(h, &end{phone, codes})
			next, err = h.SignIn(h.ctx, ana, token)
			require.NoError(t, err)
			require.Equal(t, totpflow.AskCode, next.Step)
		})
	}
}

// Rotating the keys ends no trust and no account.
func TestKeyRotationKeepsEverybodyIn(t *testing.T) {
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	token := h.trusted(ana, phone)
	h.rotateKeys()
	h.Service = h.open()
	next, err := h.SignIn(h.ctx, ana, token)
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, next.Step)
	h.pass(ana, phone)
}

// Once a revocation is acknowledged, no check anywhere passes.
func TestRevocationIsSeenAtOnce(t *testing.T) {
	h := newHouse(t, func(c *totpflow.Config) { c.Events = quiet })
	phone, _ := h.enroll(ana)
	token := h.trusted(ana, phone)
	other := h.open(func(c *totpflow.Config) { c.Events = quiet })
	var revoked atomic.Bool
	together(65, func(i int) {
		if i == 0 {
			if err := h.Account(ana).RevokeBrowsers(h.ctx); err != nil {
				t.Error(err)
			}
			revoked.Store(true)
			return
		}
		after := revoked.Load()
		d, err := other.SignIn(h.ctx, ana, token)
		if err != nil || (after && d.Step == totpflow.Passed) {
			t.Errorf("after the revocation: %v, %v", d.Step, err)
		}
	})
}

// The proof of a password alone trusts no browser, and neither does another
// account's.
func TestTrustNeedsACode(t *testing.T) {
	h := newHouse(t)
	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	_, err = h.TrustBrowser(h.ctx, next.Proof, "x")
	require.ErrorIs(t, err, totpflow.ErrProof)
	_, err = h.TrustBrowser(h.ctx, "", "x")
	require.ErrorIs(t, err, totpflow.ErrProof)
	phone, _ := h.enroll(ana)
	late := h.pass(ana, phone).Proof
	h.clock.Advance(totpflow.ProofLifetime)
	_, err = h.TrustBrowser(h.ctx, late, "x")
	require.ErrorIs(t, err, totpflow.ErrProof)
}

// "Last seen" is written once a day, not with every sign-in.
func TestSeenOnceADay(t *testing.T) {
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	token := h.trusted(ana, phone)
	h.store.Reset()
	for range 48 {
		h.clock.Advance(time.Hour)
		next, err := h.SignIn(h.ctx, ana, token)
		require.NoError(t, err)
		require.Equal(t, totpflow.Passed, next.Step)
	}
	require.Equal(t, 2, h.store.Counts().Put)
}

// What a test of TestTrustEnds has in hand.
type end struct {
	phone *totptest.Authenticator
	codes []string
}
