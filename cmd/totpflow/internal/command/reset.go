package command

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/store"
)

// scopes are what --scope takes.
var scopes = []totpflow.Scope{
	totpflow.ScopeAll, totpflow.ScopeAuthenticators, totpflow.ScopeBrowsers, totpflow.ScopeRecoveryCodes,
}

// scopeWords say what each of them clears.
var scopeWords = map[totpflow.Scope]string{
	totpflow.ScopeAll:            "authenticators, recovery codes, trusted browsers and sessions",
	totpflow.ScopeAuthenticators: "authenticators, trusted browsers and sessions",
	totpflow.ScopeBrowsers:       "trusted browsers",
	totpflow.ScopeRecoveryCodes:  "recovery codes",
}

func (a *app) reset() *cobra.Command {
	var tenant, scope string
	c := &cobra.Command{
		Use:   "reset <user>...",
		Short: "Clear an account's second factor, so that the person sets up anew",
		Long: `Clears what --scope says:

  all             everything; the person sets up anew at the next sign-in (the default)
  authenticators  as all, but the recovery codes stay good
  browsers        the trusted browsers
  codes           the recovery codes

For 24 hours after a reset the password alone leads to the set-up: make sure who is asking before. With several users
it tells what it would do, and does it with --yes.`,
		Example: `  totpflow reset 42 --tenant acme --reason "ticket 4711: phone lost, called back"`,
		Args: func(_ *cobra.Command, given []string) error {
			if len(given) == 0 {
				return usagef("<user> is missing; --help shows how")
			}
			return nil
		},
		RunE: func(c *cobra.Command, users []string) error {
			what := totpflow.Scope(scope)
			if !slices.Contains(scopes, what) {
				return usagef("--scope is one of all, authenticators, browsers, codes")
			}
			ids := make([]store.ID, len(users))
			for i, user := range users {
				var err error
				if ids[i], err = accountID(tenant, user); err != nil {
					return err
				}
			}
			if len(ids) > 1 {
				return a.resetMany(c.Context(), tenant, users, what)
			}
			return a.resetOne(c, ids[0], what)
		},
	}
	tenantFlag(c, &tenant)
	c.Flags().StringVar(&scope, "scope", "all", "what to clear: all, authenticators, browsers or codes")
	a.changeFlags(c)
	return c
}

func (a *app) resetOne(c *cobra.Command, id store.ID, what totpflow.Scope) error {
	return a.change(c, change{
		name: "reset", id: id,
		what: fmt.Sprintf("Clear the %s of %s?", scopeWords[what], label(id)),
		said: "cleared the " + scopeWords[what] + setUpNext(what),
		do: func(ctx context.Context, s *session) error {
			return s.admin.Reset(ctx, s.by, id, what)
		},
	})
}

// setUpNext is what the person meets next.
func setUpNext(what totpflow.Scope) string {
	if what == totpflow.ScopeAll || what == totpflow.ScopeAuthenticators {
		return "; the next sign-in leads to a new set-up"
	}
	return ""
}

// maxBulk is how many accounts one call of the library takes.
const maxBulk = 1000

func (a *app) resetMany(ctx context.Context, tenant string, users []string, what totpflow.Scope) error {
	by, err := a.changer()
	if err != nil {
		return err
	}
	s, err := a.open(ctx, by)
	if err != nil {
		return err
	}
	defer s.db.Close()
	out := bulk{Command: "reset", DryRun: !a.yes, Outcomes: []outcome{}}
	users = slices.Compact(slices.Sorted(slices.Values(users)))
	for batch := range slices.Chunk(users, maxBulk) {
		var outcomes []totpflow.Outcome
		if a.yes {
			outcomes, err = s.admin.ResetMany(ctx, s.by, tenant, batch, what)
		} else {
			outcomes, err = s.lookUp(ctx, tenant, batch)
		}
		if err != nil {
			return err
		}
		for _, o := range outcomes {
			out.add(0, o.ID, explain(o.ID, o.Err))
		}
	}
	return a.tellBulk(out, "cleared the "+scopeWords[what], "would clear the "+scopeWords[what])
}

// lookUp is ResetMany without its effect.
func (s *session) lookUp(ctx context.Context, tenant string, users []string) ([]totpflow.Outcome, error) {
	var outcomes []totpflow.Outcome
	for _, user := range users {
		id := store.ID{Tenant: tenant, User: user}
		outcomes = append(outcomes, totpflow.Outcome{ID: id, Err: s.found(ctx, id)})
	}
	return outcomes, nil
}
