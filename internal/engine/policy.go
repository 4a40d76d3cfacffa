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

// UnsetPolicy is the policy where nobody has set one.
var UnsetPolicy = policy.Policy{Mode: policy.Optional}

// PolicyOf asks for the account's policy. An unknown mode is treated as
// Required, so that no caller reads it as a milder one.
func (e *Engine) PolicyOf(ctx context.Context, id store.AccountID) (policy.Policy, error) {
	p, err := e.Policy.Policy(ctx, id)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrPolicy, err)
		e.reportFailure(ctx, account.TenantID(id.Tenant), err)
		return policy.Policy{}, err
	}
	return policy.Strictest(p), nil
}

// TenantPolicy asks for the policy of a tenant as a whole: of no user in it.
func (e *Engine) TenantPolicy(ctx context.Context, tenant string) (policy.Policy, error) {
	return e.PolicyOf(ctx, store.AccountID{Tenant: tenant})
}

// ListPolicies is PolicyOf for the accounts of one list: a tenant that keeps its
// policy in the store is asked for it once. Nobody is let in by it.
func (e *Engine) ListPolicies() func(context.Context, store.AccountID) (policy.Policy, error) {
	if _, ours := e.Policy.(tenantPolicies); !ours {
		return e.PolicyOf
	}
	known := make(map[string]policy.Policy)
	return func(ctx context.Context, id store.AccountID) (p policy.Policy, err error) {
		p, ok := known[id.Tenant]
		if !ok {
			if p, err = e.PolicyOf(ctx, id); err == nil {
				known[id.Tenant] = p
			}
		}
		return p, err
	}
}

// TenantPolicies is the source that reads what administrators set for a tenant
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
	for _, tenant := range chain {
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
