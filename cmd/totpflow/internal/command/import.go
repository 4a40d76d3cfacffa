package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/importfile"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/store"
)

func (a *app) importFile() *cobra.Command {
	c := &cobra.Command{
		Use:   "import <file|->",
		Short: "Take over the authenticators of another system",
		Long: `Reads a table of secrets, so that people go on with the app they have. It is CSV, and its first line names the columns:

  user       the product's id of the account (required), with no spaces around it
  tenant     the customer, likewise; empty or absent where there is only one
  name       what the authenticator is called on the security page
  secret     base32, or an otpauth:// URI (required)
  digits     6, 7 or 8                  with base32 only; 6 when empty
  period     in seconds                 with base32 only; 30 when empty
  algorithm  SHA1, SHA256 or SHA512     with base32 only; SHA1 when empty

It tells what would become of each line, and does it with --yes. To import the same file again does no harm. Stop the
other system before: a code that it has seen in the last minute is good once more here. Delete the file afterwards.`,
		Example: `  totpflow import secrets.csv --reason "move from the old portal"
  decrypt secrets.csv.age | totpflow import - --yes --reason "move from the old portal"`,
		Args: args("<file|->"),
		RunE: func(c *cobra.Command, args []string) error { return a.runImport(c.Context(), args[0]) },
	}
	a.changeFlags(c)
	return c
}

func (a *app) runImport(ctx context.Context, path string) error {
	by, err := a.changer()
	if err != nil {
		return err
	}
	rows, err := screen.Await(ctx, func() ([]importfile.Row, error) { return a.readImport(path) })
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
	out := bulk{Command: "import", DryRun: !a.yes, Outcomes: []outcome{}}
	progress := a.screen.NewProgress("importing", 0, len(rows))
	defer progress.End()
	for begin := 0; begin < len(rows); begin += importBatch {
		batch := rows[begin:min(begin+importBatch, len(rows))]
		if err := s.importRows(ctx, batch, a.yes); err != nil {
			return fmt.Errorf("after line %d: %w; import the file again to go on", batch[0].Line-1, err)
		}
		for _, row := range batch {
			out.add(row.Line, row.ID, importError(row.Err))
		}
		progress.At(begin + len(batch))
	}
	progress.End()
	return a.tellBulk(out, "kept", "would be kept")
}

// importBatch is how many rows are imported before the progress is shown.
const importBatch = 100

func (a *app) readImport(path string) ([]importfile.Row, error) {
	in, called := a.screen.In, "the standard input"
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in, called = file, path
	}
	seq, err := importfile.Read(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", called, err)
	}
	var rows []importfile.Row
	for row := range seq {
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s: there is no account in it", called)
	}
	return rows, nil
}

// importRows imports the rows that can be, or only looks whether they could.
// What is refused is noted in the row.
func (s *session) importRows(ctx context.Context, rows []importfile.Row, do bool) error {
	var good []*importfile.Row
	var keys []admin.Imported
	var ids []store.AccountID
	for i := range rows {
		if row := &rows[i]; row.Err == nil {
			good = append(good, row)
			keys = append(keys, admin.Imported{ID: row.ID, Name: row.Name, Key: row.Key})
			ids = append(ids, row.ID)
		}
	}
	if len(good) == 0 {
		return nil
	}
	if !do {
		return s.lookImport(ctx, good, ids)
	}
	outcomes, err := s.admin.Import(ctx, s.by, keys)
	if err != nil {
		return err
	}
	for i, o := range outcomes {
		if good[i].Err = o.Err; errors.Is(o.Err, store.ErrUnavailable) {
			return o.Err
		}
	}
	return nil
}

// lookImport finds what Import would refuse, as far as it can be seen: whether
// the authenticator that is there is the same one, only Import knows.
func (s *session) lookImport(ctx context.Context, rows []*importfile.Row, ids []store.AccountID) error {
	i := -1
	for m, err := range s.admin.Status(ctx, s.by, ids...) {
		if err != nil {
			return err
		}
		i++
		switch {
		case m.State == admin.StateUnreadable:
			rows[i].Err = errors.New("its record does not open with these keys")
		case m.Authenticators > 0:
			rows[i].Err = errors.New("an authenticator is set up already; where it is the same, nothing is to be done")
		case m.Enrollment != enroll.Disabled && m.Enrollment != enroll.Pending:
			rows[i].Err = enroll.ErrTransition
		}
	}
	return nil
}

// importError says in the operator's words why a row was refused. What the
// library says of secrets repeats nothing of them.
func importError(err error) error {
	var state *enroll.TransitionError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, admin.ErrAlreadyEnrolled):
		return errors.New("an authenticator is set up already")
	case errors.As(err, &state), errors.Is(err, enroll.ErrTransition):
		return errors.New("the account was reset, or is a machine's")
	case sealed(err):
		return errors.New("its record does not open with these keys")
	}
	text := err.Error()
	for _, prefix := range []string{"totpflow: ", "totp: ", "store: ", "enroll: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return errors.New(screen.Clean(text))
}
