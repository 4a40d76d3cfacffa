package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"database/sql"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/applock"
)

// valuePurpose is the purpose under which the ring seals the values of apps.
const valuePurpose = "console app lock value"

// seal returns the value of an app's vault as the table stores it.
func (s sessions) seal(v applock.Value, device string) []byte {
	return s.ring.Seal(valuePurpose, []byte(v.Text()), device)
}

// bind turns a session into that of an app that locks. It returns the app's id and the
// value that opens its vault. The app is unlocked.
func (s sessions) bind(ctx context.Context, key string, expires, openUntil time.Time) (device string, value applock.Value, err error) {
	device, value = strings.ToLower(rand.Text()), applock.NewValue()
	n, err := exec(ctx, s.db, `UPDATE sessions SET device = ?, value = ?, expires = ?, windows = 1, open_until = ? WHERE key = ? AND device IS NULL`,
		device, s.seal(value, device), expires.Unix(), openUntil.Unix(), hashKey(key))
	if err == nil && n == 0 { // it has a value already, which is returned only for password and code
		err = errTooLate
	}
	if err != nil {
		return "", applock.Value{}, err
	}
	return device, value, nil
}

// ofDevice returns the session of an app, locked or not, or errSignedOut.
func (s sessions) ofDevice(ctx context.Context, device string, now time.Time) (v session, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT account, mark FROM sessions WHERE device = ? AND expires > ?`, device, now.Unix()).Scan(&v.User, &v.Mark)
	return v, orSignedOut(err)
}

// unlock opens the session of an app that was locked. It returns the value that opens the
// app's vault, and the next value, with which the vault is sealed from then on. The next
// value replaces the first one when the app reports that it has kept it; an app that
// ended before that is given the same two again. One statement does all of this, so that
// two windows get the same two.
func (s sessions) unlock(ctx context.Context, device string, of session, now time.Time) (value, next string, err error) {
	var sealed, sealedNext []byte
	err = s.db.QueryRowContext(ctx, `UPDATE sessions SET next = coalesce(next, ?), windows = iif(open_until > ?, windows, 0) + 1, open_until = ?
		WHERE device = ? AND account = ? AND mark = ? AND expires > ? RETURNING value, next`,
		s.seal(applock.NewValue(), device), now.Unix(), now.Add(sessionAge).Unix(), device, of.User, string(of.Mark), now.Unix()).Scan(&sealed, &sealedNext)
	if err != nil {
		return "", "", orSignedOut(err)
	}
	first, err := s.ring.Open(valuePurpose, sealed, device)
	second, err2 := s.ring.Open(valuePurpose, sealedNext, device)
	if err := cmp.Or(err, err2); err != nil {
		return "", "", err
	}
	return string(first), string(second), nil
}

// kept deletes the value before this one, because nothing is sealed with it now. It
// does nothing if another window has reported the same before, or if this is not the
// value that is due.
func (s sessions) kept(ctx context.Context, device, value string) error {
	var next []byte
	err := s.db.QueryRowContext(ctx, `SELECT next FROM sessions WHERE device = ? AND next IS NOT NULL`, device).Scan(&next)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return unavailable(err)
	}
	text, err := s.ring.Open(valuePurpose, next, device)
	if err != nil || subtle.ConstantTimeCompare(text, []byte(value)) == 0 {
		return err
	}
	_, err = exec(ctx, s.db, `UPDATE sessions SET value = next, next = NULL WHERE device = ? AND next = ?`, device, next)
	return err
}

// ofDevice returns the person whose app is locked. If the session behind the lock has
// ended, there is nothing to open.
func (c *console) ofDevice(r *http.Request, device string) (user, error) {
	s, err := c.sessions.ofDevice(r.Context(), device, c.now())
	if err != nil {
		return user{}, err
	}
	return c.valid(r.Context(), s)
}

// valid returns the person or the machine of a session, if the session is still valid.
func (c *console) valid(ctx context.Context, s session) (user, error) {
	u, err := c.users.byID(ctx, s.User)
	if errors.Is(err, sql.ErrNoRows) {
		err = errSignedOut
	}
	if err != nil {
		return user{}, err
	}
	valid, err := c.mfa.Account(u.account()).SessionValid(ctx, s.Mark)
	if err == nil && !valid {
		err = errSignedOut
	}
	return u, err
}

// A deviceRequest names an app that cannot show its key, because it is locked.
type deviceRequest struct {
	Device     string `json:"device"`
	Next       string `json:"next,omitempty"`        // for apiKept
	ThisWindow bool   `json:"this_window,omitempty"` // for apiLock: the app's other windows stay open
}

// An appLock is what an app needs to lock itself (package applock).
type appLock struct {
	Device  string    `json:"device"`
	Value   string    `json:"value"`
	Idle    int       `json:"idle"` // seconds
	Expires time.Time `json:"expires"`
}

// apiAppLock begins the lock of an app: from now on the session is in the app's vault,
// which only the value opens. The app must ask for the lock right after the sign-in, so
// that a thief who has copied the key of an old session does not get a longer one for it.
func (c *console) apiAppLock(r *http.Request, _ struct{}) (any, error) {
	s, err := c.sessionOf(r)
	if err != nil {
		return nil, err
	}
	if c.now().Sub(s.Began) >= totpflow.ProofLifetime {
		return nil, errTooLate
	}
	expires := s.Began.Add(deviceSessionAge).UTC().Truncate(time.Second)
	device, value, err := c.sessions.bind(r.Context(), c.keyOf(r), expires, s.Began.Add(sessionAge))
	return appLock{device, value.Text(), int(applock.DefaultIdle / time.Second), expires}, err
}

// apiUnlock returns the value again, and the next one, for a complete new sign-in of the
// same person. The request shows the session of that sign-in, which ends here, because
// the app has one behind its lock. That one is open again from then on.
func (c *console) apiUnlock(r *http.Request, in deviceRequest) (any, error) {
	fresh, err := c.sessionOf(r)
	if err != nil {
		return nil, err
	}
	s, err := c.sessions.ofDevice(r.Context(), in.Device, c.now())
	switch {
	case err != nil:
		return nil, err
	case s.User != fresh.User || s.Mark != fresh.Mark: // it belongs to another account, or has ended
		return nil, errSignedOut
	case fresh.Locks || c.now().Sub(fresh.Began) >= totpflow.ProofLifetime: // a session behind a lock, or an old one
		return nil, errTooLate
	}
	ended, err := c.sessions.end(r.Context(), c.keyOf(r))
	if err == nil && !ended { // another request was faster
		err = errSignedOut
	}
	if err != nil {
		return nil, err
	}
	value, next, err := c.sessions.unlock(r.Context(), in.Device, s, c.now())
	return map[string]string{"value": value, "next": next}, err
}

// apiKept is called when the app has sealed its vault with the next value and written it.
// A caller needs to know only that value.
func (c *console) apiKept(r *http.Request, in deviceRequest) (any, error) {
	return nil, c.sessions.kept(r.Context(), in.Device, in.Next)
}

// apiLock suspends the session of an app that has locked, or of one of its windows, until
// the next unlock. It requires only the device, which nobody but the app knows, because
// it only takes access away.
func (c *console) apiLock(r *http.Request, in deviceRequest) (any, error) {
	_, err := exec(r.Context(), c.sessions.db, `UPDATE sessions SET windows = iif(?, max(windows - 1, 0), 0) WHERE device = ?`, in.ThisWindow, in.Device)
	return nil, err
}

// apiAppLockEnd ends the session of an app that is locked. Like apiLock, it requires only
// the device.
func (c *console) apiAppLockEnd(r *http.Request, in deviceRequest) (any, error) {
	_, err := exec(r.Context(), c.sessions.db, `DELETE FROM sessions WHERE device = ?`, in.Device)
	return nil, err
}
