package policy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/wire"
	"github.com/totpflow/totpflow/internal/wire/wiretest"
	"github.com/totpflow/totpflow/policy"
)

// A policy comes back from a record as it was written, and only its one encoding is read.
func TestFieldsAreStrict(t *testing.T) {
	for name, p := range map[string]policy.Policy{
		"zero": {},
		"every field": {
			Mode: policy.Optional, Grace: 14 * 24 * time.Hour, Deadline: time.Date(2026, time.May, 4, 12, 0, 0, 0, time.UTC),
			BrowserAge: -1, Methods: policy.App | policy.Phone, IssuedCode: true, TwoAdministrators: true, AssignedPhones: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, p, wiretest.Read[policy.Policy](t, wiretest.Write(t, &p)))
			wiretest.Strict(t, &p)
		})
	}
}

// A policy that Validate refuses is not written, and an unknown mode is the strictest.
func TestFieldsRefuse(t *testing.T) {
	unknown := policy.Policy{Mode: 99}
	require.Equal(t, policy.Required, wiretest.Read[policy.Policy](t, wiretest.Write(t, &unknown)).Mode)
	for name, p := range map[string]policy.Policy{
		"forgotten unit of Grace":      {Grace: 14},
		"forgotten unit of BrowserAge": {BrowserAge: 30},
	} {
		t.Run(name, func(t *testing.T) {
			require.Error(t, p.Validate())
			_, err := wire.Encode(&p)
			require.Error(t, err)
		})
	}
}
