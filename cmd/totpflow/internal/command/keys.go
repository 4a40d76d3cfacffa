package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow/cmd/totpflow/internal/keyfile"
	"github.com/totpflow/totpflow/keyring"
)

func (a *app) keys() *cobra.Command {
	c := &cobra.Command{
		Use:   "keys",
		Short: "Make, rotate, check and retire the keys that seal the records",
		Args:  args(),
		RunE: func(c *cobra.Command, _ []string) error {
			return usagef("the subcommand is missing: generate, check, rotate, reseal or retire; --help shows how")
		},
	}
	c.AddCommand(a.keysGenerate(), a.keysCheck(), a.keysRotate(), a.keysReseal(), a.keysRetire())
	return c
}

// generated is what --json prints of keys generate.
type generated struct {
	Command  string `json:"command"`
	KeysFile string `json:"keys_file"`
	Key      string `json:"key"` // its id
}

func (a *app) keysGenerate() *cobra.Command {
	var print bool
	c := &cobra.Command{
		Use:   "generate",
		Short: "Make a new key ring",
		Long: `Makes a ring of one new key, in a new file of mode 0600. An existing file is never replaced: its keys open records.

With --stdout it prints the ring instead, for a secret manager that reads from a pipe. It does not print the ring to a terminal.`,
		Example: `  totpflow keys generate --keys-file /etc/backup/totpflow.keys
  totpflow keys generate --stdout | vault kv put secret/backup totpflow=-`,
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case print && (a.keysFile != "" || a.asJSON):
				return usagef("--stdout cannot be combined with --keys-file or --json")
			case print && a.screen.OutTerminal:
				return usagef("the ring is a secret, and is not shown on a terminal; pipe it into another program, or name a file with --keys-file")
			case print:
				_, err := fmt.Fprintln(a.screen.Out, keyring.Generate())
				return err
			}
			return a.generate()
		},
	}
	c.Flags().BoolVar(&print, "stdout", false, "print the ring (this is a SECRET)")
	return c
}

func (a *app) generate() error {
	if a.keysPath() == "" {
		return usagef("name the new file with --keys-file")
	}
	if err := keyfile.Create(a.keysPath(), keyring.Generate()); err != nil {
		return err
	}
	f, err := a.openKeys()
	if err != nil {
		return err
	}
	id := f.Ring().IDs()[0]
	if a.asJSON {
		return a.screen.JSON(generated{"keys generate", f.Path(), id})
	}
	a.say("Made %s with the key %s; only its owner can read it.", f.Path(), id)
	a.say("Keep a copy apart from the database and its backups: without the ring, nobody who has set up gets in.")
	return nil
}
