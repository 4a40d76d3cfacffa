package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/web"
)

// A user is one account of a person in a tenant.
type user struct {
	ID     string // never changes, unlike the address
	Person string // the owner; one person may have accounts in several tenants
	Email  string
	Name   string
	Tenant tenant
	Role   role

	// Several reports whether the person has other accounts, too.
	Several bool

	// Language is the tag of the language of the last visit, or empty if there was none.
	Language string

	// Generation is the generation of the account's factors that totpflow reported last.
	// It is kept here, apart from the factors, so it shows whether their record was lost,
	// or an older one put back.
	Generation uint64
}

type role string

const (
	roleUser    role = "user"
	roleAdmin   role = "admin"   // of the tenant and those below it
	roleMachine role = "machine" // of a backup agent
)

// String returns the role as programs read it. Pages have their own texts for it.
func (r role) String() string {
	if r == roleAdmin {
		return "administrator"
	}
	return string(r)
}

// Organisation returns the tenant's name, for pages.
func (u user) Organisation() string { return u.Tenant.Name }

// Administers reports whether this user may see the pages of administrators.
func (u user) Administers() bool { return u.Role == roleAdmin }

// account returns the user as the second factor knows it. The authenticator app shows the
// name, which tells the accounts of one person apart.
func (u user) account() totpflow.User {
	name := u.Email
	if u.Several {
		name += ", " + strings.ReplaceAll(u.Tenant.Name, ":", " ")
	}
	return totpflow.User{ID: totpflow.AccountID{Tenant: u.Tenant.ID, User: u.ID}, Name: name, Generation: u.Generation}
}

type users struct{ db *sql.DB }

// dummy is a hash that no password has, see authenticate.
var dummy = sync.OnceValue(func() string { return hashPassword(rand.Text()) })

// A DemoAccount is a person whom New creates in an empty database.
type DemoAccount struct {
	Email, Password, Name string
	What                  string // in words
	roles                 map[string]role
}

// DemoAccounts are published with the source, so they are not for production.
var DemoAccounts = []DemoAccount{
	{"admin@acme.example", "correct-horse-1", "Alex Winter", "administrator", map[string]role{"acme": roleAdmin}},
	{"ana@acme.example", "correct-horse-2", "Ana Soler", "user", map[string]role{"acme": roleUser}},
	{"nora@north.example", "correct-horse-3", "Nora Lind", "administrator of the provider", map[string]role{"north": roleAdmin}},
	{"mika@north.example", "correct-horse-4", "Mika Berg", "accounts in two organisations", map[string]role{"acme": roleAdmin, "north": roleUser}},
	{"ben@acme.example", "correct-horse-5", "Ben Okafor", "user in the Berlin unit", map[string]role{"acme-berlin": roleUser}},
	{"agent@acme.example", "correct-horse-6", "Backup agent of files-01", "machine", map[string]role{"acme": roleMachine}},
}

// create makes the tables of a new file, and the demo accounts with their backups.
func create(ctx context.Context, db *sql.DB, now time.Time) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	created, err := createTables(ctx, tx)
	if err == nil && created {
		err = cmp.Or(createDemo(ctx, tx), createDemoBackups(ctx, tx, now))
	}
	return cmp.Or(err, tx.Commit())
}

// demoHashes returns the hashes of their passwords. They are slow to make, so they are
// made once.
var demoHashes = sync.OnceValue(func() (hashes []string) {
	for _, a := range DemoAccounts {
		hashes = append(hashes, hashPassword(a.Password))
	}
	return hashes
})

func createDemo(ctx context.Context, tx *sql.Tx) error {
	for i, a := range DemoAccounts {
		person := rand.Text()
		if _, err := tx.ExecContext(ctx, `INSERT INTO people (id, email, name, password) VALUES (?, ?, ?, ?)`, person, a.Email, a.Name, demoHashes()[i]); err != nil {
			return err
		}
		for tenant, role := range a.roles {
			if _, err := tx.ExecContext(ctx, `INSERT INTO users (id, person, tenant, role) VALUES (?, ?, ?, ?)`, rand.Text(), person, tenant, role); err != nil {
				return err
			}
		}
	}
	return nil
}

// authenticate returns the accounts of the person with this address and password, or
// web.ErrPassword. Most people have one account. For an address that nobody has it does
// the same work, so that the time taken does not show which addresses are known. The work
// is also the same for one account and for several, so that the time does not show how
// many organisations a person belongs to.
//
// A product must also limit guesses of passwords before this call, by account and by
// network address. The second factor limits guesses of codes.
func (u users) authenticate(ctx context.Context, email, password string) ([]user, error) {
	person, hash := "", dummy()
	err := u.db.QueryRowContext(ctx, `SELECT id, password FROM people WHERE email = ?`, strings.ToLower(strings.TrimSpace(email))).
		Scan(&person, &hash)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, unavailable(err)
	}
	ok, err := verifyPassword(hash, password)
	switch {
	case err != nil:
		return nil, fmt.Errorf("person %s: %w", person, err)
	case !ok || person == "":
		return nil, web.ErrPassword
	}
	found, err := u.ofPerson(ctx, person)
	if err == nil && len(found) == 0 { // a person who has left every organisation
		err = web.ErrPassword
	}
	return found, err
}

// byID returns the user, or an error that matches sql.ErrNoRows.
func (u users) byID(ctx context.Context, id string) (user, error) {
	found, err := u.list(ctx, selectUsers+`WHERE users.id = ?`, id)
	if err == nil && len(found) == 0 {
		err = sql.ErrNoRows
	}
	if err != nil {
		return user{}, err
	}
	return found[0], nil
}

// ofPerson returns the accounts of a person.
func (u users) ofPerson(ctx context.Context, person string) ([]user, error) {
	return u.list(ctx, selectUsers+`WHERE people.id = ? ORDER BY tenants.name`, person)
}

// selectUsers is followed by a condition.
const selectUsers = `SELECT users.id, people.id, people.email, people.name, people.language, users.role, users.generation,
	(SELECT count(*) FROM users AS own WHERE own.person = people.id) > 1,
	tenants.id, tenants.name, tenants.kind
	FROM users JOIN people ON people.id = users.person JOIN tenants ON tenants.id = users.tenant `

func (u users) list(ctx context.Context, text string, args ...any) ([]user, error) {
	return query(ctx, u.db, func(scan func(...any) error) (x user, err error) {
		return x, scan(&x.ID, &x.Person, &x.Email, &x.Name, &x.Language, &x.Role, &x.Generation, &x.Several,
			&x.Tenant.ID, &x.Tenant.Name, &x.Tenant.Kind)
	}, text, args...)
}

// ofTenants returns the accounts of these tenants.
func (u users) ofTenants(ctx context.Context, ids []string) ([]user, error) {
	of, _ := json.Marshal(ids) // texts always have an encoding
	return u.list(ctx, selectUsers+`WHERE tenants.id IN (SELECT value FROM json_each(?)) ORDER BY people.name, people.email, users.id`, string(of))
}

// accountName is Config.AccountName of web.
func (u users) accountName(ctx context.Context, id totpflow.AccountID) (string, error) {
	found, err := u.byID(ctx, id.User)
	return found.account().Name, err
}

// role is Config.Role. An account that does not exist is an error, which refuses.
func (u users) role(ctx context.Context, id totpflow.AccountID) (string, error) {
	found, err := u.byID(ctx, id.User)
	return string(found.Role), err
}

// delete removes an account, if it still exists, and the person if it was their last one.
func (u users) delete(ctx context.Context, id string) error {
	tx, err := u.db.BeginTx(ctx, nil)
	if err != nil {
		return unavailable(err)
	}
	defer tx.Rollback()
	_, first := tx.ExecContext(ctx, `DELETE FROM users WHERE id = ?`, id)
	_, second := tx.ExecContext(ctx, `DELETE FROM people WHERE id NOT IN (SELECT person FROM users)`)
	if err := cmp.Or(first, second, tx.Commit()); err != nil {
		return unavailable(err)
	}
	return nil
}

// keepLanguage remembers the language that a person uses, for their mails.
func (u users) keepLanguage(ctx context.Context, of user, tag string) error {
	if tag == of.Language {
		return nil
	}
	_, err := exec(ctx, u.db, `UPDATE people SET language = ? WHERE id = ?`, tag, of.Person)
	return err
}

// keepGeneration remembers the generation if it is larger than the one that is stored.
// Otherwise a person who can write to the database could put an earlier record back, and
// a phone that was lost could sign in again.
func (u users) keepGeneration(ctx context.Context, id totpflow.AccountID, generation uint64) error {
	_, err := exec(ctx, u.db, `UPDATE users SET generation = ? WHERE id = ? AND generation < ?`, generation, id.User, generation)
	return err
}
