package engine

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// A fixed policy of a test.
type fixed policy.Policy

func (f fixed) Policy(context.Context, store.AccountID) (policy.Policy, error) {
	return policy.Policy(f), nil
}

// The host is asked for the role of an account only where the policy has roles, and never for
// a tenant as a whole: a directory that is down must not keep out people for whom no role
// matters.
func TestRoleIsAskedWhereItMatters(t *testing.T) {
	roles, err := policy.NewRoles(map[string]policy.Mode{"guest": policy.Off})
	require.NoError(t, err)
	down := errors.New("no directory")
	of := func(p policy.Policy) *Engine {
		return New(Config{
			Store: store.NewMemory(), Keys: ring(t), Observer: &hears{}, Now: clock, Policy: fixed(p),
			Role: func(context.Context, store.AccountID) (string, error) { return "", down },
		})
	}
	p, err := of(policy.Policy{Mode: policy.Optional}).PolicyOf(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, policy.Optional, p.Mode)

	byRole := of(policy.Policy{Mode: policy.Required, Roles: roles})
	p, err = byRole.TenantPolicy(t.Context(), id.Tenant)
	require.NoError(t, err)
	require.Equal(t, roles, p.Roles)
	p, err = byRole.PolicyOf(t.Context(), id)
	require.ErrorIs(t, err, down)
	require.ErrorIs(t, err, ErrPolicy)
	require.Zero(t, p)
}
