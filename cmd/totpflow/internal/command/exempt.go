package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) exempt() *cobra.Command {
	var tenant, name string
	var end bool
	c := &cobra.Command{
		Use:   "exempt <user>",
		Short: "Make an account a machine's or, again, a person's",
		Long: `Makes the account a machine's, such as a backup agent's: where machines sign in, it is not asked for a second factor, and
it no longer gets in where people sign in. Its factors are cleared. With --end it is a person's account again, and the
person has to set up.`,
		Example: `  totpflow exempt agent-7 --tenant acme --name "nightly backup of fs01" --reason "ticket 4711"
  totpflow exempt agent-7 --tenant acme --end --reason "ticket 4712"`,
		Args: args("<user>"),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := accountID(tenant, args[0])
			if err != nil {
				return err
			}
			switch {
			case end && name != "":
				return usagef("--end and --name cannot be combined")
			case end:
				return a.change(c, change{
					name: "exempt", id: id,
					what:  fmt.Sprintf("Make %s a person's account again, so that the person has to set up?", a.label(id)),
					said:  "a person's account again",
					do:    func(ctx context.Context, s *session) error { return second(s.admin.EndExemption(ctx, s.by, id)) },
					after: nextStep(id),
				})
			case name == "":
				return usagef("--name is missing: name the machine")
			}
			return a.change(c, change{
				name: "exempt", id: id, fresh: true,
				what: fmt.Sprintf("Clear the second factor of %s, and make it a machine's account?", a.label(id)),
				said: "a machine account",
				do:   func(ctx context.Context, s *session) error { return second(s.admin.Exempt(ctx, s.by, id, name)) },
			})
		},
	}
	tenantFlag(c, &tenant)
	a.aboveFlag(c, &tenant) // --end prints what the next sign-in asks for
	c.Flags().StringVar(&name, "name", "", "the machine's name, as lists show it")
	c.Flags().BoolVar(&end, "end", false, "end the exemption")
	a.namesFlag(c)
	a.changeFlags(c)
	return c
}
