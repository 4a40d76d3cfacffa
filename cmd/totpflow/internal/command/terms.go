package command

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// lines returns the terms for people.
func (t terms) lines() [][]string {
	lines := [][]string{{"mode", t.Mode}}
	if t.Grace != "" {
		lines = append(lines, []string{"grace", t.Grace + " from the first sign-in at which it is required"})
	}
	if !t.Deadline.IsZero() {
		lines = append(lines, []string{"deadline", screen.Time(t.Deadline)})
	}
	yes := map[bool]string{false: "no", true: "yes"}
	if t.Roles != (policy.Roles{}) {
		lines = append(lines, []string{"roles", t.Roles.String()})
	}
	return append(lines,
		[]string{"browser-age", t.BrowserAge},
		[]string{"methods", strings.Join(t.Methods, ",")},
		[]string{"issued-code", yes[t.IssuedCode]},
		[]string{"two-administrators", yes[t.TwoAdministrators]},
		[]string{"assigned-phones", yes[t.AssignedPhones]},
	)
}

// policyFlags are those that change something.
var policyFlags = []string{"mode", "grace", "deadline", "browser-age", "methods", "issued-code", "two-administrators", "assigned-phones"}

// wanted are the flags of policy set. Those that are not given change nothing.
type wanted struct {
	mode, grace, deadline, browserAge string
	methods                           []string
	issuedCode, twoAdministrators     bool
	assignedPhones                    bool
}

func (a *app) policySet() *cobra.Command {
	var tenant string
	var w wanted
	c := &cobra.Command{
		Use:   "set",
		Short: "Change a tenant's policy",
		Long: `Changes the settings that the flags name, and keeps the others. The command reports what it would change; --yes does it.
The policy applies from the next sign-in on. If it requires a factor, it also ends open sessions of people without one,
after the grace period. An operator does not need a second administrator.`,
		Example: `  totpflow policy set --tenant acme --mode required --grace 14d --reason "ticket 4711" --yes`,
		Args:    args(),
		RunE: func(c *cobra.Command, _ []string) error {
			if !slices.ContainsFunc(policyFlags, c.Flags().Changed) {
				return usagef("nothing to change: name a setting, such as --mode; --help shows how")
			}
			return a.setPolicy(c.Context(), tenant, func(p policy.Policy) (policy.Policy, error) {
				return w.apply(p, c.Flags().Changed)
			})
		},
	}
	tenantFlag(c, &tenant)
	f := c.Flags()
	f.StringVar(&w.mode, "mode", "", "required, optional or off")
	f.StringVar(&w.grace, "grace", "", "how long people may continue without a factor that is required, such as 14d; 0 for not at all")
	f.StringVar(&w.deadline, "deadline", "", "the `TIME` (RFC 3339) at which every grace period ends; none for no deadline")
	f.StringVar(&w.browserAge, "browser-age", "", "how long a browser is trusted, such as 30d; none for not at all")
	f.StringSliceVar(&w.methods, "methods", nil, "the methods that are allowed: app,recovery-codes,phone,other")
	f.BoolVar(&w.issuedCode, "issued-code", false, "after a reset, also require a recovery code by mail")
	f.BoolVar(&w.twoAdministrators, "two-administrators", false, "lowering the policy, exempting and bulk resets require a second administrator")
	f.BoolVar(&w.assignedPhones, "assigned-phones", false, "administrators, not the people themselves, choose the numbers that codes are sent to")
	a.changeFlags(c)
	return c
}

// apply returns the policy with the given fields changed.
func (w wanted) apply(p policy.Policy, given func(flag string) bool) (next policy.Policy, err error) {
	set := func(flag string, change func() error) {
		if err == nil && given(flag) {
			err = change()
		}
	}
	set("mode", func() (err error) { p.Mode, err = policy.ParseMode(w.mode); return err })
	set("grace", func() (err error) { p.Grace, err = parseLength("--grace", w.grace); return err })
	set("deadline", func() (err error) { p.Deadline, err = parseDeadline(w.deadline); return err })
	set("browser-age", func() (err error) { p.BrowserAge, err = parseBrowserAge(w.browserAge); return err })
	set("methods", func() (err error) { p.Methods, err = policy.ParseMethods(w.methods...); return err })
	set("issued-code", func() error { p.IssuedCode = w.issuedCode; return nil })
	set("two-administrators", func() error { p.TwoAdministrators = w.twoAdministrators; return nil })
	set("assigned-phones", func() error { p.AssignedPhones = w.assignedPhones; return nil })
	if err != nil {
		return policy.Policy{}, usageError{err}
	}
	return p, nil
}

// policyChange is what --json prints of policy set.
type policyChange struct {
	Command   string `json:"command"`
	DryRun    bool   `json:"dry_run"`
	Tenant    string `json:"tenant"`
	NewTenant bool   `json:"new_tenant"` // nothing was kept of it: no account, no policy
	Before    terms  `json:"before"`
	After     terms  `json:"after"`
	Changes   bool   `json:"changes"` // otherwise nothing is written
	Lowers    bool   `json:"lowers"`  // it asks for less in some respect
}

func (a *app) setPolicy(ctx context.Context, tenant string, change func(policy.Policy) (policy.Policy, error)) error {
	by, err := a.changer()
	if err != nil {
		return err
	}
	s, err := a.open(ctx, by)
	if err != nil {
		return err
	}
	defer s.db.Close()
	if err := s.match(ctx); err != nil {
		return err
	}
	of := store.AccountID{Tenant: tenant}
	st, err := s.admin.Tenant(ctx, s.by, tenant)
	if err != nil {
		return explain(of, err)
	}
	next, err := change(st.Own)
	if err != nil {
		return err
	}
	out := policyChange{
		Command: "policy set", DryRun: !a.yes, Tenant: tenant, Before: termsOf(st.Own), After: termsOf(next), Lowers: policy.Lowers(st.Own, next, time.Now()),
	}
	// The first policy is always a change: even an optional one is combined with those of
	// the tenants above.
	out.Changes = !st.Set || !reflect.DeepEqual(out.Before, out.After)
	if out.NewTenant, err = s.empty(ctx, tenant); err != nil {
		return err
	}
	if a.yes && out.Changes {
		if err := s.admin.SetPolicy(ctx, s.by, tenant, next); err != nil {
			return explainChange(of, err)
		}
	}
	if a.asJSON {
		return a.screen.JSON(out)
	}
	return a.printPolicyChange(out)
}

// empty reports whether a tenant has no record.
func (s *session) empty(ctx context.Context, tenant string) (bool, error) {
	page, err := s.db.List(ctx, store.Query{Tenant: tenant, Limit: 1})
	if err != nil {
		return false, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return len(page.Records) == 0, nil
}

// changes returns the lines of a policy that follows this one, each with its former value
// where that was different.
func (t terms) changes(next terms) (lines [][]string) {
	before, after := t.lines(), next.lines()
	for _, line := range after {
		i := slices.IndexFunc(before, func(was []string) bool { return was[0] == line[0] })
		switch {
		case i < 0:
			line = append(line, "(was not set)")
		case before[i][1] != line[1]:
			line = append(line, fmt.Sprintf("(was %s)", before[i][1]))
		}
		lines = append(lines, line)
	}
	for _, was := range before {
		if !slices.ContainsFunc(after, func(line []string) bool { return line[0] == was[0] }) {
			lines = append(lines, []string{was[0], "none", fmt.Sprintf("(was %s)", was[1])})
		}
	}
	return lines
}

func (a *app) printPolicyChange(c policyChange) error {
	t := screen.NewTable(a.screen.Out)
	for _, line := range c.Before.changes(c.After) {
		t.Row(line...)
	}
	if err := t.End(); err != nil {
		return err
	}
	if c.NewTenant {
		a.say("There was nothing about tenant %q before, neither an account nor a policy: check --tenant.", c.Tenant)
	}
	switch {
	case !c.Changes:
		a.say("Nothing to change: this is the policy already.")
		return nil
	case c.Lowers:
		a.say("This asks for less than before.")
	}
	if c.DryRun {
		a.say(nothingChanged)
	}
	return nil
}
