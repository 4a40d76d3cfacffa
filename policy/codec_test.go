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
			Roles: roles(t, map[string]policy.Mode{"administrator": policy.Required, "guest": policy.Off}),
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
	require.EqualValues(t, 99, unknown.Mode, "writing changes nothing")
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

// Roles are read in one order, each once, and with the names that NewRoles allows.
func TestFieldsRefuseRoles(t *testing.T) {
	raw := func(parts ...any) []byte {
		before := []any{uint64(0), 0, uint64(0), 0, uint64(0), uint64(0), uint64(0), uint64(0)}
		return wiretest.Raw(append(append(before, uint64(len(parts)/2)), parts...)...)
	}
	off := uint64(policy.Off)
	require.Equal(t, "a=off,b=required", wiretest.Read[policy.Policy](t, raw("a", off, "b", uint64(0))).Roles.String())
	for name, data := range map[string][]byte{
		"backwards":    raw("b", off, "a", off),
		"twice":        raw("a", off, "a", off),
		"no name":      raw("", off),
		"a comma":      raw("a,b", off),
		"no such mode": raw("a", off+1),
	} {
		require.ErrorIs(t, wire.Decode(data, new(policy.Policy)), wire.ErrMalformed, name)
	}
}
