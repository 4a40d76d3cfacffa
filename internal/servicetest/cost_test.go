package servicetest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/totptest"
)

// trusting lets browsers be trusted.
func trusting(c *totpflow.Config) {
	c.Policy = policy.Fixed{Mode: policy.Required, Methods: policy.App | policy.RecoveryCodes, BrowserAge: policy.DefaultBrowserAge}
	c.Observer = quiet
}

// A second step reads twice and writes once: three round trips, whatever the store is.
// Checking a session is one read.
func TestRoundTrips(t *testing.T) {
	h := newHarness(t, trusting)
	phone, _ := h.Enroll(ana)
	mark := h.PassByCode(ana, phone).Mark

	h.Store.Reset()
	c := h.Challenge(ana)
	require.Equal(t, totptest.Counts{Get: 1}, h.Store.Counts())
	code := phone.Code()
	h.Store.Reset()
	_, err := h.VerifyCode(h.Ctx, c, code)
	require.NoError(t, err)
	require.Equal(t, totptest.Counts{Get: 1, Put: 1}, h.Store.Counts())

	c, code = h.Challenge(ana), phone.WrongCode()
	h.Store.Reset()
	_, err = h.VerifyCode(h.Ctx, c, code)
	require.ErrorIs(t, err, totpflow.ErrRejected)
	require.Equal(t, totptest.Counts{Get: 1, Put: 1}, h.Store.Counts(), "a wrong code costs the same")

	h.Store.Reset()
	valid, err := h.Account(ana).SessionValid(h.Ctx, mark)
	require.NoError(t, err)
	require.True(t, valid)
	require.Equal(t, totptest.Counts{Get: 1}, h.Store.Counts())
}

// year gives the account what people's accounts have after a year: recovery codes that
// are saved, that many trusted browsers, and that many sign-ins.
func (h *harness) year(u totpflow.User, phone *totptest.Authenticator, browsers, signIns int) {
	h.T.Helper()
	require.NoError(h.T, h.Account(u).RecoveryCodesSaved(h.Ctx))
	for i := range signIns {
		h.Clock.Advance(time.Hour)
		d := h.PassByCode(u, phone)
		if i < browsers {
			_, err := h.TrustBrowser(h.Ctx, d.Proof, fmt.Sprintf("Firefox %d on Windows", i))
			require.NoError(h.T, err)
		}
	}
}

// The size of one account in the database, in bytes: just set up, after a year of use,
// and of a person with twenty browsers who signs in all day.
func TestSealedBytes(t *testing.T) {
	size := func(browsers, signIns int) int {
		h := newHarness(t, trusting)
		phone, _ := h.Enroll(ana)
		if signIns > 0 {
			h.year(ana, phone, browsers, signIns)
		}
		rec, err := h.Memory.Get(h.Ctx, anaID)
		require.NoError(t, err)
		t.Logf("%d browsers, %d sign-ins: %d bytes", browsers, signIns, len(rec.Sealed))
		return len(rec.Sealed)
	}
	require.LessOrEqual(t, size(0, 0), 600)
	require.LessOrEqual(t, size(2, 100), 1650)
	require.LessOrEqual(t, size(20, 400), 4000)
}
