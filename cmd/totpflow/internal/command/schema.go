package command

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow/cmd/totpflow/internal/database"
	"github.com/totpflow/totpflow/store/sqlstore"
)

func (a *app) schema() *cobra.Command {
	var dialect, schema, prefix, out string
	c := &cobra.Command{
		Use:   "schema",
		Short: "Print the definitions of the tables, for a tool that applies them",
		Long: `Prints the definitions of the tables in SQL, or writes them as files NNNN_name.sql into the folder that --out names, for
goose, atlas or the administrator of the database. The product then needs no right to define anything. Each file
notes its number in the table totpflow_schema, so that the product finds nothing to do when it starts.

Later releases add files, and never change one: run the command again with the same folder. It writes the missing files,
and refuses if an existing one differs. It needs no keys and no database.`,
		Example: `  totpflow schema --dialect postgres > totpflow.sql
  totpflow schema --dialect mysql --out migrations
  totpflow schema --dialect postgres --schema auth --prefix mfa_`,
		Args: args(),
		RunE: func(*cobra.Command, []string) error {
			d, err := a.dialect(dialect)
			if err != nil {
				return err
			}
			return a.runSchema(d, schema, prefix, out)
		},
	}
	f := c.Flags()
	f.StringVar(&dialect, "dialect", "", "the `KIND` of database: "+strings.Join(database.Schemes(), ", ")+" (default: that of the database's URL)")
	f.StringVar(&schema, "schema", "", "define the tables in this schema, which MySQL calls a database")
	f.StringVar(&prefix, "prefix", "", `put this in place of "totpflow_" in every name`)
	f.StringVar(&out, "out", "", "write the files into this `FOLDER`")
	return c
}

// dialect returns the dialect that is named, or that of the database's URL.
func (a *app) dialect(name string) (sqlstore.Dialect, error) {
	if name == "" {
		u, err := a.databaseURL()
		return u.Dialect(), err
	}
	d, ok := database.DialectOf(name)
	if !ok {
		return d, usagef("--dialect must be one of %s", strings.Join(database.Schemes(), ", "))
	}
	return d, nil
}

// migrations is what --json prints of schema.
type migrations struct {
	Dialect string      `json:"dialect"`
	Files   []migration `json:"files"`
}

type migration struct {
	Name    string `json:"name"`
	SQL     string `json:"sql"`
	Written bool   `json:"written"` // false if --out is given and the file was there already
}

func (a *app) runSchema(d sqlstore.Dialect, schema, prefix, out string) error {
	all := migrations{Dialect: d.String()}
	files, err := d.Named(schema, prefix).Migrations()
	if err != nil {
		return usageError{fmt.Errorf("--schema and --prefix may only have lower-case letters, digits and _, and SQLite has no schemas: %w", err)}
	}
	names, err := fs.Glob(files, "*.sql") // sorted
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		m := migration{Name: name, SQL: string(text)}
		if out != "" {
			if m.Written, err = writeMigration(filepath.Join(out, name), text); err != nil {
				return err
			}
		}
		all.Files = append(all.Files, m)
	}
	return a.tellSchema(all, out)
}

// writeMigration writes a file that is not there yet, and leaves one that is the same.
func writeMigration(path string, text []byte) (written bool, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // definitions are no secret, and tools of others read them
		return false, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // as above
	if errors.Is(err, fs.ErrExist) {
		was, err := os.ReadFile(path)
		if err == nil && !bytes.Equal(was, text) {
			err = fmt.Errorf("%s exists already and differs: a migration never changes, so choose another folder for other names or another database", path)
		}
		return false, err
	}
	if err != nil {
		return false, err
	}
	_, err = f.Write(text)
	return err == nil, errors.Join(err, f.Close())
}

func (a *app) tellSchema(all migrations, out string) error {
	if a.asJSON {
		return a.screen.JSON(all)
	}
	for _, m := range all.Files {
		switch {
		case out == "":
			fmt.Fprintf(a.screen.Out, "-- %s\n%s", m.Name, m.SQL)
		case m.Written:
			a.say("%s: written", filepath.Join(out, m.Name))
		default:
			a.say("%s: already there", filepath.Join(out, m.Name))
		}
	}
	return nil
}
