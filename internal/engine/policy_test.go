package engine

import (
	"cmp"
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

// A function of the host that fails is logged like a policy that cannot be read: it locks
// out everybody of the tenant. A caller who hung up is not an error.
func TestPolicyPartsThatFail(t *testing.T) {
	down := func(ctx context.Context) error { return cmp.Or(ctx.Err(), errors.New("no directory")) }
	roles, err := policy.NewRoles(map[string]policy.Mode{"guest": policy.Off})
	require.NoError(t, err)
	for name, change := range map[string]func(*Config){
		"Mandatory": func(c *Config) {
			c.Policy = fixed(policy.Policy{Mode: policy.Optional})
			c.Mandatory = func(ctx context.Context, _ string) (bool, error) { return false, down(ctx) }
		},
		"Role": func(c *Config) {
			c.Policy = fixed(policy.Policy{Mode: policy.Required, Roles: roles})
			c.Role = func(ctx context.Context, _ store.AccountID) (string, error) { return "", down(ctx) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLogbook(t, change)
			_, err := l.PolicyOf(t.Context(), id)
			require.ErrorIs(t, err, ErrPolicy)
			l.one("level=ERROR", policyFailed, "tenant=acme", "no directory")

			gone, hangUp := context.WithCancel(t.Context())
			hangUp()
			l = newLogbook(t, change)
			_, err = l.PolicyOf(gone, id)
			require.ErrorIs(t, err, ErrPolicy)
			l.one("level=DEBUG", callerGone)
		})
	}
}
