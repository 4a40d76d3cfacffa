package app

import (
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

// valuePurpose is what the ring seals the values of apps for.
const valuePurpose = "console app lock value"

func (s apiSessions) seal(v applock.Value, device string) []byte {
	return s.ring.Seal(valuePurpose, []byte(v.Text()), device)
}

// bind makes a session one of an app that locks, and returns the app's id and
// the value that opens it. The app is open.
func (s apiSessions) bind(ctx context.Context, key string, expires, openUntil time.Time) (device string, value applock.Value, err error) {
	device, value = strings.ToLower(rand.Text()), applock.NewValue()
	n, err := exec(ctx, s.db, `UPDATE api_sessions SET device = ?, value = ?, expires = ?, windows = 1, open_until = ? WHERE key = ? AND device IS NULL`,
		device, s.seal(value, device), expires.Unix(), openUntil.Unix(), hashKey(key))
	if err == nil && n == 0 { // it has one, which is handed out for password and code only
		err = errTooLate
	}
	if err != nil {
		return "", applock.Value{}, err
	}
	return device, value, nil
}

// ofDevice returns the session of an app that is locked, or errSignedOut.
func (s apiSessions) ofDevice(ctx context.Context, device string, now time.Time) (v session, err error) {
	var began int64
	err = s.db.QueryRowContext(ctx, `SELECT account, mark, reason, began FROM api_sessions WHERE device = ? AND expires > ?`, device, now.Unix()).
		Scan(&v.User, &v.Mark, &v.By, &began)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return session{}, errSignedOut
	case err != nil:
		return session{}, unavailable(err)
	}
	v.Began = time.Unix(0, began)
	return v, nil
}

// unlock opens the session of an app that was locked, and returns the value that opens
// its vault and the one that the vault is sealed with from then on. The second takes the
// place of the first when the app has kept it: an app that ended before that is given the
// same two again. One statement does all of it, so that two windows get the same two.
func (s apiSessions) unlock(ctx context.Context, device string, of session, now time.Time) (value, next string, err error) {
	var sealed, sealedNext []byte
	err = s.db.QueryRowContext(ctx, `UPDATE api_sessions SET next = coalesce(next, ?), windows = iif(open_until > ?, windows, 0) + 1, open_until = ?
		WHERE device = ? AND account = ? AND mark = ? AND expires > ? RETURNING value, next`,
		s.seal(applock.NewValue(), device), now.Unix(), now.Add(apiSessionAge).Unix(), device, of.User, string(of.Mark), now.Unix()).Scan(&sealed, &sealedNext)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", "", errSignedOut
	case err != nil:
		return "", "", unavailable(err)
	}
	first, err := s.ring.Open(valuePurpose, sealed, device)
	if err != nil {
		return "", "", err
	}
	second, err := s.ring.Open(valuePurpose, sealedNext, device)
	if err != nil {
		return "", "", err
	}
	return string(first), string(second), nil
}

// kept ends the value before this one: nothing is sealed with it any more. It does nothing
// where another window has said so already, or for another value than the one that is due.
func (s apiSessions) kept(ctx context.Context, device, value string) error {
	var next []byte
	err := s.db.QueryRowContext(ctx, `SELECT next FROM api_sessions WHERE device = ? AND next IS NOT NULL`, device).Scan(&next)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return unavailable(err)
	}
	text, err := s.ring.Open(valuePurpose, next, device)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(text, []byte(value)) == 0 {
		return nil
	}
	_, err = exec(ctx, s.db, `UPDATE api_sessions SET value = next, next = NULL WHERE device = ? AND next = ?`, device, next)
	return err
}

// suspend closes the session of an app: for one of its windows, or for all of them.
func (s apiSessions) suspend(ctx context.Context, device string, one bool) error {
	_, err := exec(ctx, s.db, `UPDATE api_sessions SET windows = iif(?, max(windows - 1, 0), 0) WHERE device = ?`, one, device)
	return err
}

// open refuses the key of an app that is locked: a copy of it is of no use meanwhile. Only
// a sign-out, which takes access away, goes through.
func (c *console) open(next http.Handler) http.Handler {
	return c.page(func(w http.ResponseWriter, r *http.Request) error {
		if key := keyOf(r); key != "" && c.program(r) && r.URL.Path != c.web.Path("api/signout") {
			if _, err := c.programs.find(r.Context(), key, c.now()); errors.Is(err, errLocked) {
				return err
			}
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

// ofDevice is the person whose app is locked. If the session behind the lock has ended,
// there is nothing to open.
func (c *console) ofDevice(r *http.Request, device string) (user, error) {
	s, err := c.programs.ofDevice(r.Context(), device, c.now())
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
	device, value, err := c.programs.bind(r.Context(), keyOf(r), expires, s.Began.Add(apiSessionAge))
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

// apiUnlock hands the value out again, and the next one, for a whole new sign-in of the
// same person: the request shows the session that it began, which ends here, since the app
// has one behind its lock. That one is open again from then on.
func (c *console) apiUnlock(w http.ResponseWriter, r *http.Request, v *visitor) error {
	in, err := decode[device](r)
	if err != nil {
		return err
	}
	fresh, err := c.programs.find(r.Context(), keyOf(r), c.now())
	if err != nil {
		return err
	}
	s, err := c.programs.ofDevice(r.Context(), in.Device, c.now())
	switch {
	case err != nil:
		return err
	case s.User != v.user.ID || s.Mark != v.session.Mark: // of somebody else, or over
		return errSignedOut
	case fresh.Locks || c.now().Sub(fresh.Began) >= totpflow.ProofLifetime: // a session behind a lock, or an old one
		return errTooLate
	}
	if err := c.programs.spend(r.Context(), keyOf(r)); err != nil {
		return err
	}
	value, next, err := c.programs.unlock(r.Context(), in.Device, s, c.now())
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, map[string]string{"value": value, "next": next})
	return nil
}

// apiKept is called when the vault is sealed with the next value, and written. To know the
// value is enough.
func (c *console) apiKept(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[struct {
		Device string `json:"device"`
		Next   string `json:"next"`
	}](r)
	if err != nil {
		return err
	}
	if err := c.programs.kept(r.Context(), in.Device, in.Next); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// apiLock suspends the session of an app that has locked, until the next unlock. Like the
// end of the session it requires the device alone, which nobody but the app knows.
func (c *console) apiLock(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[struct {
		Device     string `json:"device"`
		ThisWindow bool   `json:"this_window"` // others of the app stay open
	}](r)
	if err != nil {
		return err
	}
	if err := c.programs.suspend(r.Context(), in.Device, in.ThisWindow); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
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
