package command

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/database"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/keyfile"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
	"github.com/totpflow/totpflow/keyring"
)

// The journals of a rotation and of a run of reseal, beside the key file. They
// are apart: resealing must not end a rotation that is staged.
const (
	opRotate = "rotate"
	opReseal = "reseal"
)

func (a *app) keysRotate() *cobra.Command {
	var stage, resume bool
	c := &cobra.Command{
		Use:   "rotate",
		Short: "Add a new key to the key file, and seal every record with it",
		Long: `Puts a new key in front of the others in the key file, and seals every record again with it. The old keys stay until
"totpflow keys retire", to open records that they have sealed. The command reports what it would do; --yes does it. If it
is interrupted, the same command continues where it stopped; with --resume it does only that.

A process without the new key refuses records that are sealed with it. If the product may not pause, rotate in two steps:
--stage puts the new key into the file so that it opens records but does not seal them yet; give the file to every
process; then rotate makes the key the newest.`,
		Example: `  totpflow keys rotate --keys-file /etc/backup/totpflow.keys --reason "rotation of May" --yes`,
		Args:    args(),
		RunE: func(c *cobra.Command, _ []string) error {
			if stage && resume {
				return usagef("--stage and --resume cannot be combined")
			}
			return a.rotate(c.Context(), stage, resume)
		},
	}
	c.Flags().BoolVar(&stage, "stage", false, "only put the new key into the file, where it opens records but does not seal them yet")
	c.Flags().BoolVar(&resume, "resume", false, "only continue a rotation that was interrupted or staged")
	a.changeFlags(c)
	return c
}

func (a *app) keysReseal() *cobra.Command {
	c := &cobra.Command{
		Use:   "reseal",
		Short: "Seal records that are still under old keys with the newest key",
		Long: `Seals again every record that is not under the newest key: those that processes with an older ring have written since
the rotation. The keys stay as they are. The command reports what it would do; --yes does it.`,
		Example: `  totpflow keys reseal --keys-file /etc/backup/totpflow.keys --reason "rotation of May" --yes`,
		Args:    args(),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withKeys(c.Context(), opReseal, func(r *rotation) error {
				if r.journal.Key != r.newest() { // a new run, or one for an earlier newest key
					r.journal.Key, r.journal.Cursor, r.journal.Seen, r.journal.Changed = r.newest(), "", 0, 0
				}
				return r.seal(c.Context())
			})
		},
	}
	a.changeFlags(c)
	return c
}

// A rotation is what rotate and reseal work with.
type rotation struct {
	app  *app
	file *keyfile.File
	db   *database.DB
	by   admin.Operator

	journal keyfile.Journal
	resumed bool
}

// rotated is what --json prints of keys rotate and keys reseal.
type rotated struct {
	Command    string `json:"command"`
	DryRun     bool   `json:"dry_run"`
	KeysFile   string `json:"keys_file"`
	Database   string `json:"database"`
	Key        string `json:"key,omitempty"` // the newest; absent while it is not made
	Staged     bool   `json:"staged"`
	Resumed    bool   `json:"resumed"`
	Records    int    `json:"records"`
	Changed    int    `json:"changed"` // sealed again, or would be
	Unreadable int    `json:"unreadable"`
}

func (a *app) withKeys(ctx context.Context, operation string, do func(*rotation) error) error {
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
	r := &rotation{app: a, file: f, db: db, by: by}
	if r.journal, r.resumed, err = (&session{db: db}).begin(f, operation); err != nil {
		return err
	}
	// The key is noted before it is in the file: a key that never got there does not
	// count as a rotation.
	if r.resumed && r.journal.Key != "" && !slices.Contains(f.Ring().IDs(), r.journal.Key) {
		r.resumed, r.journal.Staged, r.journal.Cursor, r.journal.Seen, r.journal.Changed = false, false, "", 0, 0
	}
	return do(r)
}

func (a *app) rotate(ctx context.Context, stage, resume bool) error {
	return a.withKeys(ctx, opRotate, func(r *rotation) error {
		switch {
		case resume && !r.resumed:
			a.say("No rotation was interrupted: nothing to resume.")
			if a.asJSON {
				return a.screen.JSON(r.report(0, 0))
			}
			return nil
		case stage && r.resumed:
			return fmt.Errorf("a rotation is under way with the key %s; finish it with totpflow keys rotate", r.journal.Key)
		case stage:
			return r.stage()
		case !a.yes:
			return r.tell(ctx)
		}
		if err := r.front(); err != nil {
			return err
		}
		return r.seal(ctx)
	})
}

// stage puts a new key after the newest.
func (r *rotation) stage() error {
	if !r.app.yes {
		r.app.say("Would put a new key after %s in %s, which opens records but does not seal them yet.", r.newest(), r.file.Path())
		r.app.say(nothingChanged)
		return r.json(r.report(0, 0))
	}
	err := r.file.Replace(func(ring string) (next string, err error) {
		if next, r.journal.Key, err = keyfile.Stage(ring); err != nil {
			return "", err
		}
		r.journal.Staged = true
		return next, r.file.Note(r.journal)
	})
	if err != nil {
		return err
	}
	r.app.say("Staged %s in %s: it opens records, and %s still seals them.", r.journal.Key, r.file.Path(), r.newest())
	r.app.say("Give the file to every process that uses it; then totpflow keys rotate makes %s the newest.", r.journal.Key)
	return r.json(r.report(0, 0))
}

// front puts a new key, or the one that was staged, in front.
func (r *rotation) front() error {
	if r.resumed && r.newest() == r.journal.Key {
		return nil // only the records are left
	}
	return r.file.Replace(func(ring string) (next string, err error) {
		if r.resumed {
			next, err = keyfile.Promote(ring, r.journal.Key)
		} else {
			next, r.journal.Key, err = newKey(ring)
		}
		if err != nil {
			return "", err
		}
		r.journal.Staged = false
		return next, r.file.Note(r.journal)
	})
}

func newKey(ring string) (next, id string, err error) {
	if next, err = keyring.Rotate(ring); err != nil {
		return "", "", err
	}
	parsed, err := keyring.Parse(next)
	if err != nil {
		return "", "", err
	}
	return next, parsed.IDs()[0], nil
}

func (r *rotation) newest() string { return r.file.Ring().IDs()[0] }

func (r *rotation) report(records, changed int) rotated {
	return rotated{
		Command: "keys " + r.journal.Operation, DryRun: !r.app.yes, KeysFile: r.file.Path(), Database: r.db.URL().String(), Key: r.journal.Key,
		Staged: r.journal.Staged, Resumed: r.resumed, Records: records, Changed: changed,
	}
}

func (r *rotation) json(v any) error {
	if !r.app.asJSON {
		return nil
	}
	return r.app.screen.JSON(v)
}

// tell says what rotate would do.
func (r *rotation) tell(ctx context.Context) error {
	records, stale, err := survey(ctx, r.db, r.file.Ring())
	if err != nil {
		return err
	}
	a := r.app
	switch {
	case r.resumed && r.journal.Staged:
		a.say("Would make the staged key %s the newest in %s, and seal %s of %v with it.", r.journal.Key, r.file.Path(), screen.Plural(records, "record"), r.db.URL())
		a.say("Every process must have the file with this key by now: one without it refuses records that are sealed with the key.")
	case r.resumed:
		a.say("Would go on with the rotation of %s: %d of %d records are not yet under %s.", screen.Time(r.journal.Began), stale, records, r.journal.Key)
	default:
		a.say("Would put a new key in front of %s in %s, and seal %s of %v with it.", r.newest(), r.file.Path(), screen.Plural(records, "record"), r.db.URL())
		a.say("First stop every process that uses the ring: with its present ring it refuses records that are sealed with the new key.")
		a.say("If the product may not pause, begin with --stage.")
	}
	a.say(nothingChanged)
	if !r.resumed || r.journal.Staged {
		stale = records
	}
	return r.json(r.report(records, stale))
}

// seal moves records under old keys to the newest.
func (r *rotation) seal(ctx context.Context) error {
	a := r.app
	s, err := a.session(r.db, r.file.Ring(), r.by)
	if err != nil {
		return err
	}
	records, stale, err := survey(ctx, r.db, r.file.Ring())
	if err != nil {
		return err
	}
	if !a.yes {
		a.say("Would seal %d of %d records of %v again under %s.", stale, records, r.db.URL(), r.newest())
		a.say(nothingChanged)
		return r.json(r.report(records, stale))
	}
	sw := &sweep{
		file: r.file, session: s, journal: r.journal, what: "resealing",
		run: func(ctx context.Context, cursor string, progress func(admin.Progress)) error {
			return s.admin.Reseal(ctx, s.by, cursor, progress)
		},
	}
	if err := a.sweep(ctx, sw, records); err != nil {
		return err
	}
	out := r.report(sw.journal.Seen, sw.journal.Changed)
	out.Unreadable = len(sw.broken)
	a.say("%s under %s, the newest key; %d of them sealed again.", are(out.Records-out.Unreadable, "record"), out.Key, out.Changed)
	a.say("Give %s to every process that uses it. Then totpflow keys check says which old keys can be retired.", r.file.Path())
	if err := r.json(out); err != nil {
		return err
	}
	return sw.brokenError()
}
