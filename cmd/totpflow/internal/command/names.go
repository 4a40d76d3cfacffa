package command

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow/cmd/totpflow/internal/importfile"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
	"github.com/totpflow/totpflow/store"
)

// No record has a person's name: only the product knows it. An operator who reads ids
// alone may take one person for another.

// namesFlag adds --names to a command that prints accounts.
func (a *app) namesFlag(c *cobra.Command) {
	c.Flags().StringVar(&a.namesFile, "names", "",
		"also show people's names, from this `FILE`: CSV with the columns user and name, and tenant; - is the standard input")
}

// readNames reads the file of --names, before anything else is done. In a file without a
// column tenant the ids are those of --tenant.
func (a *app) readNames(c *cobra.Command) error {
	if a.namesFile == "" {
		return nil
	}
	tenant := ""
	if f := c.Flags().Lookup("tenant"); f != nil {
		tenant = f.Value.String()
	}
	names, err := screen.Await(c.Context(), func() (names *importfile.Names, err error) {
		err = a.reading(a.namesFile, func(in io.Reader) (err error) {
			names, err = importfile.ReadNames(in, tenant)
			return err
		})
		return names, err
	})
	if c.Context().Err() != nil {
		return errKept
	}
	if err != nil {
		return fmt.Errorf("--names: %w", err)
	}
	if n := names.Withheld(); n > 0 {
		a.screen.Note("--names: %s like secrets, and %s not shown", screen.Plural(n, "name")+verb(n, " looks", " look"), verb(n, "is", "are"))
	}
	a.names = names
	return nil
}

// longestName is how much of a name is shown, in characters: a file may have anything.
const longestName = 64

// name returns the name of a person, cleaned, and "" where it is not known.
func (a *app) name(id store.AccountID) string {
	called := []rune(screen.Clean(a.names.Of(id)))
	if len(called) > longestName {
		return string(called[:longestName-1]) + "…"
	}
	return string(called)
}

// label names an account as messages do, with the person's name where it is known, in
// quotes: people may choose their names, and choose the words of a message.
func (a *app) label(id store.AccountID) string {
	if called := a.name(id); called != "" {
		return label(id) + " " + strconv.Quote(called)
	}
	return label(id)
}
