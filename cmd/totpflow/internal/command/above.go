package command

import (
	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow/store"
)

// Only the product knows which tenant is above which (totpflow.Config.ParentTenants): no
// record has it. An operator names those above the tenant in question.

const aboveLong = `What is required depends on the tenant's own policy, which is kept with the records. The command does not know the tenants
above it, whose policies also count in a product with units or providers: name them with --above.`

// aboveFlag adds --above to a command that depends on the policies for the tenant's
// accounts.
func (a *app) aboveFlag(c *cobra.Command, tenant *string) {
	var above []string
	c.Flags().StringArrayVar(&above, "above", nil,
		"a `TENANT` above that of --tenant, whose policy also counts; repeat it, nearest first")
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		if len(above) > 0 && !c.Flags().Changed("tenant") {
			return usagef("--above applies to one tenant: name it with --tenant")
		}
		for _, t := range above {
			if err := (store.AccountID{Tenant: t, User: "-"}).Validate(); err != nil {
				return usagef("--above: %w", err)
			}
		}
		a.chains = map[string][]string{*tenant: above}
		return nil
	}
}
