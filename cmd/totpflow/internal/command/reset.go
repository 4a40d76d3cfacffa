package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/store"
)

// scopes are what --scope takes.
var scopes = []admin.Scope{
	admin.ScopeAll, admin.ScopeAuthenticators, admin.ScopeBrowsers, admin.ScopeRecoveryCodes,
}

// scopeWords say what each of them clears.
var scopeWords = map[admin.Scope]string{
	admin.ScopeAll:            "authenticators, phone numbers, recovery codes, trusted browsers and sessions",
	admin.ScopeAuthenticators: "authenticators, phone numbers, trusted browsers and sessions (after a freeze, the recovery codes too)",
	admin.ScopeBrowsers:       "trusted browsers",
	admin.ScopeRecoveryCodes:  "recovery codes, the one by mail too",
}

func (a *app) reset() *cobra.Command {
	var tenant, scope string
	c := &cobra.Command{
		Use:   "reset <user>...",
		Short: "Clear an account's second factor, so that the person sets up again",
		Long: `Clears the parts that --scope names:

  all             everything; the person sets up again at the next sign-in (the default)
  authenticators  as all, but the recovery codes stay valid, unless the account was frozen
  browsers        the trusted browsers
  codes           the recovery codes, the one by mail too

For 24 hours after a reset the password alone leads to the set-up: make sure first who is asking. If the account was
frozen ("it was not me"), or the policy says issued-code, a code is required as well, and the command says so: see
"totpflow issue-code". An account with nothing to clear is refused and stays as it is. With several users it reports
what it would do; --yes does it.`,
		Example: `  totpflow reset 42 --tenant acme --reason "ticket 4711: phone lost, called back"`,
		Args: func(_ *cobra.Command, given []string) error {
			if len(given) == 0 {
				return usagef("<user> is missing; --help shows how")
			}
			return nil
		},
		RunE: func(c *cobra.Command, users []string) error {
			what := admin.Scope(scope)
			if !slices.Contains(scopes, what) {
				return usagef("--scope must be one of all, authenticators, browsers, codes")
			}
			ids := make([]store.AccountID, len(users))
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
	a.aboveFlag(c, &tenant)
	a.namesFlag(c)
	c.Flags().StringVar(&scope, "scope", "all", "what to clear: all, authenticators, browsers or codes")
	a.changeFlags(c)
	return c
}

func (a *app) resetOne(c *cobra.Command, id store.AccountID, what admin.Scope) error {
	return a.change(c, change{
		name: "reset", id: id,
		what: fmt.Sprintf("Clear the %s of %s?", scopeWords[what], a.label(id)),
		said: "cleared the " + scopeWords[what],
		look: func(m admin.Member) error { return resettable(m, what) },
		do: func(ctx context.Context, s *session) error {
			return second(s.admin.Reset(ctx, s.by, id, what))
		},
		after: nextStep(id),
	})
}

// nextStep describes the next step of a person who was reset.
func nextStep(id store.AccountID) func(context.Context, *session, *changed) string {
	return func(ctx context.Context, s *session, _ *changed) string {
		m, err := s.admin.Member(ctx, s.by, id)
		if err != nil { // it was done nevertheless; status will say why
			return ""
		}
		return stepWords(m)
	}
}

func stepWords(m admin.Member) string {
	switch {
	case m.ResetAt.IsZero():
		return ""
	case !m.NeedsCode:
		return "; the next sign-in leads to a new set-up"
	case m.RecoveryCodesLeft > 0:
		return "; a new set-up requires a recovery code, or one from totpflow issue-code, after the password"
	}
	return "; a new set-up requires a code from totpflow issue-code, after the password"
}

func (a *app) resetMany(ctx context.Context, tenant string, users []string, what admin.Scope) error {
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
	var failed error
	for batch := range slices.Chunk(users, admin.MaxAccounts) {
		var errs map[string]error
		if errs, failed = s.resetBatch(ctx, tenant, batch, what, a.yes); failed != nil {
			break
		}
		for _, user := range batch {
			out.add(0, store.AccountID{Tenant: tenant, User: user}, errs[user])
		}
		if a.yes {
			s.note(ctx, out.Outcomes[len(out.Outcomes)-len(batch):])
		}
	}
	if failed != nil && len(out.Outcomes) == 0 {
		return failed
	}
	return cmp.Or(failed, a.tellBulk(out, "cleared the "+scopeWords[what], "would clear the "+scopeWords[what]))
}

// resetBatch resets those of the users who have something to reset, or with yes unset only looks
// at them. It returns why the others were not reset.
func (s *session) resetBatch(ctx context.Context, tenant string, users []string, what admin.Scope, yes bool) (errs map[string]error, err error) {
	errs, left, err := s.lookUp(ctx, tenant, users, what)
	if err != nil || !yes || len(left) == 0 {
		return errs, err
	}
	outcomes, err := s.admin.ResetMany(ctx, s.by, tenant, left, what)
	for _, o := range outcomes {
		errs[o.ID.User] = explainChange(o.ID, o.Err)
	}
	return errs, err
}

// note adds the state of the accounts that were reset. If it cannot be read, they were
// reset nevertheless.
func (s *session) note(ctx context.Context, outcomes []outcome) {
	for i, o := range outcomes {
		if !o.Done {
			continue
		}
		m, err := s.admin.Member(ctx, s.by, store.AccountID{Tenant: o.Tenant, User: o.User})
		outcomes[i].NeedsCode, outcomes[i].Generation = err == nil && m.NeedsCode, m.Generation
	}
}

// lookUp returns why some of the users cannot be reset, and the others. If the database fails, it
// stops.
func (s *session) lookUp(ctx context.Context, tenant string, users []string, what admin.Scope) (refusals map[string]error, left []string, err error) {
	refusals = make(map[string]error)
	for _, user := range users {
		id := store.AccountID{Tenant: tenant, User: user}
		switch err := s.look(ctx, id, func(m admin.Member) error { return resettable(m, what) }); {
		case errors.Is(err, store.ErrUnavailable):
			return nil, nil, fmt.Errorf("%s: %w", label(id), explain(id, err))
		case err != nil:
			refusals[user] = explain(id, err)
		default:
			left = append(left, user)
		}
	}
	return refusals, left, nil
}

// resettable returns a nothingError if a reset would clear nothing. If nothing is set up and no
// set-up is under way, it would end only the sessions and the grace period. A set-up may be a
// thief's. Another reset begins the 24 hours again, and ends a freeze and an exemption.
func resettable(m admin.Member, what admin.Scope) error {
	codes := m.RecoveryCodesLeft > 0 || !m.IssuedUntil.IsZero()
	switch what {
	case admin.ScopeBrowsers:
		if len(m.Browsers) == 0 {
			return nothingError("nothing to reset: the account has no trusted browsers")
		}
	case admin.ScopeRecoveryCodes:
		if !codes {
			return nothingError("nothing to reset: the account has no recovery codes")
		}
	default:
		ends := m.Enrollment == enroll.ResetPending || m.Enrollment == enroll.Exempted || !m.FrozenAt.IsZero()
		begun := m.Enrolling || len(m.Recoverable) > 0
		if !ends && !begun && m.Authenticators == 0 && m.Phones == 0 && len(m.Browsers) == 0 && !codes {
			return nothingError("nothing to reset: the account has no second factor")
		}
	}
	return nil
}
