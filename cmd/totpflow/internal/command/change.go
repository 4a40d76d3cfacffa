package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/store"
)

// A change is a command's change to one account.
type change struct {
	name string // the command's
	id   store.AccountID
	what string // what happens, for the question: "Reset all of acme/ana?"
	said string // what has happened, and what is next
	// fresh allows an account that has no record yet.
	fresh bool
	// look refuses a change that would do nothing, before the question. It may be nil, and
	// is not called for a fresh account.
	look func(admin.Member) error
	do   func(context.Context, *session) error
	// after adds values that are known only afterwards, to the report and to the
	// output of --json.
	after func(context.Context, *session, *changed) string
}

// changed is what --json prints of a change.
type changed struct {
	Command string `json:"command"`
	Tenant  string `json:"tenant"`
	User    string `json:"user,omitempty"`
	Done    bool   `json:"done"`
	// For an issued code: where it is, and until when it is valid.
	File    string    `json:"file,omitempty"`
	Expires time.Time `json:"expires,omitzero"`
	Account any       `json:"account,omitempty"` // the account as it is afterwards
}

// errKept means that the operator was asked, and answered no.
var errKept = errors.New("nothing was changed")

// second drops a call's first result: the account is read afterwards.
func second[T any](_ T, err error) error { return err }

// change asks, does the change and says so.
func (a *app) change(c *cobra.Command, ch change) error {
	ctx := c.Context()
	by, err := a.changer()
	if err != nil {
		return err
	}
	s, err := a.open(ctx, by)
	if err != nil {
		return err
	}
	defer s.db.Close()
	switch {
	case ch.fresh:
		err = s.match(ctx)
	case ch.look != nil:
		err = explain(ch.id, s.look(ctx, ch.id, ch.look))
	default:
		err = explain(ch.id, s.found(ctx, ch.id))
	}
	if err != nil {
		return err
	}
	if err := a.confirm(ctx, ch.what); err != nil {
		return err
	}
	if err := ch.do(ctx, s); err != nil {
		return explainChange(ch.id, err)
	}
	return a.tellChange(ctx, s, ch)
}

// look applies the check to the account as it is. It returns ErrNoAccount if there is no record,
// and lets one that does not open through: the change reports that.
func (s *session) look(ctx context.Context, id store.AccountID, check func(admin.Member) error) error {
	m, err := s.admin.Member(ctx, s.by, id)
	switch {
	case err != nil || m.State == admin.StateUnreadable:
		return err
	case m.Updated.IsZero():
		return admin.ErrNoAccount
	}
	return check(m)
}

func (a *app) tellChange(ctx context.Context, s *session, ch change) error {
	out := changed{Command: ch.name, Tenant: ch.id.Tenant, User: ch.id.User, Done: true}
	said := ch.said
	if ch.after != nil {
		said += ch.after(ctx, s, &out)
	}
	a.say("%s: %s", a.label(ch.id), said)
	if !a.asJSON {
		return nil
	}
	if err := s.found(ctx, ch.id); err == nil {
		m, err := s.admin.Member(ctx, s.by, ch.id)
		if err != nil {
			return fmt.Errorf("the change was made, but the account could not be read afterwards: %w", explain(ch.id, err))
		}
		out.Account = a.memberOf(m)
	}
	return a.screen.JSON(out)
}

// confirm asks the operator to agree, with --yes or at the terminal.
func (a *app) confirm(ctx context.Context, what string) error {
	if a.yes {
		return nil
	}
	yes, asked := a.screen.Ask(ctx, what)
	switch {
	case yes:
		return nil
	case asked:
		return errKept
	}
	return usagef("there is no terminal to ask at; add --yes to make the change")
}
