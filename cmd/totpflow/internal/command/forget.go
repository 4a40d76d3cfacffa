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
		Short: "Delete all that is kept of an account",
		Long: `Deletes the record of an account, for its erasure after the product has deleted the user. It is no reset: a user who
goes on under the same id begins as somebody who never enrolled, and where the factor is optional the password alone
lets them in. The product has to forget its generation as well.`,
		Example: `  totpflow forget 42 --tenant acme --reason "erasure request 17"`,
		Args:    args("<user>"),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := accountID(tenant, args[0])
			if err != nil {
				return err
			}
			return a.change(c, change{
				name: "forget", id: id,
				what: fmt.Sprintf("Delete all that is kept of %s? This cannot be undone.", a.label(id)),
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
