package command

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
	"github.com/totpflow/totpflow/store"
)

// states are the words that --state takes.
var states = []string{
	string(totpflow.StateEnabled), string(totpflow.StateRequired), string(totpflow.StateGrace), string(totpflow.StateDisabled),
	string(totpflow.StateExempt), string(totpflow.StateFrozen), string(totpflow.StateUnreadable),
}

// listing is what list is asked for.
type listing struct {
	tenant string
	all    bool // tenants
	state  string
	csv    bool
}

func (a *app) list() *cobra.Command {
	var l listing
	c := &cobra.Command{
		Use:   "list",
		Short: "List the accounts that have a record",
		Long: `Lists the accounts that have a record: of one tenant, or of all.

Who has never come to the second step has no record. The product has the list of its users.

` + aboveLong,
		Example: `  totpflow list --tenant acme --state required
  totpflow list --tenant acme-berlin --above acme
  totpflow list --csv > second-factor.csv`,
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) error {
			l.all = !c.Flags().Changed("tenant")
			switch {
			case l.state != "" && !slices.Contains(states, l.state):
				return usagef("--state is one of %s", strings.Join(states, ", "))
			case l.csv && a.asJSON:
				return usagef("--csv and --json exclude each other")
			}
			return a.showList(c.Context(), l)
		},
	}
	c.Flags().StringVar(&l.tenant, "tenant", "", "only of this `TENANT`")
	a.aboveFlag(c, &l.tenant)
	c.Flags().StringVar(&l.state, "state", "", "only in this `STATE`: "+strings.Join(states, ", "))
	c.Flags().BoolVar(&l.csv, "csv", false, "print CSV for a spreadsheet")
	return c
}

// accounts is what --json prints of a list.
type accounts struct {
	Accounts []member `json:"accounts"`
	Counts   counts   `json:"counts"`
}

type counts struct {
	Total      int `json:"total"`
	Enabled    int `json:"enabled"`
	Required   int `json:"required"`
	Grace      int `json:"grace"`
	Disabled   int `json:"disabled"`
	Exempt     int `json:"exempt"`
	Frozen     int `json:"frozen"`
	Unreadable int `json:"unreadable"`
}

func (a *app) showList(ctx context.Context, l listing) error {
	s, err := a.open(ctx, a.looker())
	if err != nil {
		return err
	}
	defer s.db.Close()
	members, err := s.members(ctx, l)
	if err != nil {
		return err
	}
	switch {
	case l.csv:
		return totpflow.WriteCSV(a.screen.Out, members, nil)
	case a.asJSON:
		out := accounts{Accounts: []member{}, Counts: counts(totpflow.Count(members))}
		for _, m := range members {
			out.Accounts = append(out.Accounts, memberOf(m))
		}
		return a.screen.JSON(out)
	}
	return a.printList(members)
}

func (s *session) members(ctx context.Context, l listing) ([]totpflow.Member, error) {
	var members []totpflow.Member
	q := store.Query{Tenant: l.tenant, AllTenants: l.all, Limit: store.MaxLimit}
	for {
		page, err := s.admin.List(ctx, s.by, q)
		if err != nil {
			return nil, err
		}
		for _, m := range page.Members {
			if l.state == "" || l.state == string(m.State) {
				members = append(members, m)
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return members, nil
		}
	}
}

func (a *app) printList(members []totpflow.Member) error {
	t := screen.NewTable(a.screen.Out, "TENANT", "USER", "STATE", "AUTHENTICATORS", "BROWSERS", "CODES LEFT", "LAST USED")
	for _, m := range members {
		t.Row(m.ID.Tenant, m.ID.User, string(m.State), strconv.Itoa(m.Authenticators), strconv.Itoa(len(m.Browsers)),
			strconv.Itoa(m.RecoveryCodesLeft), day(m.LastUsed))
	}
	if err := t.End(); err != nil {
		return err
	}
	c := totpflow.Count(members)
	have := "have"
	if c.Enabled == 1 {
		have = "has"
	}
	words := fmt.Sprintf("%s; %d of %d %s set it up", screen.Plural(c.Total, "account"), c.Enabled, c.Total-c.Exempt, have)
	for _, more := range []struct {
		n    int
		word string
	}{{c.Exempt, "exempt"}, {c.Frozen, "frozen"}, {c.Unreadable, "unreadable"}} {
		if more.n > 0 {
			words += fmt.Sprintf(", %d %s", more.n, more.word)
		}
	}
	a.say("%s", words)
	return nil
}
