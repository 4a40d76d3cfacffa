package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) revokeBrowser() *cobra.Command {
	var tenant string
	c := &cobra.Command{
		Use:   "revoke-browser <user> <id>",
		Short: "Stop trusting one browser of an account",
		Long: `Stops trusting one browser: its next sign-in asks for a code. "totpflow status" lists the browsers with their ids;
"totpflow reset --scope browsers" stops trusting all of them.`,
		Example: `  totpflow revoke-browser 42 Qx7v --tenant acme --reason "ticket 4711: laptop lost"`,
		Args:    args("<user>", "<id>"),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := accountID(tenant, args[0])
			if err != nil {
				return err
			}
			return a.change(c, change{
				name: "revoke-browser", id: id,
				what: fmt.Sprintf("Stop trusting the browser %q of %s?", args[1], a.label(id)),
				said: "trust in the browser revoked",
				do:   func(ctx context.Context, s *session) error { return s.admin.RevokeBrowser(ctx, s.by, id, args[1]) },
			})
		},
	}
	tenantFlag(c, &tenant)
	a.namesFlag(c)
	a.changeFlags(c)
	return c
}
