package command

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
)

// label names an account, or a tenant, as messages do.
func label(id store.AccountID) string {
	switch {
	case id.User == "":
		return fmt.Sprintf("tenant %q", id.Tenant)
	case id.Tenant == "":
		return id.User
	}
	return id.Tenant + "/" + id.User
}

// tenantFlag adds --tenant to a command on one account.
func tenantFlag(c *cobra.Command, tenant *string) {
	c.Flags().StringVar(tenant, "tenant", "", "the `TENANT` of the account; empty if there is only one")
}

// accountID returns the account that the arguments name.
func accountID(tenant, user string) (store.AccountID, error) {
	id := store.AccountID{Tenant: tenant, User: user}
	if err := id.Validate(); err != nil {
		return id, usagef("the account: %w", err)
	}
	if id.Reserved() {
		return id, usagef("the account: ids that begin with %q are the library's own", store.ReservedPrefix)
	}
	return id, nil
}

// args requires exactly these arguments. Its error names a missing or an extra one.
func args(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, given []string) error {
		if len(given) == len(names) {
			return nil
		}
		if len(given) < len(names) {
			return fmt.Errorf("%s is missing; --help shows how", names[len(given)])
		}
		return fmt.Errorf("one argument too many: %q", given[len(names)])
	}
}

// sealed reports whether an error says that a record does not open.
func sealed(err error) bool {
	return errors.Is(err, keyring.ErrOpen) || errors.Is(err, totpflow.ErrRecordFormat)
}
