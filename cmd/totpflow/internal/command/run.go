package command

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow/cmd/totpflow/internal/importfile"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
)

// Run runs the command with the arguments that follow its name, and returns the
// exit code. The environment is asked by name.
func Run(ctx context.Context, args []string, streams screen.Streams, env func(string) string) int {
	out := screen.Check(streams.Out)
	streams.Out = out
	a := &app{screen: streams, env: env, events: screen.Check(streams.Log())}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	err := root.ExecuteContext(ctx)
	if err != nil && !a.running && out.Err() == nil {
		err = usageError{misspelt(err)} // cobra's own: an unknown command or flag, too many arguments
	}
	switch {
	case err != nil && ctx.Err() != nil:
		err = interrupted{err}
	case err == nil && a.events.Err() != nil:
		err = fmt.Errorf("the change was made, but its event could not be written to the standard error: %w", a.events.Err())
	case err == nil && out.Err() != nil:
		err = fmt.Errorf("the command succeeded, but its result could not be written to the standard output: %w", out.Err())
	}
	if err != nil {
		streams.Note("totpflow: %s", oneLine(err))
	}
	return exitCode(err)
}

// app is one run of the command.
type app struct {
	screen screen.Streams
	env    func(string) string
	events *screen.Checked // where events are logged: an erasure leaves no other trace

	keysFile string
	dbFile   string
	asJSON   bool
	operator string
	reason   string
	yes      bool
	chains   map[string][]string // the tenants above a tenant, nearest first, as --above says

	namesFile string
	names     *importfile.Names // people's names, from --names

	running bool // the arguments were understood
}

const long = `Manages the second factor of a product's accounts, on the server, with access to its database and its keys.

The key ring comes from a file, which --keys-file or the variable TOTPFLOW_KEYS_FILE names, or from the variable
TOTPFLOW_KEYS. The database comes from the variable TOTPFLOW_DB, which contains a URL such as
sqlite:///srv/backup/console.db, or from --db-file.

A command that changes many records, a policy or the keys only reports what it would do, unless you add --yes. A command
that changes one account or one request, and "keys retire", ask first. Every change requires a --reason. Each change of
an account or a policy is reported as an event, and so are a finished rotation, a retired key and a raised epoch.`

func (a *app) root() *cobra.Command {
	cobra.EnableCommandSorting = false // the order of the help is that of the work
	root := &cobra.Command{
		Use:           "totpflow",
		Short:         "Manage the second factor of a product's accounts",
		Long:          long,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			a.running = true
			return a.readNames(c)
		},
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.keysFile, "keys-file", "", "read the key ring from this `FILE`, which only its owner may read")
	flags.StringVar(&a.dbFile, "db-file", "", "the database: a SQLite `FILE`, or a file that contains the URL of a database")
	flags.BoolVar(&a.asJSON, "json", false, "print the result as JSON")
	flags.SortFlags = false
	root.AddGroup(
		&cobra.Group{ID: "accounts", Title: "Accounts:"},
		&cobra.Group{ID: "tenants", Title: "Tenants:"},
		&cobra.Group{ID: "keys", Title: "Keys and database:"},
	)
	a.group(root, "accounts", a.status(), a.list(), a.reset(), a.unlock(), a.issueCode(), a.restoreAuthenticator(), a.revokeBrowser(),
		a.grace(), a.exempt(), a.export(), a.forget(), a.importFile())
	a.group(root, "tenants", a.policy(), a.approve(), a.withdraw())
	a.group(root, "keys", a.keys(), a.restored(), a.tidy(), a.schema())
	return root
}

func (a *app) group(parent *cobra.Command, id string, commands ...*cobra.Command) {
	for _, c := range commands {
		c.GroupID = id
		parent.AddCommand(c)
	}
}

// version returns the version of the module, as "go install" noted it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return cmp.Or(info.Main.Version, "unknown")
}
