package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) forget() *cobra.Command {
	var tenant string
	c := &cobra.Command{
		Use:   "forget <user>",
		Short: "Delete everything that is kept about an account",
		Long: `Deletes the record of an account, for its erasure. Before it, the product must stop the user's sign-ins and delete the
sessions; after it, the user and the generation. This is not a reset: a user who continues under the same id counts as
never enrolled, and if the factor is optional the password alone lets them in. It also deletes a record that does not
open, if others do.`,
		Example: `  totpflow forget 42 --tenant acme --reason "erasure request 17"`,
		Args:    args("<user>"),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := accountID(tenant, args[0])
			if err != nil {
				return err
			}
			return a.change(c, change{
				name: "forget", id: id,
				what: fmt.Sprintf("Delete everything that is kept about %s? This cannot be undone.", a.label(id)),
				said: "deleted",
				do:   func(ctx context.Context, s *session) error { return s.admin.Forget(ctx, s.by, id) },
			})
		},
	}
	tenantFlag(c, &tenant)
	a.namesFlag(c)
	a.changeFlags(c)
	return c
}
