package command_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

func (h *installation) own(tenant string) policy.Policy {
	h.t.Helper()
	st, err := admin.New(h.service(), nil).Tenant(h.ctx, admin.Operator{Name: "t", Reason: "t"}, tenant)
	require.NoError(h.t, err)
	return st.Own
}

func TestPolicy(t *testing.T) {
	h := newInstallation(t)
	require.Contains(t, h.ok("policy", "get", "--tenant", "acme").out, "none is set")
	set := func(args ...string) result {
		return h.ok(append([]string{"policy", "set", "--tenant", "acme", reason}, args...)...)
	}
	dry := set("--mode", "required", "--grace", "14d")
	require.Contains(t, dry.out, "(was optional)")
	require.Contains(t, dry.out, "Nothing was changed")
	require.Empty(t, dry.events())
	require.Equal(t, policy.Policy{Mode: policy.Optional}, h.own("acme"))

	require.Equal(t, []string{"policy_set"}, set("--mode", "required", "--grace", "14d", "--yes").events())
	require.Equal(t, policy.Policy{Grace: 14 * 24 * time.Hour}, h.own("acme"))
	set("--deadline", "2030-01-01T00:00:00Z", "--browser-age", "7d", "--methods", "app,recovery-codes", "--issued-code", "--two-administrators", "--yes")
	want := policy.Policy{
		Grace: 14 * 24 * time.Hour, Deadline: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), BrowserAge: 7 * 24 * time.Hour,
		Methods: policy.App | policy.RecoveryCodes, IssuedCode: true, TwoAdministrators: true,
	}
	require.Equal(t, want, h.own("acme"), "what is not named stays")

	r := set("--methods", "app,phone", "--assigned-phones", "--yes")
	require.Contains(t, r.out, "assigned-phones     yes  (was no)\n")
	require.Equal(t, []string{"policy_lowered"}, r.events())
	require.True(t, h.own("acme").AssignedPhones)
	require.Contains(t, h.ok("policy", "get", "--tenant", "acme").out, "assigned-phones     yes\n")
	require.Contains(t, h.ok("policy", "get", "--tenant", "acme", "--json").out, `"assigned_phones": true`)
	set("--methods", "app,recovery-codes", "--assigned-phones=false", "--yes")
	require.Equal(t, want, h.own("acme"))

	// An operator does not need the second administrator, and the event says that the
	// policy asks for less.
	r = set("--deadline", "none", "--browser-age", "none", "--grace", "0", "--yes")
	require.Equal(t, []string{"policy_lowered"}, set("--issued-code=false", "--yes").events())
	require.Equal(t, []string{"policy_set"}, r.events())
	want.Deadline, want.Grace, want.BrowserAge, want.IssuedCode = time.Time{}, 0, -1, false
	require.Equal(t, want, h.own("acme"))
	require.Contains(t, set("--mode", "off").out, "This asks for less than before.")

	type shape struct {
		Set    bool
		Policy struct {
			Mode       string
			BrowserAge string `json:"browser_age"`
			Methods    []string
		}
		Pending []any
	}
	got := decode[shape](t, h.ok("policy", "get", "--tenant", "acme", "--json"))
	require.True(t, got.Set)
	require.Equal(t, "required", got.Policy.Mode)
	require.Equal(t, "none", got.Policy.BrowserAge)
	require.Equal(t, []string{"app", "recovery-codes"}, got.Policy.Methods)
	require.NotNil(t, got.Pending)

	for _, bad := range [][]string{
		{"--mode", "strict"}, {"--grace", "long"}, {"--deadline", "tomorrow"}, {"--browser-age", "-1h"}, {"--methods", "fax"},
	} {
		h.fails(2, "", append([]string{"policy", "set", "--tenant", "acme", reason, "--yes"}, bad...)...)
	}
	h.fails(2, "get or set", "policy")
	require.Equal(t, want, h.own("acme"))
}

// A policy that already applies is not written, and nobody is notified of a change.
func TestPolicyThatChangesNothing(t *testing.T) {
	h := newInstallation(t)
	args := []string{"policy", "set", "--tenant", "acme", "--mode", "required", "--grace", "14d", reason}
	require.Equal(t, []string{"policy_set"}, h.ok(append(args, "--yes")...).events())
	before, err := h.store.Get(h.ctx, acme("totpflow:tenant"))
	require.NoError(t, err)
	for _, same := range [][]string{
		nil, {"--grace", "336h"}, {"--browser-age", "30d"}, {"--methods", "app,recovery-codes,other"}, {"--issued-code=false"},
	} {
		for _, yes := range []string{"--yes", "--yes=false"} {
			r := h.ok(append(args, append(same, yes)...)...)
			require.Contains(t, r.out, "Nothing to change")
			require.NotContains(t, r.out, "add --yes")
			require.Empty(t, r.events())
		}
	}
	now, err := h.store.Get(h.ctx, acme("totpflow:tenant"))
	require.NoError(t, err)
	require.Equal(t, before, now)
	h.fails(2, "nothing to change: name a setting", "policy", "set", "--tenant", "acme", reason, "--yes")

	type shape struct {
		Changes   bool
		NewTenant bool `json:"new_tenant"`
	}
	require.Equal(t, shape{}, decode[shape](t, h.ok(append(args, "--yes", "--json")...)))
	require.Equal(t, shape{Changes: true}, decode[shape](t, h.ok(append(args, "--mode", "off", "--json")...)))
}

// A policy may be set before anybody has signed in. Just as often it is a slip.
func TestPolicyOfAnUnknownTenant(t *testing.T) {
	h := newInstallation(t)
	h.enroll("acme", "ana")
	const words = `There was nothing about tenant "acem" before, neither an account nor a policy: check --tenant.`
	set := func(tenant string, args ...string) result {
		t.Helper()
		return h.ok(append([]string{"policy", "set", "--tenant", tenant, "--mode", "optional", reason}, args...)...)
	}
	require.Contains(t, set("acem").out, words)
	require.Contains(t, set("acem", "--json").out, `"new_tenant": true`)
	require.NotContains(t, set("acme").out, "look at --tenant")
	require.Equal(t, []string{"policy_set"}, set("acem", "--yes").events(), "the first policy of a tenant is a change, also one that asks for nothing")
	require.NotContains(t, set("acem").out, "look at --tenant")
}

// If there is no second administrator, the operator approves or withdraws a pending request.
func TestRequests(t *testing.T) {
	h := newInstallation(t)
	h.clock.Set(time.Now().Add(-10 * time.Minute)) // the command has the machine's clock
	ada := h.enroll("acme", "ada")
	h.ok("policy", "set", "--tenant", "acme", "--mode", "required", "--two-administrators", reason, "--yes")
	ask := func() string {
		t.Helper()
		s := h.service()
		proof, err := s.Account(ada.User).VerifyCode(h.ctx, admin.Purpose(admin.ActionSetPolicy, store.AccountID{Tenant: "acme"}), ada.phone.Code())
		require.NoError(t, err)
		adm := admin.New(s, anybody)
		err = adm.SetPolicy(h.ctx, admin.Administrator{User: ada.User, Proof: proof}, "acme", policy.Policy{Mode: policy.Off})
		require.ErrorIs(t, err, admin.ErrApproval)
		pending := decode[struct {
			Pending []struct {
				ID, Action string
				User       string `json:"by_user"`
				Before     struct{ Mode string }
				Policy     struct{ Mode string }
			}
		}](t, h.ok("policy", "get", "--tenant", "acme", "--json")).Pending
		require.Len(t, pending, 1)
		require.Equal(t, "ada", pending[0].User)
		require.Equal(t, "off", pending[0].Policy.Mode)
		require.Equal(t, "required", pending[0].Before.Mode)
		shown := h.ok("policy", "get", "--tenant", "acme").out
		require.Contains(t, shown, pending[0].ID)
		for _, line := range []string{"mode  off  (was required)", "two-administrators  no  (was yes)", "issued-code  no\n"} {
			require.Contains(t, shown, line, "an approver sees every field")
		}
		return pending[0].ID
	}
	h.ok("withdraw", ask(), "--tenant", "acme", reason, "--yes")
	require.Equal(t, policy.Required, h.own("acme").Mode)
	id := ask()
	h.fails(3, "no such request", "approve", "nosuch", "--tenant", "acme", reason, "--yes")
	r := h.ok("approve", id, "--tenant", "acme", reason, "--yes")
	require.Contains(t, r.err, `operator olga, asked by ada`)
	require.Equal(t, policy.Off, h.own("acme").Mode)

	h.ok("policy", "set", "--tenant", "acme", "--two-administrators", reason, "--yes")
	s := h.service()
	proof, err := s.Account(ada.User).VerifyCode(h.ctx, admin.Purpose(admin.ActionResetAccount, store.AccountID{Tenant: "acme"}), ada.phone.Code())
	require.NoError(t, err)
	_, err = admin.New(s, anybody).ResetMany(h.ctx, admin.Administrator{User: ada.User, Proof: proof}, "acme", []string{"ben", "eva"}, admin.ScopeAll)
	require.ErrorIs(t, err, admin.ErrApproval)
	shown := h.ok("policy", "get", "--tenant", "acme").out
	for _, line := range []string{"scope  all", "account  acme/ben", "account  acme/eva"} {
		require.Contains(t, shown, line)
	}
	h.fails(3, "no such request", "approve", id, "--tenant", "acme", reason, "--yes")
}
