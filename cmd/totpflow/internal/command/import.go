package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/importfile"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
	"github.com/totpflow/totpflow/enroll"
)

func (a *app) importFile() *cobra.Command {
	var m move
	c := &cobra.Command{
		Use:   "import <file|->",
		Short: "Import the authenticators of another system",
		Long: `Reads a table of secrets, so that people can keep using their apps. It is CSV, and its first line names the columns:

  user       the product's id of the account (required), with no spaces around it
  tenant     the customer, likewise; empty or absent if there is only one
  name       the authenticator's name on the security page
  secret     base32, or an otpauth:// URI (required)
  digits     6, 7 or 8                  with base32 only; default 6
  period     in seconds                 with base32 only; default 30
  algorithm  SHA1, SHA256 or SHA512     with base32 only; default SHA1
  type       totp, or empty

Other names that exports give these columns are read too, and columns that do not affect codes, such as issuer and notes,
are ignored. Several lines of one account are its authenticators, up to five.

It reports what would happen to each line; --yes does it. Importing the same file again does no harm. Stop the other
system first: a code that it accepted in the last minute works once more here. Delete the file afterwards.

Secrets of fewer than 128 bits are weak. With --weak=until the code of such a secret leads its owner to a new
authenticator, until a date; after that the owner needs a recovery code by mail ("totpflow issue-code"). With
--weak=refuse such secrets are refused, and their owners set up again by the password alone. Secrets of fewer than 80
bits, examples from tutorials, and a secret that two accounts share are always refused.

Ids are used as they are: if the product's ids are numbers and the file has addresses, nobody is asked for a code. --known
names a list of the product's ids, CSV with the columns user and tenant, and other ids are refused. Without it the report
has the number of ids that were never seen here. If ids look like secrets, the list is required. A refused line is
reported by its number alone, since two columns may be exchanged.`,
		Example: `  totpflow import secrets.csv --known users.csv --reason "move from the old portal"
  decrypt secrets.csv.age | totpflow import - --known users.csv --yes --reason "move from the old portal"`,
		Args: args("<file|->"),
		RunE: func(c *cobra.Command, args []string) error {
			m.path = args[0]
			if err := m.check(c.Flags().Changed("weak-for")); err != nil {
				return err
			}
			return a.runImport(c.Context(), m)
		},
	}
	c.Flags().StringVar(&m.known, "known", "", "refuse ids that are not in this `FILE`, a list of the product's ids")
	c.Flags().StringVar(&m.weak, "weak", weakUntil, "what to do with secrets of 80 to 127 bits: until (they lead to new ones for a time) or refuse")
	c.Flags().StringVar(&m.length, "weak-for", showLength(enroll.MaxWeak), "how long they do so, 90d at most")
	a.changeFlags(c)
	return c
}

const (
	weakUntil  = "until"
	weakRefuse = "refuse"
)

// A move has the flags and arguments of import.
type move struct {
	path, known  string
	weak, length string

	weakFor time.Duration // zero to refuse them
}

// check reads the flags.
func (m *move) check(lengthGiven bool) (err error) {
	if m.path == "-" && m.known == "-" {
		return usagef("the table and --known cannot both be the standard input")
	}
	switch m.weak {
	case weakUntil:
		m.weakFor, err = parseLength("--weak-for", m.length)
		if err == nil && (m.weakFor <= 0 || m.weakFor > enroll.MaxWeak) {
			err = usagef("--weak-for must be longer than zero and at most %s", showLength(enroll.MaxWeak))
		}
		return err
	case weakRefuse:
		if lengthGiven {
			return usagef("--weak-for requires --weak=until")
		}
		return nil
	}
	return usagef("--weak must be until or refuse")
}

func (a *app) runImport(ctx context.Context, m move) error {
	by, err := a.changer()
	if err != nil {
		return err
	}
	rows, err := screen.Await(ctx, func() ([]importfile.Row, error) { return a.readImport(m) })
	if ctx.Err() != nil {
		return errKept
	}
	if err != nil {
		return err
	}
	s, err := a.open(ctx, by)
	if err != nil {
		return err
	}
	defer s.db.Close()
	if err := s.match(ctx); err != nil {
		return err
	}
	out, err := a.importRows(ctx, s, rows, m)
	if err != nil {
		return err
	}
	return a.tellImport(out, m)
}

func (a *app) readImport(m move) ([]importfile.Row, error) {
	var known *importfile.Known
	if m.known != "" {
		err := a.reading(m.known, func(in io.Reader) (err error) {
			known, err = importfile.ReadKnown(in)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("--known: %w", err)
		}
	}
	var rows []importfile.Row
	err := a.reading(m.path, func(in io.Reader) (err error) {
		if rows, err = importfile.Read(in, known); err == nil && len(rows) == 0 {
			err = errors.New("it contains no accounts")
		}
		return err
	})
	return rows, err
}

// reading opens a file, or the standard input for "-".
func (a *app) reading(path string, read func(io.Reader) error) error {
	in, called := a.screen.In, "the standard input"
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		in, called = file, path
	}
	if err := read(in); err != nil {
		return fmt.Errorf("%s: %w", called, err)
	}
	return nil
}

func (a *app) tellImport(out imported, m move) error {
	tell := out.bulk
	tell.whole = out
	if out.Weak > 0 {
		tell.notes = append(tell.notes, fmt.Sprintf("%s %s a weak secret. Its code leads to a new authenticator until its date; after that only a recovery code by mail does,"+
			" unless the account has another secret.", screen.Plural(out.Weak, "line"), verb(out.Weak, "has", "have")))
	}
	if out.NeverSeen > 0 {
		tell.notes = append(tell.notes, fmt.Sprintf("%s %s never seen here. Compare them with the ids of the product (--known): under a wrong id nobody is asked for a code.",
			screen.Plural(out.NeverSeen, "id"), verb(out.NeverSeen, "was", "were")))
	}
	return a.tellBulk(tell, "kept", "would be kept")
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// importError explains in the operator's words why a row was refused. The
// library's errors about secrets do not repeat any part of them.
func importError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, admin.ErrAlreadyEnrolled):
		return errors.New("another authenticator or a phone is set up already")
	case errors.Is(err, enroll.ErrTransition):
		return errors.New("the account was reset, or is a machine's")
	case errors.Is(err, totpflow.ErrFrozen):
		return errors.New(`the account is frozen: its owner said "it was not me"`)
	case errors.Is(err, enroll.ErrWeak):
		return errors.New("the secret is weak, with fewer than 128 bits")
	case sealed(err):
		return errors.New("its record does not open with these keys")
	}
	text := err.Error()
	for _, prefix := range []string{"totpflow: ", "admin: ", "totp: ", "store: ", "enroll: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return errors.New(screen.Clean(text))
}
