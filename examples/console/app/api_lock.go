package app

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/applock"
)

// valuePurpose is what the ring seals the values of apps for.
const valuePurpose = "console app lock value"

// bind makes a session one of an app that locks, and returns the app's id and
// the value that opens it.
func (s apiSessions) bind(ctx context.Context, key string, expires time.Time) (device string, value applock.Value, err error) {
	device, value = strings.ToLower(rand.Text()), applock.NewValue()
	n, err := exec(ctx, s.db, `UPDATE api_sessions SET device = ?, value = ?, expires = ? WHERE key = ? AND device IS NULL`,
		device, s.ring.Seal(valuePurpose, []byte(value.Text()), device), expires.Unix(), hashKey(key))
	if err == nil && n == 0 { // it has one, which is handed out for password and code only
		err = errTooLate
	}
	return device, value, err
}

// ofDevice returns the session of an app that is locked, or errSignedOut.
func (s apiSessions) ofDevice(ctx context.Context, device string, now time.Time) (v session, value string, err error) {
	var began int64
	var sealed []byte
	err = s.db.QueryRowContext(ctx, `SELECT account, mark, reason, began, value FROM api_sessions WHERE device = ? AND expires > ?`, device, now.Unix()).
		Scan(&v.User, &v.Mark, &v.By, &began, &sealed)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return session{}, "", errSignedOut
	case err != nil:
		return session{}, "", unavailable(err)
	}
	v.Began = time.Unix(0, began)
	text, err := s.ring.Open(valuePurpose, sealed, device)
	return v, string(text), err
}

// ofDevice is the person whose app is locked. If the session behind the lock has ended,
// there is nothing to open.
func (c *console) ofDevice(r *http.Request, device string) (user, error) {
	s, _, err := c.programs.ofDevice(r.Context(), device, c.now())
	if err != nil {
		return user{}, err
	}
	return c.valid(r.Context(), s)
}

// valid returns the person or the machine of a session that is still valid.
func (c *console) valid(ctx context.Context, s session) (user, error) {
	u, err := c.users.byID(ctx, s.User)
	if errors.Is(err, sql.ErrNoRows) {
		return user{}, errSignedOut
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

// apiAppLock begins the lock of an app (package applock): from now on the session
// is in the app's vault, which only the value opens. It has to be asked for with
// the sign-in: a thief who has copied the key of an old session does not get a
// longer one for it.
func (c *console) apiAppLock(w http.ResponseWriter, r *http.Request, _ *visitor) error {
	s, err := c.programs.find(r.Context(), keyOf(r), c.now())
	if err != nil {
		return err
	}
	if c.now().Sub(s.Began) >= totpflow.ProofLifetime {
		return errTooLate
	}
	expires := s.Began.Add(deviceSessionAge).UTC().Truncate(time.Second)
	device, value, err := c.programs.bind(r.Context(), keyOf(r), expires)
	if err != nil {
		return err
	}
	reply(w, http.StatusCreated, struct {
		Device  string    `json:"device"`
		Value   string    `json:"value"`
		Idle    int       `json:"idle"` // seconds
		Expires time.Time `json:"expires"`
	}{device, value.Text(), int(applock.DefaultIdle / time.Second), expires})
	return nil
}

// apiUnlock hands the value out again, for a whole new sign-in of the same person: the
// request shows the session that it began, which ends here, since the app has one behind
// its lock.
func (c *console) apiUnlock(w http.ResponseWriter, r *http.Request, v *visitor) error {
	in, err := decode[device](r)
	if err != nil {
		return err
	}
	fresh, err := c.programs.find(r.Context(), keyOf(r), c.now())
	if err != nil {
		return err
	}
	s, value, err := c.programs.ofDevice(r.Context(), in.Device, c.now())
	switch {
	case err != nil:
		return err
	case s.User != v.user.ID || s.Mark != v.session.Mark: // of somebody else, or over
		return errSignedOut
	case fresh.Locks || c.now().Sub(fresh.Began) >= totpflow.ProofLifetime: // a session behind a lock, or an old one
		return errTooLate
	}
	if err := c.programs.end(r.Context(), keyOf(r), ""); err != nil {
		return err
	}
	reply(w, http.StatusOK, map[string]string{"value": value})
	return nil
}

// A device is what an app is called that can show no key, because it is locked.
type device struct {
	Device string `json:"device"`
}

// apiAppLockEnd ends the session of an app that is locked. To name the device is enough,
// since it only takes access away.
func (c *console) apiAppLockEnd(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[device](r)
	if err != nil {
		return err
	}
	if err := c.programs.end(r.Context(), "", in.Device); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
