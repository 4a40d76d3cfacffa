package app

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// A user is one account of the console.
type user struct {
	ID    string // never changes, unlike the address
	Email string
	Name  string

	// Anchor is what totpflow last said of the account's factors. Kept here,
	// apart from them, it shows when their record was lost or put back.
	Anchor uint64
}

type users struct {
	db    *sql.DB
	dummy string // the hash of no password, see authenticate
}

const usersTable = `CREATE TABLE IF NOT EXISTS users (
	id       TEXT PRIMARY KEY,
	email    TEXT NOT NULL UNIQUE,
	name     TEXT NOT NULL,
	password TEXT NOT NULL,
	anchor   INTEGER NOT NULL DEFAULT 0
) STRICT`

// DemoAccount is one that New creates in an empty database.
type DemoAccount struct{ Email, Password, Name string }

// DemoAccounts are published with the source: not for earnest use.
var DemoAccounts = []DemoAccount{
	{"admin@acme.example", "correct-horse-1", "Alex Winter"},
	{"ana@acme.example", "correct-horse-2", "Ana Soler"},
}

func newUsers(ctx context.Context, db *sql.DB) (*users, error) {
	u := &users{db: db, dummy: hashPassword(rand.Text())}
	if _, err := db.ExecContext(ctx, usersTable); err != nil {
		return nil, err
	}
	return u, u.createDemo(ctx)
}

// createDemo creates the demo accounts, all or none, if there are no accounts.
func (u *users) createDemo(ctx context.Context) error {
	tx, err := u.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var n int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM users`).Scan(&n); err != nil || n > 0 {
		return err
	}
	for _, a := range DemoAccounts {
		if _, err := tx.ExecContext(ctx, `INSERT INTO users (id, email, name, password) VALUES (?, ?, ?, ?)`,
			rand.Text(), a.Email, a.Name, hashPassword(a.Password)); err != nil {
			return err
		}
	}
	return tx.Commit()
}

var errPassword = errors.New("e-mail address and password do not match")

// authenticate returns the user of an address and its password, or errPassword.
// For an address that nobody has it does the same work, so that the time taken
// does not tell which addresses have an account.
//
// A product must limit guesses of passwords as well, by account and by address
// of the network, in front of this. The second factor limits guesses of codes.
func (u *users) authenticate(ctx context.Context, email, password string) (user, error) {
	found, hash, err := u.one(ctx, `email = ?`, strings.ToLower(strings.TrimSpace(email)))
	unknown := errors.Is(err, sql.ErrNoRows)
	switch {
	case unknown:
		hash = u.dummy
	case err != nil:
		return user{}, unavailable(err)
	}
	ok, err := verifyPassword(hash, password)
	switch {
	case err != nil:
		return user{}, fmt.Errorf("account %s: %w", found.ID, err)
	case !ok || unknown:
		return user{}, errPassword
	}
	return found, nil
}

// byID returns the user, or an error that is sql.ErrNoRows.
func (u *users) byID(ctx context.Context, id string) (user, error) {
	found, _, err := u.one(ctx, `id = ?`, id)
	if err != nil {
		return user{}, unavailable(err)
	}
	return found, nil
}

func (u *users) one(ctx context.Context, where string, arg any) (found user, hash string, err error) {
	err = u.db.QueryRowContext(ctx, `SELECT id, email, name, password, anchor FROM users WHERE `+where, arg).
		Scan(&found.ID, &found.Email, &found.Name, &hash, &found.Anchor)
	return found, hash, err
}

// keepAnchor remembers the anchor where it is larger than the one kept.
func (u *users) keepAnchor(ctx context.Context, id string, anchor uint64) error {
	if _, err := u.db.ExecContext(ctx, `UPDATE users SET anchor = ? WHERE id = ? AND anchor < ?`, anchor, id, anchor); err != nil {
		return unavailable(err)
	}
	return nil
}
