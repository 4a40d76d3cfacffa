package command

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
)

func (a *app) grace() *cobra.Command {
	var tenant, until, length string
	c := &cobra.Command{
		Use:   "grace <user>",
		Short: "Give a person more time to set up",
		Long: `Lets one person go on without a second factor until then, whatever the tenant's policy says, for at most 90 days. It
holds for who was never seen, too: look twice at the id.`,
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
				what: fmt.Sprintf("Let %s go on without a second factor until %s?", label(id), screen.Time(at)),
				said: "may go on without a second factor until " + screen.Time(at),
				do:   func(ctx context.Context, s *session) error { return s.admin.ExtendGrace(ctx, s.by, id, at) },
			})
		},
	}
	tenantFlag(c, &tenant)
	c.Flags().StringVar(&until, "until", "", "the `TIME` (RFC 3339) until which, such as 2026-12-31T00:00:00Z")
	c.Flags().StringVar(&length, "for", "", "for how long from now, such as 7d or 36h")
	a.changeFlags(c)
	return c
}

func graceEnd(until, length string, now time.Time) (time.Time, error) {
	switch {
	case (until == "") == (length == ""):
		return time.Time{}, usagef("say --until when, or --for how long")
	case until != "":
		return parseTime("--until", until)
	}
	d, err := parseLength("--for", length)
	return now.Add(d), err
}
