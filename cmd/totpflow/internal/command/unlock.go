package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow/admin"
)

func (a *app) unlock() *cobra.Command {
	var tenant string
	c := &cobra.Command{
		Use:   "unlock <user>",
		Short: "End the lock after wrong codes, and a freeze",
		Long: `Ends every lock after wrong codes, and the freeze after "it was not me".

It clears no factor: an authenticator that a thief may have set up keeps working. It is better to restore a frozen account
(restore-authenticator) or to reset it, unless the freeze itself was a mistake.`,
		Example: `  totpflow unlock 42 --tenant acme --reason "ticket 4711"`,
		Args:    args("<user>"),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := accountID(tenant, args[0])
			if err != nil {
				return err
			}
			said := "unlocked"
			return a.change(c, change{
				name: "unlock", id: id,
				what: fmt.Sprintf("Unlock %s?", a.label(id)),
				look: func(m admin.Member) error {
					if m.Throttled == nil && m.FrozenAt.IsZero() { // recovery codes and messages have limits that no list shows
						said = "neither frozen nor locked for codes of the app; all counts toward a lock start again"
					}
					return nil
				},
				do:    func(ctx context.Context, s *session) error { return s.admin.Unlock(ctx, s.by, id) },
				after: func(context.Context, *session, *changed) string { return said },
			})
		},
	}
	tenantFlag(c, &tenant)
	a.namesFlag(c)
	a.changeFlags(c)
	return c
}
