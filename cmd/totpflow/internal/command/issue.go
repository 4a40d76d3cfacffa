package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
	"github.com/totpflow/totpflow/store"
)

func (a *app) issueCode() *cobra.Command {
	var tenant, path string
	c := &cobra.Command{
		Use:   "issue-code <user> --out <file>",
		Short: "Make a recovery code that leads a person to a new set-up",
		Long: `Makes a code that leads the person, after the password, to a new set-up, once and within 24 hours. It is for people who
were reset and whose password alone is not enough: the account was frozen ("it was not me"), the policy says issued-code,
or the reset was more than 24 hours ago. In the product, administrators send
such codes by mail; this command is for when nobody
can.

The code goes into a new file that only you can read, and is shown nowhere. Give it only to the person, and delete the
file: anyone who has it and the password gets in. The code is void once another one is issued or the password changes;
for 24 hours after a password change none is issued.`,
		Example: `  totpflow issue-code 42 --tenant acme --out 42.code --reason "ticket 4711: seen in person"`,
		Args:    args("<user>"),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := accountID(tenant, args[0])
			switch {
			case err != nil:
				return err
			case path == "":
				return usagef("--out is missing: name a new file for the code, which is not shown")
			case path == "-":
				return usagef("--out must be the name of a file: the code is a secret, and is not shown")
			}
			return a.change(c, a.issuance(id, path))
		},
	}
	tenantFlag(c, &tenant)
	c.Flags().StringVar(&path, "out", "", "the new `FILE` for the code, which must not exist yet (required)")
	a.namesFlag(c)
	a.changeFlags(c)
	return c
}

// issuance returns the change that writes a code for the account into a new file.
func (a *app) issuance(id store.AccountID, path string) change {
	var expires time.Time
	return change{
		name: "issue-code", id: id,
		what: fmt.Sprintf("Make a code with which %s sets up again, and write it to %s?", a.label(id), screen.Clean(path)),
		said: "wrote a code to " + path,
		do: func(ctx context.Context, s *session) (err error) {
			expires, err = s.issueInto(ctx, id, path)
			return err
		},
		after: func(_ context.Context, _ *session, out *changed) string {
			out.File, out.Expires = path, expires
			return ", which after the password leads to a new set-up, once, until " + screen.Time(expires) +
				"; give it only to the person, and delete the file"
		},
	}
}

// issueInto makes the file first: the new code ends the old one, so it must not get lost.
func (s *session) issueInto(ctx context.Context, id store.AccountID, path string) (expires time.Time, err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // never a terminal, nor a file that others read
	if errors.Is(err, fs.ErrExist) {
		return expires, fmt.Errorf("%s exists already; name a new file for the code", path)
	}
	if err != nil {
		return expires, err
	}
	defer func() {
		if err = cmp.Or(err, file.Close()); err != nil {
			_ = os.Remove(path)
		}
	}()
	err = s.admin.IssueRecoveryCode(ctx, s.by, id, func(_ context.Context, c admin.IssuedCode) error {
		expires = c.Expires
		_, err := io.WriteString(file, c.Code+"\n")
		return cmp.Or(err, file.Sync())
	})
	return expires, err
}
