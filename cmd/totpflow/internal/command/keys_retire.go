package command

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/keyfile"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
	"github.com/totpflow/totpflow/keyring"
)

func (a *app) keysRetire() *cobra.Command {
	c := &cobra.Command{
		Use:   "retire <id>",
		Short: "Remove an old key that no record needs",
		Long: `Removes an old key from the key file. It refuses while a record is sealed with the key; "totpflow keys reseal" moves the
remaining ones. Everything else that the key has signed ends: browsers that were trusted under it are asked for a code
once more, unless you wait until their trust expires (90 days at most) after the rotation.

Backups of the database from before the rotation do not open without the key: keep the old ring with them.`,
		Example: `  totpflow keys retire 5d2c8f07 --keys-file /etc/backup/totpflow.keys --reason "rotation of May"`,
		Args:    args("<id>"),
		RunE:    func(c *cobra.Command, args []string) error { return a.retire(c.Context(), args[0]) },
	}
	a.changeFlags(c)
	return c
}

// retired is what --json prints of keys retire.
type retired struct {
	Command  string   `json:"command"`
	KeysFile string   `json:"keys_file"`
	Key      string   `json:"key"`
	Left     []string `json:"left"` // the ids of the keys that are left, newest first
}

func (a *app) retire(ctx context.Context, id string) error {
	by, err := a.changer()
	if err != nil {
		return err
	}
	f, release, err := a.lockKeys()
	if err != nil {
		return err
	}
	defer release()
	switch i := slices.Index(f.Ring().IDs(), id); i {
	case -1:
		return notFound{fmt.Errorf("the ring has no key %s; totpflow keys check lists them", id)}
	case 0:
		return fmt.Errorf("%s is the newest key and cannot be removed: rotate first", id)
	}
	if err := a.unneeded(ctx, f, by, id); err != nil {
		return err
	}
	if err := a.confirm(ctx, fmt.Sprintf("Remove the key %s from %s? This cannot be undone.", id, f.Path())); err != nil {
		return err
	}
	if err := f.Replace(func(ring string) (string, error) { return keyring.Retire(ring, id) }); err != nil {
		return err
	}
	if j, ok, err := f.Journal(opRotate); err == nil && ok && j.Staged && j.Key == id {
		if err := f.Finish(opRotate); err != nil { // a rotation that was staged, and is given up
			return err
		}
	}
	// The library has no event for it: a key does not belong to an account.
	slog.New(slog.NewTextHandler(a.events, nil)).InfoContext(ctx, "second factor", "kind", "key_retired", "key", id,
		"actor", "operator "+by.Name, "reason", by.Reason)
	if a.asJSON {
		return a.screen.JSON(retired{"keys retire", f.Path(), id, f.Ring().IDs()})
	}
	a.say("Removed %s from %s. Give the ring to every process that uses it.", id, f.Path())
	return nil
}

// unneeded refuses while a record is under the key.
func (a *app) unneeded(ctx context.Context, f *keyfile.File, by admin.Operator, id string) error {
	db, err := a.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	s, err := a.session(db, f.Ring(), by)
	if err != nil {
		return err
	}
	c, err := s.check(ctx, f.Ring())
	if err != nil {
		return err
	}
	for _, use := range c.Keys {
		if use.ID == id && use.Records > 0 {
			return fmt.Errorf("%s still sealed with %s: totpflow keys reseal moves them", are(use.Records, "record"), id)
		}
	}
	return nil
}

// are returns "1 record is", "2 records are".
func are(n int, noun string) string {
	if n == 1 {
		return screen.Plural(n, noun) + " is"
	}
	return screen.Plural(n, noun) + " are"
}
