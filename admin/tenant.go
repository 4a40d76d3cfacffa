package admin

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// A TenantStatus is the data of a tenant for an administration page.
type TenantStatus struct {
	Set       bool          // whether the tenant has a policy of its own
	Own       policy.Policy // the policy as it was set; "optional" until then
	Effective policy.Policy // the policy combined with those of the tenants above, or that of Config.Policy
	Mandatory bool          // the second factor cannot be made less than required (totpflow.Config.Mandatory)
	Parents   []string      // the tenants above, nearest first (totpflow.Config.ParentTenants)
	Pending   []Request     // the requests for a second administrator
	Activity  []event.Event // the last changes, newest first
}

// Tenant returns the settings of a tenant. It requires no proof.
func (a Admin) Tenant(ctx context.Context, by Actor, tenant string) (_ TenantStatus, err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.tenant")
	defer flow.End(&err)
	if err := a.authoriseView(ctx, by, store.AccountID{Tenant: tenant}); err != nil {
		return TenantStatus{}, err
	}
	effective, err := a.engine.TenantPolicy(ctx, tenant)
	if err != nil {
		return TenantStatus{}, err
	}
	st := TenantStatus{Effective: effective}
	if st.Mandatory, err = a.engine.IsMandatory(ctx, tenant); err != nil {
		return TenantStatus{}, err
	}
	if st.Parents, err = a.parents(ctx, tenant); err != nil {
		return TenantStatus{}, err
	}
	err = a.engine.ChangeTenant(ctx, tenant, func(tx *engine.Tx) error {
		st.Set, st.Own, st.Activity, st.Pending = tx.Tenant.Policy != nil, ownPolicy(tx), tx.Activity.Changes(), nil
		for _, q := range tx.Tenant.Pending {
			if q.Live(tx.Now) {
				st.Pending = append(st.Pending, request(q))
			}
		}
		return nil
	})
	for i, q := range st.Pending {
		if err == nil {
			st.Pending[i].Approvable, err = a.approvable(ctx, by, tenant, q)
		}
	}
	return engine.Acknowledged(st, err)
}

func ownPolicy(tx *engine.Tx) policy.Policy {
	if tx.Tenant.Policy == nil {
		return engine.UnsetPolicy
	}
	return *tx.Tenant.Policy
}

// ErrPolicyFixed means that [totpflow.Config].Policy is one policy for everybody: a
// policy that is set for a tenant would have no effect.
var ErrPolicyFixed = errors.New("admin: Config.Policy is fixed, so that a tenant's policy has no effect")

// ErrMandatory means that the tenant must require the second factor of everybody
// ([totpflow.Config].Mandatory).
var ErrMandatory = errors.New("admin: this tenant cannot switch the second factor off, not even for a role")

// SetPolicy sets the tenant's own policy. It applies from the next sign-in on, and at
// once where the host checks the session at each request. An administrator can require
// the second factor of others only if they have one themselves, since the call requires
// its proof. It has an effect only where Config.Policy is nil or asks [TenantPolicies];
// under a [policy.Fixed] it returns [ErrPolicyFixed]. Where two administrators are
// required, a policy that is milder than the tenant's own, or than what applies to a tenant
// without one, is pending until the second approves it ([*ApprovalError]).
// Setting a policy ends all requests for another one. An invalid policy
// ([policy.Policy.Validate]) is refused before the proof is consumed, and so is
// [ErrMandatory].
func (a Admin) SetPolicy(ctx context.Context, by Actor, tenant string, p policy.Policy) (err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.set_policy")
	defer flow.End(&err)
	if _, fixed := a.engine.Policy.(policy.Fixed); fixed {
		return ErrPolicyFixed // otherwise the administrator believes that the factor is required
	}
	if err := p.Validate(); err != nil {
		return err
	}
	switch must, err := a.engine.IsMandatory(ctx, tenant); {
	case err != nil:
		return err
	case must && (p.Mode != policy.Required || policy.Strictest(p).Roles != policy.Roles{}):
		return ErrMandatory
	}
	who, err := a.authoriseChange(ctx, by, ActionSetPolicy, store.AccountID{Tenant: tenant})
	if err != nil {
		return err
	}
	effective, err := a.engine.TenantPolicy(ctx, tenant)
	if err != nil {
		return err
	}
	var asked error
	err = a.engine.ChangeTenant(ctx, tenant, func(tx *engine.Tx) error {
		asked = nil
		two, before, milder := effective.TwoAdministrators || ownPolicy(tx).TwoAdministrators, ownPolicy(tx), lowers(tx, effective, p)
		if tx.Tenant.Policy == nil { // what the second administrator compares is what applies
			before = effective
		}
		if two && !who.operator() && milder {
			asked = addRequest(tx, who, account.Request{Action: string(ActionSetPolicy), Before: &before, Policy: &p})
			return nil
		}
		setPolicy(tx, who, p, milder)
		return nil
	})
	return cmp.Or(err, asked)
}

// PreviewPolicy returns the policy that applies to the tenant as a whole once
// [Admin.SetPolicy] has set p, combined as in [TenantStatus].Effective: show it before the
// administrator confirms. It changes nothing, and requires no proof. Where Config.Policy
// asks [TenantPolicies], it must pass its context on. An invalid policy is refused
// ([policy.Policy.Validate]).
func (a Admin) PreviewPolicy(ctx context.Context, by Actor, tenant string, p policy.Policy) (_ policy.Policy, err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.preview_policy")
	defer flow.End(&err)
	if err := p.Validate(); err != nil {
		return policy.Policy{}, err
	}
	if err := a.authoriseView(ctx, by, store.AccountID{Tenant: tenant}); err != nil {
		return policy.Policy{}, err
	}
	return a.engine.TenantPolicyWith(ctx, tenant, p)
}

// lowers reports whether p is milder than the tenant's own policy. A tenant without one
// begins with what applies to it: to allow what the tenants above allow anyway is not
// milder, and neither is to leave optional what they require.
func lowers(tx *engine.Tx, effective, p policy.Policy) bool {
	return policy.Lowers(ownPolicy(tx), p, tx.Now) && (tx.Tenant.Policy != nil || policy.Lowers(effective, p, tx.Now))
}

func setPolicy(tx *engine.Tx, who author, p policy.Policy, milder bool) {
	kind := event.PolicySet
	if milder {
		kind = event.PolicyLowered
	}
	// A pending request was made against the policy that is replaced now. An administrator
	// who approved it later would undo the new one without having seen it.
	tx.Tenant.Pending = slices.DeleteFunc(slices.Clone(tx.Tenant.Pending), func(q account.Request) bool {
		return q.Action == string(ActionSetPolicy)
	})
	tx.Tenant.Policy = &p
	who.log(tx, event.Event{Kind: kind, Action: p.Mode.String()})
	tx.Save()
}

// TenantPolicies returns the [policy.Source] of a service whose Config.Policy is nil:
// the strictest of the policies that administrators set (package admin) for the account's
// tenant and for those above it. If none of them has one, the second factor is optional.
// It reads one record for each tenant of the chain at each call. If the chain or a record
// cannot be read, it returns an error, which refuses.
//
// An attacker who can write to the database, without the keys, can delete such a
// record or put an older one back: this ends the duty to enroll, but not an active
// authenticator. Where that matters, combine it with a policy of the host.
func TenantPolicies(s store.Store, keys *keyring.Ring, parents func(context.Context, string) ([]string, error)) policy.Source {
	return engine.TenantPolicies(s, keys, parents)
}
