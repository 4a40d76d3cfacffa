package app

import (
	"context"
	"crypto/rand"
	"database/sql"
	"math"
	"strings"
	"time"

	"github.com/totpflow/totpflow/examples/internal/words"
	"github.com/totpflow/totpflow/web"
)

// A backup is an entry of the archive.
type backup struct {
	ID        string    `json:"id"`
	Machine   string    `json:"machine"`
	Taken     time.Time `json:"taken"`
	Gigabytes int       `json:"gigabytes"`
}

// archive is the table of backups. Every call names the user that it is for. It finds
// only the backups that this user may see, and the id of any other backup looks like one
// that does not exist.
type archive struct{ db *sql.DB }

// seen is the condition for what a user may see: administrators see the backups of the
// organisation, everyone else their own. Its arguments come from only(u).
const seen = `tenant = ? AND (owner = ? OR ?)`

func only(u user) []any { return []any{u.Tenant.ID, u.ID, u.Administers()} }

// quota is how many backups an owner may have: a person who has the key of one machine
// must not be able to make the organisation's list so long that nobody reads it.
const quota = 1000

const selectBackups = `SELECT id, machine, taken, gigabytes FROM backups WHERE ` + seen

// page returns up to limit of the backups that a user may see, newest first, and whether
// there are more. It begins after the place after, and leaves out the first skip backups
// from there.
func (a archive) page(ctx context.Context, u user, after place, skip, limit int) (found []backup, more bool, err error) {
	found, err = a.query(ctx, selectBackups+` AND (taken < ? OR taken = ? AND id > ?) ORDER BY taken DESC, id LIMIT ? OFFSET ?`,
		append(only(u), after.taken, after.taken, after.id, limit+1, skip)...)
	if len(found) > limit {
		return found[:limit], true, err
	}
	return found, false, err
}

// A place is a position in a list of backups. It stays the same when other backups come
// and go.
type place struct {
	taken int64
	id    string
}

// newest is the place before every backup.
var newest = place{taken: math.MaxInt64}

// find returns one of the backups that a user may see, or web.ErrNotFound.
func (a archive) find(ctx context.Context, u user, id string) (backup, error) {
	found, err := a.query(ctx, selectBackups+` AND id = ?`, append(only(u), id)...)
	if err == nil && len(found) == 0 {
		err = web.ErrNotFound
	}
	if err != nil {
		return backup{}, err
	}
	return found[0], nil
}

func (a archive) query(ctx context.Context, text string, args ...any) ([]backup, error) {
	return query(ctx, a.db, func(scan func(...any) error) (b backup, err error) {
		var taken int64
		err = scan(&b.ID, &b.Machine, &taken, &b.Gigabytes)
		b.Taken = time.Unix(taken, 0).UTC()
		return b, err
	}, text, args...)
}

func newBackupID() string { return strings.ToLower(rand.Text()[:10]) }

// add stores a new backup of a machine for its owner, or returns errQuota.
func (a archive) add(ctx context.Context, owner user, b backup) (backup, error) {
	b.ID = newBackupID()
	n, err := exec(ctx, a.db, `INSERT INTO backups (id, tenant, owner, machine, taken, gigabytes)
		SELECT ?, ?, ?, ?, ?, ? WHERE (SELECT count(*) FROM backups WHERE owner = ?) < ?`,
		b.ID, owner.Tenant.ID, owner.ID, b.Machine, b.Taken.Unix(), b.Gigabytes, owner.ID, quota)
	if err == nil && n == 0 {
		err = errQuota
	}
	return b, err
}

// delete deletes a backup for good.
func (a archive) delete(ctx context.Context, u user, id string) error {
	n, err := exec(ctx, a.db, `DELETE FROM backups WHERE id = ? AND `+seen, append([]any{id}, only(u)...)...)
	if err == nil && n == 0 {
		err = web.ErrNotFound
	}
	return err
}

// size formats an amount of data.
func size(l *words.Language, gigabytes int) string {
	if gigabytes >= 1000 {
		return l.Number(float64(gigabytes)/1000, 1) + " TB"
	}
	return l.Number(float64(gigabytes), 0) + " GB"
}

// demoBackups are the backups of the demo accounts.
var demoBackups = []struct {
	email, tenant, machine string
	ago                    time.Duration
	gigabytes              int
}{
	{"agent@acme.example", "acme", "files-01", 17 * time.Minute, 1840},
	{"agent@acme.example", "acme", "files-01", 25 * time.Hour, 1836},
	{"agent@acme.example", "acme", "mail-archive", 5 * time.Hour, 655},
	{"agent@acme.example", "acme", "erp-db", 6 * time.Minute, 94},
	{"ana@acme.example", "acme", "ana-laptop", 96 * time.Minute, 212},
	{"ana@acme.example", "acme", "ana-phone", 9 * time.Hour, 38},
	{"ben@acme.example", "acme-berlin", "ben-laptop", 3 * time.Hour, 87},
	{"nora@north.example", "north", "north-vault", 2 * time.Hour, 4410},
}

func createDemoBackups(ctx context.Context, tx *sql.Tx, now time.Time) error {
	for _, d := range demoBackups {
		_, err := tx.ExecContext(ctx, `INSERT INTO backups (id, tenant, owner, machine, taken, gigabytes)
			SELECT ?, tenant, users.id, ?, ?, ? FROM users JOIN people ON people.id = person WHERE email = ? AND tenant = ?`,
			newBackupID(), d.machine, now.Add(-d.ago).Unix(), d.gigabytes, d.email, d.tenant)
		if err != nil {
			return err
		}
	}
	return nil
}
