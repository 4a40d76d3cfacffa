package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) restoreAuthenticator() *cobra.Command {
	var tenant string
	c := &cobra.Command{
		Use:   "restore-authenticator <user> <id>",
		Short: "Restore an authenticator that somebody else took away",
		Long: `Restores an authenticator that was replaced, removed or disabled in the last 72 hours, when the person says that it was
not them. All others stop working for good, and so do recovery codes, trusted browsers and sessions; a freeze ends.
"totpflow status" lists the authenticators that can be restored, with their ids.`,
		Example: `  totpflow restore-authenticator 42 Zk3r --tenant acme --reason "ticket 4711: phone stolen"`,
		Args:    args("<user>", "<id>"),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := accountID(tenant, args[0])
			if err != nil {
				return err
			}
			return a.change(c, change{
				name: "restore-authenticator", id: id,
				what: fmt.Sprintf("Restore the authenticator %q of %s, and end everything else?", args[1], a.label(id)),
				said: "restored; everything else has ended",
				do: func(ctx context.Context, s *session) error {
					return second(s.admin.RestoreAuthenticator(ctx, s.by, id, args[1]))
				},
			})
		},
	}
	tenantFlag(c, &tenant)
	a.namesFlag(c)
	a.changeFlags(c)
	return c
}
