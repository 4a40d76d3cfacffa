package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// ErrPolicy means that the policy could not be read.
var ErrPolicy = errors.New("totpflow: the policy could not be read")

// UnsetPolicy is the policy of a tenant that has not set one.
var UnsetPolicy = policy.Policy{Mode: policy.Optional}

// PolicyOf asks for the account's policy, as it is for the account's role. An unknown
// mode is treated as Required, so that no caller reads it as a milder one.
func (e *Engine) PolicyOf(ctx context.Context, id store.AccountID) (policy.Policy, error) {
	p, err := e.policyFor(ctx, id)
	if err != nil {
		return policy.Policy{}, err
	}
	return e.ofRole(ctx, id, p)
}

// policyFor is PolicyOf with the modes of all roles.
func (e *Engine) policyFor(ctx context.Context, id store.AccountID) (policy.Policy, error) {
	p, err := e.Policy.Policy(ctx, id)
	if err != nil {
		return policy.Policy{}, e.PolicyFailed(ctx, id.Tenant, err)
	}
	must, err := e.IsMandatory(ctx, id.Tenant)
	if err != nil {
		return policy.Policy{}, err
	}
	if must {
		p.Mode, p.Roles = policy.Required, policy.Roles{}
	}
	return policy.Strictest(p), nil
}

// IsMandatory reports whether the tenant must require the factor of everybody.
func (e *Engine) IsMandatory(ctx context.Context, tenant string) (bool, error) {
	if e.Mandatory == nil {
		return false, nil
	}
	must, err := e.Mandatory(ctx, tenant)
	if err != nil {
		return true, e.PolicyFailed(ctx, tenant, err)
	}
	return must, nil
}

// PolicyFailed returns why the host could not decide about a tenant, and reports it.
func (e *Engine) PolicyFailed(ctx context.Context, tenant string, err error) error {
	err = fmt.Errorf("%w: %w", ErrPolicy, err)
	e.reportFailure(ctx, account.TenantID(tenant), err)
	return err
}

// ofRole returns the policy for the account's role, which is looked up only if the policy
// has roles. A tenant as a whole has no role, and for an unknown role the strictest mode
// applies.
func (e *Engine) ofRole(ctx context.Context, id store.AccountID, p policy.Policy) (policy.Policy, error) {
	switch {
	case p.Roles == policy.Roles{} || id.User == "":
		return p, nil
	case e.Role == nil:
		return policy.Strictest(p.ForAnyRole()), nil
	}
	role, err := e.Role(ctx, id)
	if err != nil {
		return policy.Policy{}, e.PolicyFailed(ctx, id.Tenant, err)
	}
	return policy.Strictest(p.For(role)), nil
}

// TenantPolicy returns the policy of a tenant as a whole, not of a user in it.
func (e *Engine) TenantPolicy(ctx context.Context, tenant string) (policy.Policy, error) {
	return e.PolicyOf(ctx, store.AccountID{Tenant: tenant})
}

// ListPolicies is PolicyOf for the accounts of one list: it reads the stored policy of a
// tenant only once. It must not decide whether somebody gets in.
func (e *Engine) ListPolicies() func(context.Context, store.AccountID) (policy.Policy, error) {
	if _, ours := e.Policy.(tenantPolicies); !ours {
		return e.PolicyOf
	}
	known := make(map[string]policy.Policy)
	return func(ctx context.Context, id store.AccountID) (p policy.Policy, err error) {
		p, ok := known[id.Tenant]
		if !ok {
			if p, err = e.policyFor(ctx, id); err != nil {
				return p, err
			}
			known[id.Tenant] = p
		}
		return e.ofRole(ctx, id, p)
	}
}

// assumed is a policy that a tenant does not have yet.
type assumed struct {
	tenant string
	policy policy.Policy
}

type assumedKey struct{}

// TenantPolicyWith is TenantPolicy as it will be once p is the tenant's own policy, for a
// page that shows a change beforehand. It goes by the context, through a source of the
// host's that asks TenantPolicies. It must not decide whether somebody gets in.
func (e *Engine) TenantPolicyWith(ctx context.Context, tenant string, p policy.Policy) (policy.Policy, error) {
	return e.TenantPolicy(context.WithValue(ctx, assumedKey{}, assumed{tenant, p}), tenant)
}

// TenantPolicies returns the source that reads what administrators set for a tenant
// and its parents.
func TenantPolicies(s store.Store, keys *keyring.Ring, parents func(context.Context, string) ([]string, error)) policy.Source {
	return tenantPolicies{store: s, keys: keys, parents: parents}
}

type tenantPolicies struct {
	store   store.Store
	keys    *keyring.Ring
	parents func(context.Context, string) ([]string, error)
}

func (t tenantPolicies) Policy(ctx context.Context, id store.AccountID) (policy.Policy, error) {
	chain := []string{id.Tenant}
	if t.parents != nil {
		parents, err := t.parents(ctx, id.Tenant)
		if err != nil {
			return policy.Policy{}, err
		}
		chain = append(chain, parents...)
	}
	var set []policy.Policy
	as, assumes := ctx.Value(assumedKey{}).(assumed)
	for _, tenant := range chain {
		if assumes && tenant == as.tenant {
			set = append(set, as.policy)
			continue
		}
		own, _, err := read(ctx, t.store, t.keys, account.TenantID(tenant))
		if err = cmp.Or(err, own.Err); err != nil {
			return policy.Policy{}, err
		}
		if p := own.Account.Tenant.Policy; p != nil {
			set = append(set, *p)
		}
	}
	if len(set) == 0 {
		return UnsetPolicy, nil
	}
	return policy.Strictest(set...), nil
}
