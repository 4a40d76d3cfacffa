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
	done, err := s.db.ExecContext(ctx, `UPDATE api_sessions SET device = ?, value = ?, expires = ? WHERE key = ? AND device IS NULL`,
		device, s.ring.Seal(valuePurpose, []byte(value.Text()), device), expires.Unix(), hashKey(key))
	if err != nil {
		return "", applock.Value{}, unavailable(err)
	}
	switch n, err := done.RowsAffected(); {
	case err != nil:
		return "", applock.Value{}, unavailable(err)
	case n == 0: // it has one, which is handed out for password and code only
		return "", applock.Value{}, errTooLate
	}
	return device, value, nil
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

// apiAppLock begins the lock of an app (package applock): from now on the session
// is in the app's vault, which only the value opens. It has to be asked for with
// the sign-in: a thief who has copied the key of an old session does not get a
// longer one for it.
func (c *console) apiAppLock(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if c.now().Sub(v.Began) >= totpflow.ProofLifetime {
		return errTooLate
	}
	expires := v.Began.Add(deviceSessionAge).UTC().Truncate(time.Second)
	device, value, err := c.programs.bind(r.Context(), keyOf(r), expires)
	if err != nil {
		return err
	}
	return reply(w, http.StatusCreated, struct {
		Device  string    `json:"device"`
		Value   string    `json:"value"`
		Idle    int       `json:"idle"` // seconds
		Expires time.Time `json:"expires"`
	}{device, value.Text(), int(applock.DefaultIdle / time.Second), expires})
}

// apiUnlock hands the value out again, for password and code: a whole sign-in that
// starts no session, since the app has one behind its lock. If the session has
// ended, there is nothing to open.
func (c *console) apiUnlock(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[struct {
		Device   string `json:"device"`
		Password string `json:"password"`
		codeAnswer
	}](r)
	if err != nil {
		return err
	}
	s, value, err := c.programs.ofDevice(r.Context(), in.Device, c.now())
	if err != nil {
		return err
	}
	v, _, err := c.standing(r.Context(), s)
	switch {
	case err != nil:
		return err
	case v == nil:
		return errSignedOut
	}
	if _, err := c.users.authenticate(r.Context(), v.Email, in.Password); err != nil {
		return err
	}
	next, err := c.mfa.SignIn(r.Context(), v.account())
	if err == nil && next.Step == totpflow.AskCode && in.ways() > 0 {
		next, err = c.answered(r, next.Challenge, in.codeAnswer)
	}
	switch {
	case err != nil:
		return err
	case next.Step != totpflow.Passed || next.ID.User != v.user.ID:
		return &incomplete{next}
	}
	return reply(w, http.StatusOK, struct {
		Value string `json:"value"`
	}{value})
}
