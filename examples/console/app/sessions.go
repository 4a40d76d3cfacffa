package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/keyring"
)

// How long a session lasts at the most. That of an app that locks is long: every time it is
// opened takes password and code. That of a machine is short: it has its key and can have
// another one at any time.
const (
	sessionAge        = 12 * time.Hour // and how long an app stays open that says nothing of its lock
	deviceSessionAge  = 30 * 24 * time.Hour
	machineSessionAge = 15 * time.Minute
	choiceAge         = 10 * time.Minute
)

// A session is that of a person who has passed every step of the sign-in, or of a machine.
// There is none before: the state between the password and the code is web's.
type session struct {
	User  string
	Mark  totpflow.SessionMark // reports whether it is still valid
	Began time.Time
	By    totpflow.Reason // how the second step was passed, or why there was none
	Locks bool            // it is that of an app that locks
}

// reasonChoosing is that of a person with several accounts, between the password and the
// choice of one. It signs nobody in, and an empty mark is never valid.
const reasonChoosing totpflow.Reason = "choosing"

// sessions are those of browsers and of programs, by the key that a cookie or the header
// Authorization has. The table has only its hash.
type sessions struct {
	db   *sql.DB
	ring *keyring.Ring
}

// newKey makes a random key of 256 bits, and the hash of it that is kept.
func newKey() (key string, hash []byte) {
	random := make([]byte, 32)
	rand.Read(random) // never fails, by its contract
	key = hex.EncodeToString(random)
	return key, hashKey(key)
}

func hashKey(key string) []byte {
	hash := sha256.Sum256([]byte(key))
	return hash[:]
}

// begin starts a session and returns its key. It deletes sessions that have expired.
func (s sessions) begin(ctx context.Context, v session, age time.Duration) (key string, expires time.Time, err error) {
	key, hash := newKey()
	expires = v.Began.Add(age).UTC().Truncate(time.Second)
	_, first := exec(ctx, s.db, `DELETE FROM sessions WHERE expires <= ?`, v.Began.Unix())
	_, second := exec(ctx, s.db, `INSERT INTO sessions (key, account, mark, reason, began, expires) VALUES (?, ?, ?, ?, ?, ?)`,
		hash, v.User, string(v.Mark), string(v.By), v.Began.UnixNano(), expires.Unix())
	if err := cmp.Or(first, second); err != nil {
		return "", time.Time{}, err
	}
	return key, expires, nil
}

// find returns the session of a key, errSignedOut, or errLocked for that of an app that
// is locked.
func (s sessions) find(ctx context.Context, key string, now time.Time) (v session, err error) {
	var began int64
	var open bool
	err = s.db.QueryRowContext(ctx, `SELECT account, mark, reason, began, device IS NOT NULL, device IS NULL OR windows > 0 AND open_until > ?
		FROM sessions WHERE key = ? AND expires > ?`, now.Unix(), hashKey(key), now.Unix()).
		Scan(&v.User, &v.Mark, &v.By, &began, &v.Locks, &open)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return session{}, errSignedOut
	case err != nil:
		return session{}, unavailable(err)
	case !open:
		return session{}, errLocked
	}
	v.Began = time.Unix(0, began)
	return v, nil
}

// end ends the session of a key. It reports whether it has: of two requests with the same
// key, one gets on.
func (s sessions) end(ctx context.Context, key string) (ended bool, err error) {
	n, err := exec(ctx, s.db, `DELETE FROM sessions WHERE key = ?`, hashKey(key))
	return n > 0, err
}
