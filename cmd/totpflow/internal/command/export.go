package command

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow/store"
)

func (a *app) export() *cobra.Command {
	var tenant string
	c := &cobra.Command{
		Use:   "export <user>",
		Short: "Print the data that is kept about a person, for that person",
		Long: `Prints as JSON the data that is kept about a person, as data protection requires, without secrets and without times that
only bound guesses and messages. It contains addresses and telephone numbers: make sure that it reaches that person and
nobody else. "totpflow forget" erases the data.`,
		Example: "  totpflow export 42 --tenant acme > 42.json",
		Args:    args("<user>"),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := accountID(tenant, args[0])
			if err != nil {
				return err
			}
			return a.runExport(c.Context(), id)
		},
	}
	tenantFlag(c, &tenant)
	return c
}

func (a *app) runExport(ctx context.Context, id store.AccountID) error {
	s, err := a.open(ctx, a.looker())
	if err != nil {
		return err
	}
	defer s.db.Close()
	x, err := s.admin.Export(ctx, s.by, id)
	if err != nil {
		return explain(id, err)
	}
	return a.screen.JSON(x)
}
