package app

import (
	"net/http"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/web"
)

// A visitor is the signed-in person of a request, with what the second factor knows of
// them.
type visitor struct {
	user
	session
	totpflow.Status
	now time.Time
}

// Enrolled reports whether the person has an authenticator that works.
func (v *visitor) Enrolled() bool {
	return v.State == enroll.Active || v.State == enroll.Replacing
}

// Protected reports whether the person has an authenticator or a phone.
func (v *visitor) Protected() bool { return v.Status.Enrolled }

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

// InGrace reports whether the person has to set up, and may do so later.
func (v *visitor) InGrace() bool {
	return v.Policy.Mode == policy.Required && !v.Protected() && !v.MustSetUp()
}

// signedIn is page for those who are signed in; others go to the sign-in.
func (c *console) signedIn(h func(http.ResponseWriter, *http.Request, *visitor) error) http.Handler {
	return c.web.Require(c.visited(h))
}

// visited is page for a request that web has let through.
func (c *console) visited(h func(http.ResponseWriter, *http.Request, *visitor) error) http.Handler {
	return c.page(func(w http.ResponseWriter, r *http.Request) error {
		of := web.SessionOf(r)
		u, err := c.users.byID(r.Context(), of.User.ID.User)
		if err != nil {
			return err
		}
		v := &visitor{user: u, session: session{User: u.ID, Mark: of.Mark, By: of.Reason}, now: c.now()}
		if v.Status, err = c.mfa.Account(u.account()).Status(r.Context()); err != nil {
			return err
		}
		return h(w, r, v)
	})
}
