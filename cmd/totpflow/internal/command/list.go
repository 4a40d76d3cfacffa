package command

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
	"github.com/totpflow/totpflow/store"
)

// states are the words that --state takes.
var states = []string{
	string(admin.StateEnabled), string(admin.StateRequired), string(admin.StateGrace), string(admin.StateDisabled),
	string(admin.StateExempt), string(admin.StateFrozen), string(admin.StateUnreadable),
}

// listing has the flags of list.
type listing struct {
	tenant string
	all    bool // tenants
	state  string
	csv    bool
	count  bool

	seen, broken int // records that were read, and those that do not open
	named        int // records whose person --names calls by name
}

func (a *app) list() *cobra.Command {
	var l listing
	c := &cobra.Command{
		Use:   "list",
		Short: "List the accounts that have a record",
		Long: `Lists the accounts that have a record: of one tenant, or of all.

People who have never reached the second step have no record. The product has the list of its users, and their names: --names
reads a list that it has exported. In a file without a column tenant the ids are those of --tenant.

` + aboveLong,
		Example: `  totpflow list --tenant acme --state required
  totpflow list --tenant acme-berlin --above acme
  totpflow list --csv --names people.csv > second-factor.csv`,
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) error {
			l.all = !c.Flags().Changed("tenant")
			switch {
			case l.state != "" && !slices.Contains(states, l.state):
				return usagef("--state must be one of %s", strings.Join(states, ", "))
			case l.csv && a.asJSON:
				return usagef("--csv and --json cannot be combined")
			case l.count && (l.csv || a.asJSON || l.state != ""):
				return usagef("--count can only be combined with --tenant")
			}
			return a.showList(c.Context(), &l)
		},
	}
	c.Flags().StringVar(&l.tenant, "tenant", "", "only accounts of this `TENANT`")
	a.aboveFlag(c, &l.tenant)
	a.namesFlag(c)
	c.Flags().StringVar(&l.state, "state", "", "only accounts in this `STATE`: "+strings.Join(states, ", "))
	c.Flags().BoolVar(&l.count, "count", false, "print only how many accounts have a second factor, without opening records")
	c.Flags().BoolVar(&l.csv, "csv", false, "print CSV for a spreadsheet")
	return c
}

// accounts is what --json prints of a list.
type accounts struct {
	Accounts []member   `json:"accounts"`
	Counts   listCounts `json:"counts"`
}

type listCounts struct {
	Total      int `json:"total"`
	Enabled    int `json:"enabled"`
	Required   int `json:"required"`
	Grace      int `json:"grace"`
	Disabled   int `json:"disabled"`
	Exempt     int `json:"exempt"`
	Frozen     int `json:"frozen"`
	Unreadable int `json:"unreadable"`
	Weak       int `json:"weak,omitempty"`
}

func (a *app) showList(ctx context.Context, l *listing) error {
	s, err := a.open(ctx, a.looker())
	if err != nil {
		return err
	}
	defer s.db.Close()
	if l.count {
		return a.tellTally(ctx, s, store.Query{Tenant: l.tenant, AllTenants: l.all})
	}
	if l.csv {
		err = admin.WriteCSV(a.screen.Out, a.members(ctx, s, l), a.name)
	} else {
		err = a.tellList(a.members(ctx, s, l))
	}
	if err == nil && a.names != nil && l.seen > 0 && l.named == 0 {
		a.screen.Note("%s names none of these accounts: check its columns user and tenant", a.namesFile)
	}
	switch {
	case err == nil && l.broken > 0:
		return unreadable{fmt.Errorf("%d of %d records do not open; totpflow keys check has details", l.broken, l.seen)}
	case err == nil && stored[l.state] != nil:
		return a.noteUnopened(ctx, s, l)
	}
	return err
}

func (a *app) tellList(all iter.Seq2[admin.Member, error]) error {
	var members []admin.Member
	var counts admin.Counts
	for m, err := range all {
		if err != nil {
			return err
		}
		members = append(members, m)
		counts.Add(m)
	}
	if !a.asJSON {
		return a.printList(members, counts)
	}
	out := accounts{Accounts: []member{}, Counts: listCounts(counts)}
	for _, m := range members {
		out.Accounts = append(out.Accounts, a.memberOf(m))
	}
	return a.screen.JSON(out)
}

func (a *app) tellTally(ctx context.Context, s *session, q store.Query) error {
	t, err := s.admin.Tally(ctx, s.by, q)
	if err != nil {
		return err
	}
	a.say("%s; %d of %d have set it up, %d exempt, %d frozen", screen.Plural(t.Total, "account"), t.Enabled, t.Total-t.Exempt, t.Exempt, t.Frozen)
	return nil
}

func (a *app) printList(members []admin.Member, c admin.Counts) error {
	row := func(tenant, user, name string, rest ...string) []string {
		who := []string{tenant, user}
		if a.names != nil {
			who = append(who, name)
		}
		return append(who, rest...)
	}
	t := screen.NewTable(a.screen.Out, row("TENANT", "USER", "NAME", "STATE", "AUTHENTICATORS", "BROWSERS", "CODES LEFT", "LAST USED")...)
	for _, m := range members {
		t.Row(row(m.ID.Tenant, m.ID.User, a.name(m.ID), a.memberOf(m).word(), strconv.Itoa(m.Authenticators), strconv.Itoa(len(m.Browsers)),
			strconv.Itoa(m.RecoveryCodesLeft), day(m.LastUsed))...)
	}
	if err := t.End(); err != nil {
		return err
	}
	have := "have"
	if c.Enabled == 1 {
		have = "has"
	}
	words := fmt.Sprintf("%s; %d of %d %s set it up", screen.Plural(c.Total, "account"), c.Enabled, c.Total-c.Exempt, have)
	for _, more := range []struct {
		n    int
		word string
	}{{c.Weak, "with a weak secret"}, {c.Exempt, "exempt"}, {c.Frozen, "frozen"}, {c.Unreadable, "unreadable"}} {
		if more.n > 0 {
			words += fmt.Sprintf(", %d %s", more.n, more.word)
		}
	}
	a.say("%s", words)
	return nil
}
