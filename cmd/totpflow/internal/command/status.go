package command

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/store"
)

func (a *app) status() *cobra.Command {
	var tenant string
	c := &cobra.Command{
		Use:     "status <user>",
		Short:   "Show the state of an account",
		Long:    "Shows the state of an account, its factors, and its latest changes.\n\n" + aboveLong,
		Example: "  totpflow status 42 --tenant acme\n  totpflow status 43 --tenant acme-berlin --above acme --above north",
		Args:    args("<user>"),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := accountID(tenant, args[0])
			if err != nil {
				return err
			}
			return a.showStatus(c.Context(), id)
		},
	}
	tenantFlag(c, &tenant)
	a.aboveFlag(c, &tenant)
	a.namesFlag(c)
	return c
}

// report is what --json prints of an account: the member, and what only its own
// page shows.
type report struct {
	member
	Bound    []authenticator `json:"bound"`
	Activity []event.Event   `json:"activity"` // the last security changes, newest first
}

type authenticator struct {
	ID    string    `json:"id"`
	Name  string    `json:"name"`
	Added time.Time `json:"added"`
	Used  time.Time `json:"used,omitzero"`
	Weak  time.Time `json:"weak_until,omitzero"` // when its secret ends, which has fewer than 128 bits
}

func (a *app) showStatus(ctx context.Context, id store.AccountID) error {
	s, err := a.open(ctx, a.looker())
	if err != nil {
		return err
	}
	defer s.db.Close()
	if err := s.found(ctx, id); err != nil {
		return explain(id, err)
	}
	m, err := s.admin.Member(ctx, s.by, id)
	if err != nil {
		return explain(id, err)
	}
	st, err := s.service.Account(totpflow.User{ID: id}).Status(ctx)
	if err != nil {
		return explain(id, err)
	}
	r := report{member: a.memberOf(m), Bound: []authenticator{}, Activity: st.Activity}
	for _, x := range st.Authenticators {
		r.Bound = append(r.Bound, authenticator{x.ID, x.Name, x.Added, x.Used, x.WeakUntil})
	}
	if r.Activity == nil {
		r.Activity = []event.Event{}
	}
	if a.asJSON {
		return a.screen.JSON(r)
	}
	return a.printStatus(a.label(id), r)
}

func (a *app) printStatus(name string, r report) error {
	t := screen.NewTable(a.screen.Out)
	t.Row("account", name)
	t.Row("state", r.standing())
	for _, x := range r.Bound {
		weak := ""
		if !x.Weak.IsZero() {
			weak = ", weak secret until " + screen.Time(x.Weak)
		}
		t.Row("authenticator", fmt.Sprintf("%s, added %s, last used %s%s", x.Name, day(x.Added), day(x.Used), weak), "id "+x.ID)
	}
	for _, k := range r.Kept {
		t.Row("taken away", fmt.Sprintf("%s, added %s, last used %s, kept until %s", k.Name, day(k.Added), day(k.Used), screen.Time(k.Until)), "id "+k.ID)
	}
	t.Row("recovery codes", fmt.Sprintf("%d left", r.RecoveryCodesLeft))
	for _, b := range r.Browsers {
		t.Row("trusted browser", fmt.Sprintf("%s, since %s, until %s", b.Label, day(b.Issued), day(b.Expires)), "id "+b.ID)
	}
	t.Row("generation", strconv.FormatUint(r.Generation, 10))
	if w := r.Waiting; w != nil {
		t.Row("wrong codes", w.words())
	}
	for _, e := range r.Activity {
		t.Row("changed", screen.Time(e.At)+"  "+changeWords(e))
	}
	return t.End()
}

// word returns the state in a list.
func (m member) word() string {
	if m.WeakUntil.IsZero() {
		return m.State
	}
	return m.State + ", weak until " + day(m.WeakUntil)
}

// standing returns the state in words.
func (m member) standing() string {
	switch admin.MemberState(m.State) {
	case admin.StateFrozen:
		return "frozen since " + screen.Time(m.FrozenAt) + `: the person said "it was not me"`
	case admin.StateEnabled:
		if !m.WeakUntil.IsZero() {
			return m.word() + ": the code of its weak secret leads to a new authenticator"
		}
	case admin.StateExempt:
		return "exempt: a machine account, " + m.Machine
	case admin.StateGrace:
		if m.GraceBegins {
			return "grace: has to set up; the grace period begins at the next sign-in"
		}
		return "grace: has to set up until " + screen.Time(m.GraceUntil)
	case admin.StateRequired:
		if m.NeedsCode {
			return "required: reset on " + screen.Time(m.ResetAt) + `, has to set up; the password alone is not enough for that (see "totpflow issue-code")`
		}
		if !m.ResetAt.IsZero() {
			return "required: reset on " + screen.Time(m.ResetAt) + ", has to set up"
		}
		return "required: has to set up"
	}
	return m.State
}

func (w waiting) words() string {
	words := "single codes are refused until " + screen.Time(w.Until)
	if w.Until.IsZero() {
		words = "single codes are refused, and this does not end by itself"
	}
	if w.Pair {
		words += "; two codes in a row get in"
	}
	return words
}

// changeWords returns an event in a line.
func changeWords(e event.Event) string {
	words := string(e.Kind)
	if e.Actor != "" {
		words += " by " + e.Actor
	}
	if e.Reason != "" {
		words += ": " + e.Reason
	}
	return words
}

func day(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.DateOnly)
}
