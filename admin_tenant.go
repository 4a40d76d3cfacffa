package totpflow

import (
	"cmp"
	"context"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// TenantPolicies is the [policy.Source] of a service whose Config.Policy is nil:
// what administrators set with [Admin.SetPolicy] for the account's tenant and for
// those above it, the strictest of them. Where none of them has one, the second
// factor is optional. It reads one record for each tenant of the chain, at each
// call. A chain or a record that cannot be read is an error, which refuses.
//
// Whoever can write to the database, without the keys, can delete such a record or
// put an older one back: it ends the duty to set up, and no authenticator that is
// active. Where that matters, combine it with a policy of the host's.
func TenantPolicies(s store.Store, keys *keyring.Ring, above func(context.Context, string) ([]string, error)) policy.Source {
	return tenantPolicies{store: s, keys: keys, above: above}
}

type tenantPolicies struct {
	store store.Store
	keys  *keyring.Ring
	above func(context.Context, string) ([]string, error)
}

func (t tenantPolicies) Policy(ctx context.Context, id store.AccountID) (policy.Policy, error) {
	chain := []string{id.Tenant}
	if t.above != nil {
		above, err := t.above(ctx, id.Tenant)
		if err != nil {
			return policy.Policy{}, err
		}
		chain = append(chain, above...)
	}
	var set []policy.Policy
	for _, tenant := range chain {
		own, _, err := account.Read(ctx, t.store, t.keys, account.TenantID(tenant))
		if err = cmp.Or(err, own.Err); err != nil {
			return policy.Policy{}, err
		}
		if p := own.Account.Tenant.Policy; p != nil {
			set = append(set, *p)
		}
	}
	if len(set) == 0 {
		return unset, nil
	}
	return policy.Strictest(set...), nil
}

// unset is the policy where nobody has set one.
var unset = policy.Policy{Mode: policy.Optional}

// A TenantStatus is what an administration page shows of a tenant.
type TenantStatus struct {
	Set       bool          // whether the tenant has a policy of its own
	Own       policy.Policy // as it was set; "optional" until then
	Effective policy.Policy // with those of the tenants above, or as Config.Policy says
	Pending   []Request     // what waits for a second administrator
	Activity  []event.Event // the last changes, newest first
}

// Tenant returns what is set for a tenant. It takes no proof.
func (a Admin) Tenant(ctx context.Context, by Leave, tenant string) (TenantStatus, error) {
	if err := a.see(ctx, by, store.AccountID{Tenant: tenant}); err != nil {
		return TenantStatus{}, err
	}
	effective, err := a.service.tenantPolicy(ctx, tenant)
	if err != nil {
		return TenantStatus{}, err
	}
	st := TenantStatus{Effective: effective}
	err = a.service.book.ChangeTenant(ctx, tenant, func(r *account.Round) error {
		st.Set, st.Own, st.Activity, st.Pending = r.Tenant.Policy != nil, own(r), r.Activity.Changes(), nil
		for _, q := range r.Tenant.Pending {
			if q.Live(r.Now) {
				st.Pending = append(st.Pending, request(q))
			}
		}
		return nil
	})
	return answer(st, err)
}

// tenantPolicy asks the source for a tenant as a whole: for no user in it.
func (s *Service) tenantPolicy(ctx context.Context, tenant string) (policy.Policy, error) {
	return s.policyOf(ctx, store.AccountID{Tenant: tenant})
}

func own(r *account.Round) policy.Policy {
	if r.Tenant.Policy == nil {
		return unset
	}
	return *r.Tenant.Policy
}

// SetPolicy sets the tenant's own policy. It holds from the next sign-in on;
// hosts that look at the status at each request feel it at once. An administrator
// can require the second factor of others only with one of their own, since the
// call takes its proof. It has effect where Config.Policy is nil or asks
// [TenantPolicies]; under a [policy.Fixed] it is [ErrPolicyFixed]. Where two
// administrators are wanted, asking for less waits for the second
// ([*ApprovalError]). A policy that is none ([policy.Policy.Validate]) is refused
// before the proof is consumed.
func (a Admin) SetPolicy(ctx context.Context, by Leave, tenant string, p policy.Policy) error {
	if _, fixed := a.service.policy.(policy.Fixed); fixed {
		return ErrPolicyFixed // whoever requires the factor believes that it is required
	}
	if err := p.Validate(); err != nil {
		return err
	}
	who, err := a.act(ctx, by, ActionSetPolicy, store.AccountID{Tenant: tenant})
	if err != nil {
		return err
	}
	effective, err := a.service.tenantPolicy(ctx, tenant)
	if err != nil {
		return err
	}
	var asked error
	err = a.service.book.ChangeTenant(ctx, tenant, func(r *account.Round) error {
		asked = nil
		two := effective.TwoAdministrators || own(r).TwoAdministrators
		if two && !who.operator() && policy.Lowers(own(r), p) {
			asked = ask(r, who, account.Request{Action: string(ActionSetPolicy), Policy: &p})
			return nil
		}
		setPolicy(r, who, p)
		return nil
	})
	return cmp.Or(err, asked)
}

func setPolicy(r *account.Round, who actor, p policy.Policy) {
	kind := event.PolicySet
	if policy.Lowers(own(r), p) {
		kind = event.PolicyLowered
	}
	r.Tenant.Policy = &p
	who.log(r, event.Event{Kind: kind, Action: p.Mode.String()})
	r.Save()
}
