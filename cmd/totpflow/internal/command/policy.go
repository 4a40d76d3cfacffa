package command

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

func (a *app) policy() *cobra.Command {
	c := &cobra.Command{
		Use:   "policy",
		Short: "Show or set a tenant's policy for the second factor",
		Long: `Shows or sets the policy of a tenant that is kept with the records. It applies if the product reads policies from there
(totpflow.Config.Policy is nil, or uses admin.TenantPolicies).`,
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) error {
			return usagef("the subcommand is missing: get or set; --help shows how")
		},
	}
	c.AddCommand(a.policyGet(), a.policySet())
	return c
}

func (a *app) policyGet() *cobra.Command {
	var tenant string
	c := &cobra.Command{
		Use:     "get",
		Short:   "Show a tenant's policy, and the requests for a second administrator",
		Example: "  totpflow policy get --tenant acme",
		Args:    args(),
		RunE:    func(c *cobra.Command, _ []string) error { return a.showPolicy(c.Context(), tenant) },
	}
	tenantFlag(c, &tenant)
	a.namesFlag(c)
	return c
}

// terms are a policy as --json prints it, with every default written out.
type terms struct {
	Mode              string       `json:"mode"`
	Grace             string       `json:"grace,omitempty"`
	Deadline          time.Time    `json:"deadline,omitzero"`
	BrowserAge        string       `json:"browser_age"` // "none" or a length
	Methods           []string     `json:"methods"`
	IssuedCode        bool         `json:"issued_code"`
	TwoAdministrators bool         `json:"two_administrators"`
	AssignedPhones    bool         `json:"assigned_phones"`
	Roles             policy.Roles `json:"roles"`
}

func termsOf(p policy.Policy) terms {
	t := terms{
		Mode: p.Mode.String(), Deadline: p.Deadline, BrowserAge: "none", Methods: p.Methods.Words(),
		IssuedCode: p.IssuedCode, TwoAdministrators: p.TwoAdministrators, AssignedPhones: p.AssignedPhones, Roles: p.Roles,
	}
	if p.Grace > 0 {
		t.Grace = showLength(min(p.Grace, policy.MaxGrace))
	}
	if age := p.TrustFor(); age > 0 {
		t.BrowserAge = showLength(age)
	}
	return t
}

// tenantReport is what --json prints of a tenant.
type tenantReport struct {
	Tenant   string        `json:"tenant"`
	Set      bool          `json:"set"`
	Policy   terms         `json:"policy"`
	Pending  []request     `json:"pending"`
	Activity []event.Event `json:"activity"` // newest first
}

type request struct {
	ID      string    `json:"id"`
	Action  string    `json:"action"`
	Tenant  string    `json:"by_tenant"`
	User    string    `json:"by_user"`
	Asked   time.Time `json:"asked"`
	Expires time.Time `json:"expires"`
	Before  *terms    `json:"before,omitempty"`
	Policy  *terms    `json:"policy,omitempty"`
	Targets []string  `json:"targets,omitempty"`
	Scope   string    `json:"scope,omitempty"`
	Name    string    `json:"name,omitempty"`
	Of      string    `json:"-"` // the tenant that it is about
}

func (a *app) showPolicy(ctx context.Context, tenant string) error {
	s, err := a.open(ctx, a.looker())
	if err != nil {
		return err
	}
	defer s.db.Close()
	st, err := s.admin.Tenant(ctx, s.by, tenant)
	if err != nil {
		return explain(store.AccountID{Tenant: tenant}, err)
	}
	r := tenantReport{Tenant: tenant, Set: st.Set, Policy: termsOf(st.Own), Pending: []request{}, Activity: st.Activity}
	if r.Activity == nil {
		r.Activity = []event.Event{}
	}
	for _, q := range st.Pending {
		r.Pending = append(r.Pending, requestOf(tenant, q))
	}
	if a.asJSON {
		return a.screen.JSON(r)
	}
	return a.printPolicy(r)
}

func requestOf(tenant string, q admin.Request) request {
	r := request{
		ID: q.ID, Action: string(q.Action), Tenant: q.By.Tenant, User: q.By.User, Asked: q.Asked, Expires: q.Expires,
		Targets: q.Targets, Scope: string(q.Scope), Name: q.Name, Of: tenant,
	}
	if q.Action == admin.ActionSetPolicy {
		before, after := termsOf(q.Before), termsOf(q.Policy)
		r.Before, r.Policy = &before, &after
	}
	return r
}

// lines describes everything that the request asks for: an approver who sees only a part
// approves the rest blindly.
func (a *app) requestLines(q request) (lines []string) {
	if q.Policy != nil {
		for _, line := range q.Before.changes(*q.Policy) {
			lines = append(lines, strings.Join(line, "  "))
		}
	}
	if q.Scope != "" {
		lines = append(lines, "scope  "+q.Scope)
	}
	if q.Name != "" {
		lines = append(lines, "name  "+strconv.Quote(q.Name))
	}
	for _, user := range q.Targets {
		lines = append(lines, "account  "+a.label(store.AccountID{Tenant: q.Of, User: user}))
	}
	return lines
}

func (a *app) printPolicy(r tenantReport) error {
	t := screen.NewTable(a.screen.Out)
	t.Row("tenant", strconv.Quote(r.Tenant))
	if !r.Set {
		t.Row("policy", "none is set: the second factor is optional")
	}
	for _, line := range r.Policy.lines() {
		t.Row(line...)
	}
	for _, q := range r.Pending {
		t.Row("request", q.ID+"  "+q.Action+", asked by "+a.label(store.AccountID{Tenant: q.Tenant, User: q.User})+", until "+screen.Time(q.Expires))
		for _, line := range a.requestLines(q) {
			t.Row("", "  "+line)
		}
	}
	for _, e := range r.Activity {
		t.Row("changed", screen.Time(e.At)+"  "+changeWords(e))
	}
	return t.End()
}
