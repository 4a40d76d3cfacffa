package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/store"
)

func (a *app) approve() *cobra.Command {
	return a.request("approve", "Approve", "approved", "Approve a request for a second administrator",
		`Approves an administrator's request for a tenant that lacks a second administrator. "totpflow policy get" lists the
pending requests.`,
		func(a admin.Admin, ctx context.Context, by admin.Actor, tenant, id string) error {
			return second(a.Approve(ctx, by, tenant, id))
		})
}

func (a *app) withdraw() *cobra.Command {
	return a.request("withdraw", "Withdraw", "withdrawn", "Withdraw a request for a second administrator",
		`Withdraws a request that is pending for a second administrator. "totpflow policy get" lists them.`, admin.Admin.Withdraw)
}

// request returns a command on one request of a tenant.
func (a *app) request(name, verb, past, short, long string,
	do func(admin.Admin, context.Context, admin.Actor, string, string) error,
) *cobra.Command {
	var tenant string
	c := &cobra.Command{
		Use:     name + " <request>",
		Short:   short,
		Long:    long,
		Example: "  totpflow " + name + ` K3VYQ2ZCA6T7N4JX --tenant acme --reason "ticket 4711"`,
		Args:    args("<request>"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.change(c, change{
				name: name, id: store.AccountID{Tenant: tenant}, fresh: true,
				what: fmt.Sprintf("%s the request %q of tenant %q?", verb, args[0], tenant),
				said: "request " + args[0] + " " + past,
				do:   func(ctx context.Context, s *session) error { return do(s.admin, ctx, s.by, tenant, args[0]) },
			})
		},
	}
	tenantFlag(c, &tenant)
	a.changeFlags(c)
	return c
}
