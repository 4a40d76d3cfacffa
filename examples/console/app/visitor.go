package app

import (
	"database/sql"
	"errors"
	"net/http"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/policy"
)

// A visitor is the signed-in person of a request.
type visitor struct {
	user
	session
	totpflow.Status
	factor totpflow.Account
}

// Enrolled reports whether the person has an authenticator that works.
func (v *visitor) Enrolled() bool {
	return v.State == enroll.Active || v.State == enroll.Replacing
}

// Recovering reports whether the person came in with a recovery code, and has
// not set up a new authenticator since.
func (v *visitor) Recovering() bool { return v.By == totpflow.ByRecoveryCode }

// mustSetUp: the session began before policy required a second factor.
func (v *visitor) mustSetUp() bool { return v.Policy.Mode == policy.Required && !v.Enrolled() }

// visitor returns the signed-in person, nil when nobody is, and ends a session
// that began before the factors changed.
func (c *console) visitor(w http.ResponseWriter, r *http.Request) (*visitor, error) {
	s, ok := c.sessions.current(r.Context())
	if !ok {
		return nil, nil
	}
	u, err := c.users.byID(r.Context(), s.User)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, c.sessions.end(r.Context())
	}
	if err != nil {
		return nil, err
	}
	v := &visitor{user: u, session: s, factor: c.mfa.Account(u.account())}
	if v.Status, err = v.factor.Status(r.Context()); err != nil {
		return nil, err
	}
	if s.Began.Before(v.SessionsFrom) {
		setNotice(w, "ended")
		return nil, c.sessions.end(r.Context())
	}
	if v.Status.Anchor > u.Anchor {
		err = c.users.keepAnchor(r.Context(), u.ID, v.Status.Anchor)
	}
	return v, err
}
