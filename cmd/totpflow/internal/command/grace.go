package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
	"github.com/totpflow/totpflow/store"
)

func (a *app) grace() *cobra.Command {
	var tenant, until, length string
	c := &cobra.Command{
		Use:   "grace <user>",
		Short: "Give a person more time to set up",
		Long: `Lets one person continue without a second factor until the given time, whatever the tenant's policy says, for at most 90
days. The new end must be later than the current one: name the tenants above with --above, since their policies count
too. It also works for a person who has never signed in, so check the id. People who have a second factor or were reset
get no more time, and neither do machines.`,
		Example: `  totpflow grace 42 --tenant acme --for 7d --reason "ticket 4711: new phone ordered"`,
		Args:    args("<user>"),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := accountID(tenant, args[0])
			if err != nil {
				return err
			}
			at, err := graceEnd(until, length, time.Now())
			if err != nil {
				return err
			}
			return a.change(c, change{
				name: "grace", id: id, fresh: true,
				what: fmt.Sprintf("Let %s continue without a second factor until %s?", a.label(id), screen.Time(at)),
				said: "may go on without a second factor until " + screen.Time(at),
				do:   func(ctx context.Context, s *session) error { return s.extendGrace(ctx, id, at) },
			})
		},
	}
	tenantFlag(c, &tenant)
	a.aboveFlag(c, &tenant)
	c.Flags().StringVar(&until, "until", "", "the `TIME` (RFC 3339) at which it ends, such as 2026-12-31T00:00:00Z")
	c.Flags().StringVar(&length, "for", "", "how long from now, such as 7d or 36h")
	a.namesFlag(c)
	a.changeFlags(c)
	return c
}

// extendGrace says until when the person already has time, where that is later.
func (s *session) extendGrace(ctx context.Context, id store.AccountID, at time.Time) error {
	err := s.admin.ExtendGrace(ctx, s.by, id, at)
	if !errors.Is(err, admin.ErrGrace) {
		return err
	}
	m, failed := s.admin.Member(ctx, s.by, id)
	if failed != nil || at.After(m.GraceUntil) || !at.After(time.Now()) {
		return err
	}
	has := "already has time"
	if m.GraceBegins {
		has = "would have time, by signing in now,"
	}
	return fmt.Errorf("%s until %s; choose a later end", has, screen.Time(m.GraceUntil))
}

func graceEnd(until, length string, now time.Time) (time.Time, error) {
	switch {
	case (until == "") == (length == ""):
		return time.Time{}, usagef("say --until when, or --for how long, but not both")
	case until != "":
		return parseTime("--until", until)
	}
	d, err := parseLength("--for", length)
	return now.Add(d), err
}
