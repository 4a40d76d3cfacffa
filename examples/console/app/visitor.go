package app

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"time"

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
	keep   func(context.Context, totpflow.Change) error // the generation, beside the user
	now    time.Time
}

// Enrolled reports whether the person has an authenticator that works.
func (v *visitor) Enrolled() bool {
	return v.State == enroll.Active || v.State == enroll.Replacing
}

// MayRecover reports whether policy allows recovery codes.
func (v *visitor) MayRecover() bool { return v.Policy.Methods.Has(policy.RecoveryCodes) }

// Recovering reports whether the person came in with a recovery code, and has
// not set up a new authenticator since.
func (v *visitor) Recovering() bool { return v.By == totpflow.ReasonRecoveryCode }

// MustSetUp reports whether nothing else is open to the person: the session
// began before policy required a second factor, or in a grace that is over.
func (v *visitor) MustSetUp() bool {
	return v.Policy.Mode == policy.Required && !v.Protected() && !v.GraceUntil.After(v.now)
}

// ReasonGrace reports whether the person has to set up, and may do so later.
func (v *visitor) InGrace() bool {
	return v.Policy.Mode == policy.Required && !v.Protected() && !v.MustSetUp()
}

// visitor returns the signed-in person, nil when nobody is, and ends a session
// whose mark is not the account's any more.
func (c *console) visitor(w http.ResponseWriter, r *http.Request) (*visitor, error) {
	s, ok := c.sessions.current(r.Context())
	if !ok {
		return nil, nil
	}
	v, why, err := c.standing(r.Context(), s)
	if err == nil && v != nil {
		err = c.users.keepLanguage(r.Context(), v.user, spoken(r.Context()).Tag())
	}
	if err != nil || v != nil {
		return v, err
	}
	if why != "" {
		setNotice(w, why)
	}
	return nil, c.sessions.end(r.Context())
}

// standing returns the person of a session, or nil if it has ended, and then the
// notice that gives the reason.
func (c *console) standing(ctx context.Context, s session) (v *visitor, why string, err error) {
	u, err := c.users.byID(ctx, s.User)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	v = &visitor{user: u, session: s, factor: c.mfa.Account(u.account()), keep: c.users.keep, now: c.now()}
	if v.Status, err = v.factor.Status(ctx); err != nil {
		return nil, "", err
	}
	if v.Status.Generation > u.Generation { // also when the session is over: by the change that has ended it
		if err := c.users.keepGeneration(ctx, u.ID, v.Status.Generation); err != nil {
			return nil, "", err
		}
	}
	switch {
	case !v.Frozen.IsZero():
		return nil, "closed", nil
	case s.Mark != v.Status.Mark:
		return nil, "ended", nil
	case v.GraceBegins && v.InGrace():
		err = v.beginGrace(ctx)
	}
	return v, "", err
}

// beginGrace has the grace begin for a session from before it was set: its end
// would else move on with each page, and never come.
func (v *visitor) beginGrace(ctx context.Context) error {
	_, err := v.factor.SessionValid(ctx, v.session.Mark)
	if err == nil {
		v.Status, err = v.factor.Status(ctx)
	}
	return err
}
