package command

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/keyfile"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
	"github.com/totpflow/totpflow/keyring"
)

// opRestored names the journal of a run after a restore, beside the key file.
const opRestored = "restored"

const restoredLong = `Run it once, while the product is stopped, after its database was put back to an earlier state: codes, recovery codes
and trusted browsers that were used or ended since then are valid again in it. --at is when the backup was made.

It raises the epoch in the key file, which ends every session, machine key, trusted browser, sign-in under way, issued
code and link in a mail. For every account it marks the codes that apps have shown until now as used, and voids the
recovery codes that were made before the backup. If it is interrupted, the same command continues where it stopped.`

// noticed is what people will notice, and todo what the product must do.
var (
	noticed = []string{
		"Everybody signs in again, with a code: sessions and trusted browsers have ended.",
		"Keys of machine accounts have ended: register the machines again.",
		"Recovery codes from before the backup no longer work. People make new ones after signing in.",
		"Links in mails (\"it was not me\") and recovery codes by mail no longer work: send new ones.",
		"A code that an app shows right now counts as used. The next one works.",
		"People who have changed their phone since the backup are asked for a code of the old one.",
	}
	todo = []string{
		"Start every process with the key file as it is now.",
		"If the product does not call SessionValid, end its sessions from before the restore.",
		"Users whose generation is ahead of their record are refused (record_lost): they have changed something since the backup. Verify who they are, reset them, and set the generation that you keep for them to zero.",
		"Users who have set up since the backup, and for whom you keep no generation, have no second factor now: if it is optional, the password alone lets them in.",
		"Policies, resets, exemptions and freezes (\"it was not me\") since the backup are lost: find them in the log of events and repeat them. Reset an account that was frozen.",
		"Restore or void passwords that were changed since the backup: they are the product's own.",
	}
)

func (a *app) restored() *cobra.Command {
	var at string
	c := &cobra.Command{
		Use:     "restored --at <time>",
		Short:   "Make the records safe after a database restore",
		Long:    restoredLong,
		Example: `  totpflow restored --at 2025-05-01T03:00:00Z --keys-file /etc/backup/totpflow.keys --reason "disk failure" --yes`,
		Args:    args(),
		RunE: func(c *cobra.Command, _ []string) error {
			backup, err := parseTime("--at", at)
			if err != nil {
				return err
			}
			if backup.After(time.Now()) {
				return usagef("--at is in the future: it must be when the backup was made")
			}
			return a.runRestored(c.Context(), backup)
		},
	}
	c.Flags().StringVar(&at, "at", "", "the `TIME` (RFC 3339) at which the backup was made, such as 2025-05-01T03:00:00Z")
	a.changeFlags(c)
	return c
}

// restoredReport is what --json prints of restored.
type restoredReport struct {
	Command    string    `json:"command"`
	DryRun     bool      `json:"dry_run"`
	KeysFile   string    `json:"keys_file"`
	Database   string    `json:"database"`
	At         time.Time `json:"at"`
	Epoch      uint32    `json:"epoch"` // afterwards
	Resumed    bool      `json:"resumed"`
	Records    int       `json:"records"`
	Unreadable int       `json:"unreadable"`
	Noticed    []string  `json:"noticed"` // what people notice
	Todo       []string  `json:"todo"`    // what the product must do
}

func (a *app) runRestored(ctx context.Context, backup time.Time) error {
	by, err := a.changer()
	if err != nil {
		return err
	}
	f, release, err := a.lockKeys()
	if err != nil {
		return err
	}
	defer release()
	db, err := a.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.CheckIntegrity(ctx); err != nil { // the file may be a mixture, after a copy over one whose -wal was left there
		return err
	}
	here, err := a.session(db, f.Ring(), by)
	if err != nil {
		return err
	}
	if err := here.match(ctx); err != nil { // before the epoch, which ends every sign-in
		return err
	}
	j, resumed, err := here.begin(f, opRestored)
	if err != nil {
		return err
	}
	if resumed && !j.At.Equal(backup) {
		return usagef("the interrupted run is for a backup of %s; repeat it with that --at", j.At.Format(time.RFC3339))
	}
	records, _, err := survey(ctx, db, f.Ring())
	if err != nil {
		return err
	}
	out := restoredReport{
		Command: "restored", DryRun: !a.yes, KeysFile: f.Path(), Database: db.URL().String(), At: backup,
		Epoch: f.Ring().Epoch() + 1, Resumed: resumed, Records: records, Noticed: noticed, Todo: todo,
	}
	if resumed {
		out.Epoch = j.Epoch
	}
	if !a.yes {
		a.say("Would raise the epoch in %s to %d, and process %s of %s.", f.Path(), out.Epoch, screen.Plural(records, "record"), out.Database)
		return a.tellRestored(out)
	}
	j.At, j.Epoch = backup, out.Epoch
	if err := raiseEpoch(f, j); err != nil {
		return err
	}
	s, err := a.session(db, f.Ring(), by)
	if err != nil {
		return err
	}
	sw := &sweep{
		file: f, session: s, journal: j, what: "processing",
		run: func(ctx context.Context, cursor string, progress func(admin.Progress)) error {
			return s.admin.AfterDatabaseRestore(ctx, s.by, backup, cursor, progress)
		},
	}
	if err := a.sweep(ctx, sw, records); err != nil {
		return err
	}
	out.Records, out.Unreadable = sw.journal.Seen, len(sw.broken)
	a.say("The epoch is now %d, and %s safe.", out.Epoch, are(out.Records-out.Unreadable, "record"))
	if err := a.tellRestored(out); err != nil {
		return err
	}
	return sw.brokenError()
}

// raiseEpoch raises the epoch unless an interrupted run has done so. It is
// noted before it is done, so that it is done once.
func raiseEpoch(f *keyfile.File, j keyfile.Journal) error {
	if f.Ring().Epoch() >= j.Epoch {
		return nil
	}
	return f.Replace(func(ring string) (string, error) {
		next, err := keyring.RaiseEpoch(ring)
		if err != nil {
			return "", err
		}
		return next, f.Note(j)
	})
}

func (a *app) tellRestored(out restoredReport) error {
	if a.asJSON {
		return a.screen.JSON(out)
	}
	a.say("")
	a.say("What people will notice:")
	for _, line := range out.Noticed {
		a.say("  - %s", line)
	}
	a.say("")
	a.say("What the product still has to do:")
	for _, line := range out.Todo {
		a.say("  - %s", line)
	}
	if out.DryRun {
		a.say("")
		a.say(nothingChanged)
	}
	return nil
}
