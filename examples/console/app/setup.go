package app

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/totphttp"
)

func (c *console) getSetup(w http.ResponseWriter, r *http.Request) error {
	return c.setupPage(w, r, nil)
}

// offer is the enrollment under way in this browser, or a new one. Both are of
// the person who is signing in or signed in, no matter who used the browser before.
func (c *console) offer(r *http.Request) (totpflow.PendingEnrollment, error) {
	var by totpflow.EnrollmentGrant = totphttp.Challenge(r) // of the sign-in that demands an enrollment
	if s, ok := c.sessions.current(r.Context()); ok && s.Proof != "" && totphttp.Challenge(r) == "" {
		by = s.Proof // the sign-in under way comes first: its password was right last in this browser
	}
	page, err := c.mfa.ContinueEnrollment(r.Context(), totphttp.Enrollment(r), by)
	if errors.Is(err, totpflow.ErrEnrollmentExpired) {
		return c.mfa.BeginEnrollment(r.Context(), by)
	}
	return page, err
}

func (c *console) setupPage(w http.ResponseWriter, r *http.Request, refused error) error {
	page, err := c.offer(r)
	if errors.Is(err, totpflow.ErrProof) || errors.Is(err, totpflow.ErrChallenge) {
		return c.beforeSetup(w, r, nil)
	}
	if err != nil {
		return err
	}
	totphttp.SetEnrollment(w, page.Token)
	v, err := c.visitor(w, r)
	if err != nil {
		return err
	}
	p := setupPage{PendingEnrollment: page, Codes: true, Name: r.PostFormValue("name")}
	if v != nil {
		p.Adds = v.Enrolled() && len(page.Clears) == 0
		p.Codes = v.MayRecover() && !p.Adds
		p.Phone = v.MorePhones() && !v.Enrolled()
	} else if next, err := c.mfa.ContinueSignIn(r.Context(), totphttp.Challenge(r)); err == nil {
		p.Phone = slices.Contains(next.Methods, totpflow.MethodPhoneCode)
	}
	return c.show(w, r, "setup", refused, view{SignedIn: v != nil, Data: p})
}

// beforeSetup asks a signed-in person for the password first: anyone who finds a
// session open must not bind an authenticator of their own. A person who has one
// already replaces it with a code, on the security page.
func (c *console) beforeSetup(w http.ResponseWriter, r *http.Request, refused error) error {
	v, err := c.visitor(w, r)
	switch {
	case err != nil:
		return err
	case v == nil:
		return redirect(w, r, "/signin")
	case v.Enrolled():
		return redirect(w, r, "/security")
	}
	return c.askPassword(w, r, v, "/setup", refused)
}

// askPassword asks for the password before the page of an enrollment.
func (c *console) askPassword(w http.ResponseWriter, r *http.Request, v *visitor, next string, refused error) error {
	return c.show(w, r, "password", refused, view{Visitor: v, Data: next})
}

func (c *console) postSetupPassword(w http.ResponseWriter, r *http.Request) error {
	v, err := c.visitor(w, r)
	if err != nil {
		return err
	}
	if v == nil {
		return redirect(w, r, "/signin")
	}
	_, err = c.users.authenticate(r.Context(), v.user.Email, r.PostFormValue("password"))
	to := "/setup"
	if r.PostFormValue("next") == "/security/phone" {
		to = "/security/phone"
	}
	switch {
	case errors.Is(err, errPassword) && v.Enrolled():
		return redirect(w, r, "/security")
	case errors.Is(err, errPassword):
		return c.askPassword(w, r, v, to, err)
	case err != nil:
		return err
	}
	next, err := c.mfa.SignIn(r.Context(), v.user.account())
	if err != nil {
		return err
	}
	switch next.Step {
	case totpflow.Enroll:
		totphttp.SetChallenge(w, next.Challenge)
	case totpflow.AskCode: // there is a phone: the password alone leads nowhere
		totphttp.SetChallenge(w, next.Challenge)
		return redirect(w, r, "/code")
	}
	c.sessions.keepProof(r.Context(), next.Proof, c.now())
	return redirect(w, r, to)
}

// postSetup makes the new authenticator work. The session starts here when the
// enrollment came before it, and starts again when it was open: a change of factors
// ends the sessions begun before.
func (c *console) postSetup(w http.ResponseWriter, r *http.Request) error {
	before, err := c.visitor(w, r)
	if err != nil {
		return err
	}
	done, err := c.mfa.ConfirmEnrollment(r.Context(), totphttp.Enrollment(r), r.PostFormValue("code"))
	if err != nil {
		return c.setupPage(w, r, err)
	}
	totphttp.ClearEnrollment(w)
	if err := c.start(w, r, done.Decision); err != nil {
		return err
	}
	added := before != nil && before.ID == done.ID.User && before.Enrolled() && len(done.Cleared) == 0
	if name := strings.TrimSpace(r.PostFormValue("name")); added && name != "" {
		_ = before.factor.RenameAuthenticator(r.Context(), done.Authenticator.ID, name) // otherwise it keeps the number that it has
	}
	return c.sheetPage(w, r, sheetPage{done.Sheet, done.Cleared, added})
}
