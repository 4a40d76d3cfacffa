package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/totpflow/totpflow/keyring"
)

// How long a session of the API lasts at the most. That of an app that locks is
// long: every time it is opened takes password and code. That of a machine is
// short: it has its key and can have another one at any time.
const (
	apiSessionAge     = 12 * time.Hour // and how long an app stays open that says nothing of its lock
	deviceSessionAge  = 30 * 24 * time.Hour
	machineSessionAge = 15 * time.Minute
)

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

// apiSessions are the sessions of programs, by the key that they show.
type apiSessions struct {
	db   *sql.DB
	ring *keyring.Ring
}

// begin starts a session and returns its key. It deletes sessions that have expired.
func (s apiSessions) begin(ctx context.Context, v session, age time.Duration) (key string, expires time.Time, err error) {
	key, hash := newKey()
	expires = v.Began.Add(age).UTC().Truncate(time.Second)
	_, first := exec(ctx, s.db, `DELETE FROM api_sessions WHERE expires <= ?`, v.Began.Unix())
	_, second := exec(ctx, s.db, `INSERT INTO api_sessions (key, account, mark, reason, began, expires) VALUES (?, ?, ?, ?, ?, ?)`,
		hash, v.User, string(v.Mark), string(v.By), v.Began.UnixNano(), expires.Unix())
	if err := cmp.Or(first, second); err != nil {
		return "", time.Time{}, err
	}
	return key, expires, nil
}

// find returns the session of a key, errSignedOut, or errLocked for that of an app that
// is locked.
func (s apiSessions) find(ctx context.Context, key string, now time.Time) (v session, err error) {
	var began int64
	var open bool
	err = s.db.QueryRowContext(ctx, `SELECT account, mark, reason, began, device IS NOT NULL, device IS NULL OR windows > 0 AND open_until > ?
		FROM api_sessions WHERE key = ? AND expires > ?`, now.Unix(), hashKey(key), now.Unix()).
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

// spend ends the session of a key, or returns errSignedOut where somebody else has: of two
// requests with the same key one gets on.
func (s apiSessions) spend(ctx context.Context, key string) error {
	n, err := exec(ctx, s.db, `DELETE FROM api_sessions WHERE key = ?`, hashKey(key))
	if err == nil && n == 0 {
		err = errSignedOut
	}
	return err
}

// end ends the session of a key, if there is one, and that of a device.
func (s apiSessions) end(ctx context.Context, key, device string) error {
	_, err := exec(ctx, s.db, `DELETE FROM api_sessions WHERE key = ? OR device = ?`, hashKey(key), device)
	return err
}

// keyOf is what a request shows for its session, empty when nothing.
func keyOf(r *http.Request) string {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return key
}
