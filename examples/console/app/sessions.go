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

// How long a session lasts at most. The session of an app that locks is long, because
// every unlock requires password and code. The session of a machine is short, because the
// machine has its key and can get another session at any time.
const (
	sessionAge        = 12 * time.Hour // also the time after which an app that reports no lock is locked
	deviceSessionAge  = 30 * 24 * time.Hour
	machineSessionAge = 15 * time.Minute
	choiceAge         = 10 * time.Minute
)

// A session belongs to a person who has passed every step of the sign-in, or to a
// machine. There is no session before that: web keeps the state between the password and
// the code.
type session struct {
	User  string
	Mark  totpflow.SessionMark // shows whether the session is still valid
	Began time.Time
	By    totpflow.Reason // how the second step was passed, or why there was none
	Locks bool            // belongs to an app that locks
}

// reasonChoosing marks the session of a person with several accounts, between the
// password and the choice of one. Such a session signs nobody in, and its empty mark is
// never valid.
const reasonChoosing totpflow.Reason = "choosing"

// sessions are those of browsers and of programs. A cookie or the header Authorization
// has the key of a session, and the table has only its hash.
type sessions struct {
	db   *sql.DB
	ring *keyring.Ring
}

// newKey makes a random key of 256 bits, and the hash of it that is stored.
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

// begin starts a session and returns its key. It also deletes sessions that have expired.
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

// find returns the session of a key, errSignedOut, or errLocked if the session belongs to
// an app that is locked.
func (s sessions) find(ctx context.Context, key string, now time.Time) (v session, err error) {
	var began int64
	var open bool
	err = s.db.QueryRowContext(ctx, `SELECT account, mark, reason, began, device IS NOT NULL, device IS NULL OR windows > 0 AND open_until > ?
		FROM sessions WHERE key = ? AND expires > ?`, now.Unix(), hashKey(key), now.Unix()).
		Scan(&v.User, &v.Mark, &v.By, &began, &v.Locks, &open)
	switch {
	case err != nil:
		return session{}, orSignedOut(err)
	case !open:
		return session{}, errLocked
	}
	v.Began = time.Unix(0, began)
	return v, nil
}

// orSignedOut turns the error of a search for a session into errSignedOut if there is none.
func orSignedOut(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return errSignedOut
	}
	return unavailable(err)
}

// end ends the session of a key, and reports whether it has: of two requests with the
// same key, only one continues.
func (s sessions) end(ctx context.Context, key string) (ended bool, err error) {
	n, err := exec(ctx, s.db, `DELETE FROM sessions WHERE key = ?`, hashKey(key))
	return n > 0, err
}
