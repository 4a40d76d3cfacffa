package app

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/totpflow/totpflow/web"
)

// A backup is one that is kept. It is encrypted with a key of its own.
type backup struct {
	ID        string
	Machine   string
	Taken     time.Time
	Gigabytes int
	key       string // what it is encrypted with, in hexadecimal digits
}

// archive is the table of backups. A person who asks it says for whom: it knows no
// backup but those that the user may see, and an id of others is like one that
// nobody has.
type archive struct{ db *sql.DB }

// seen is the condition for what a user may see: administrators what the
// organisation has, everybody else their own. Its arguments are those of only.
const seen = `tenant = ? AND (owner = ? OR ?)`

func only(u user) []any { return []any{u.Tenant.ID, u.ID, u.Administers()} }

// pageSize is how many backups a program is told of at once, and quota is how many an
// owner may have: whoever has the key of one machine must not be able to make the list of
// the organisation so long that nobody reads it.
const (
	pageSize = 200
	quota    = 1000
)

// errQuota means that the owner has as many backups as there may be.
var errQuota = errors.New("the owner has too many backups")

const (
	selectBackups = `SELECT id, machine, taken, gigabytes, key FROM backups WHERE ` + seen
	newestFirst   = ` ORDER BY taken DESC, id`
)

// list returns the backups that a user may see, the newest first.
func (a archive) list(ctx context.Context, u user) ([]backup, error) {
	return a.query(ctx, selectBackups+newestFirst, only(u)...)
}

// page returns some of the backups of list: those that follow the place after, which is
// the next of the page before, and empty for the first.
func (a archive) page(ctx context.Context, u user, after string) (found []backup, next string, err error) {
	taken, id := int64(math.MaxInt64), ""
	if after != "" {
		seconds, last, ok := strings.Cut(after, "-")
		if taken, err = strconv.ParseInt(seconds, 10, 64); err != nil || !ok {
			return nil, "", errMalformed
		}
		id = last
	}
	found, err = a.query(ctx, selectBackups+` AND (taken < ? OR taken = ? AND id > ?)`+newestFirst+` LIMIT ?`,
		append(only(u), taken, taken, id, pageSize+1)...)
	if err != nil || len(found) <= pageSize {
		return found, "", err
	}
	found = found[:pageSize]
	last := found[pageSize-1]
	return found, strconv.FormatInt(last.Taken.Unix(), 10) + "-" + last.ID, nil
}

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
		err = scan(&b.ID, &b.Machine, &taken, &b.Gigabytes, &b.key)
		b.Taken = time.Unix(taken, 0).UTC()
		return b, err
	}, text, args...)
}

// add keeps a new backup of a machine for its owner, or returns errQuota.
func (a archive) add(ctx context.Context, owner user, b backup) (backup, error) {
	key := make([]byte, 32)
	rand.Read(key) // never fails, by its contract
	b.ID, b.key = strings.ToLower(rand.Text()[:10]), hex.EncodeToString(key)
	n, err := exec(ctx, a.db, `INSERT INTO backups (id, tenant, owner, machine, taken, gigabytes, key)
		SELECT ?, ?, ?, ?, ?, ?, ? WHERE (SELECT count(*) FROM backups WHERE owner = ?) < ?`,
		b.ID, owner.Tenant.ID, owner.ID, b.Machine, b.Taken.Unix(), b.Gigabytes, b.key, owner.ID, quota)
	if err == nil && n == 0 {
		err = errQuota
	}
	return b, err
}

// delete ends a backup for good.
func (a archive) delete(ctx context.Context, u user, id string) error {
	n, err := exec(ctx, a.db, `DELETE FROM backups WHERE id = ? AND `+seen, append([]any{id}, only(u)...)...)
	if err == nil && n == 0 {
		err = web.ErrNotFound
	}
	return err
}

// demoBackups are those of the demo accounts.
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

// newArchive fills an empty table with the backups of the demo.
func newArchive(ctx context.Context, users *users, now time.Time) (archive, error) {
	a := archive{users.db}
	var n int
	if err := a.db.QueryRowContext(ctx, `SELECT count(*) FROM backups`).Scan(&n); err != nil || n > 0 {
		return a, err
	}
	for _, d := range demoBackups {
		owners, err := users.list(ctx, selectUsers+`WHERE people.email = ? AND tenants.id = ?`, d.email, d.tenant)
		if err != nil {
			return a, err
		}
		for _, owner := range owners {
			if _, err := a.add(ctx, owner, backup{Machine: d.machine, Taken: now.Add(-d.ago), Gigabytes: d.gigabytes}); err != nil {
				return a, err
			}
		}
	}
	return a, nil
}
