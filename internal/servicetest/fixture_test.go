package servicetest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/internal/servicetest"
)

// A harness is a service with everything around it that a test needs.
type harness struct{ *servicetest.Harness }

func newHarness(t testing.TB, changes ...func(*totpflow.Config)) *harness {
	t.Helper()
	return &harness{servicetest.New(t, changes...)}
}

type (
	provider = servicetest.Provider // of messages
)

// Short names for what most tests use.
var (
	start, days, quiet              = servicetest.Start, servicetest.Days, servicetest.Quiet
	ana, anaID                      = servicetest.Ana, servicetest.Ana.ID
	ops                             = servicetest.Root
	fortnight                       = servicetest.Fortnight
	mobile                          = servicetest.Mobile
	withMode, withPhones, ofTenants = servicetest.WithMode, servicetest.WithPhones, servicetest.TenantPolicies
)

// external begins the check of a factor of the host's own.
func (h *harness) external(c totpflow.Challenge) totpflow.Challenge {
	h.T.Helper()
	x, _, err := h.BeginExternal(h.Ctx, c, "key")
	require.NoError(h.T, err)
	return x
}

// refused asserts that nothing was granted with an error.
func refused(t testing.TB, d totpflow.Decision, err error, is error) {
	t.Helper()
	require.ErrorIs(t, err, is)
	require.Zero(t, d, "a decision came with the error")
}
