package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/throttle"
)

// AfterPassword is the last line of the host's sign-in, after the password of this user
// was right. It ends the browser's old session, asks the service what comes next, and
// answers the request: it begins the session and redirects to the page that the person
// wanted, or it redirects to the second step or to the enrollment. The host must not
// write to w before or after.
//
// A JSON request is answered in JSON if the host has tokens ([Config.Token]): with a
// token, or with the next step.
//
// The user is the person to whom the password belongs, from the host's records. Call
// AfterPassword for every first step that replaces a password, such as single sign-on.
func (h *Web) AfterPassword(w http.ResponseWriter, r *http.Request, user totpflow.User) {
	h.headers(w)
	h.handle(func(w http.ResponseWriter, r *http.Request) error {
		if h.wantsJSON(r) {
			return h.afterPasswordJSON(w, r, user)
		}
		return h.afterPassword(w, r, user)
	})(w, r)
}

func (h *Web) afterPassword(w http.ResponseWriter, r *http.Request, user totpflow.User) error {
	// One browser, one person at a time: data of the person who used it before must not
	// decide whose enrollment it is.
	h.clearCookies(w, challengeCookie, enrollmentCookie, phoneCookie, proofCookie)
	if err := h.Host.End(w, r); err != nil {
		return unavailable("ending the session", err)
	}
	if to := local(r.FormValue("next")); to != "" {
		h.setNext(w, to)
	}
	d, err := h.service.SignIn(r.Context(), user, h.trustTokens(r)...)
	if err != nil {
		return err
	}
	if d.Step == totpflow.Passed {
		to := orDefault(local(r.FormValue("next")), h.next(r))
		return h.enter(w, r, d, to)
	}
	if d.Step == totpflow.AskCode {
		return h.ask(w, r, user, d)
	}
	h.setText(w, whoCookie, nameOf(user), flowAge)
	return h.enrollFirst(w, r, d, orDefault(local(r.FormValue("next")), h.next(r)))
}

// enrollFirst redirects to the enrollment that the sign-in requires.
func (h *Web) enrollFirst(w http.ResponseWriter, r *http.Request, d totpflow.Decision, to string) error {
	h.setCookie(w, challengeCookie, string(d.Challenge), flowAge)
	return redirect(w, r, h.setupOf(to))
}

// setupOf returns the page at which a set-up that is due begins: that of the phone for a person
// who is on the way to it, as from the mail about a number that an administrator chose. If they
// may not set up a phone, that page leads to the app's.
func (h *Web) setupOf(to string) string {
	if path, _, _ := strings.Cut(to, "?"); path == h.Path("phone") {
		return path
	}
	return h.Path("setup")
}

// ask redirects to the page that asks for a code. If a phone is the only way, the code is
// sent here, after the form with the password, and not by the page, which a browser may
// load again.
func (h *Web) ask(w http.ResponseWriter, r *http.Request, user totpflow.User, d totpflow.Decision) error {
	h.setCookie(w, challengeCookie, string(d.Challenge), flowAge)
	h.setText(w, whoCookie, nameOf(user), flowAge)
	only, ok := onlyPhone(d)
	if !ok {
		return redirect(w, r, h.Path("code"))
	}
	switch _, err := h.sendByItself(r.Context(), d, only); {
	case err == nil:
		return redirect(w, r, h.sentPath(only.Via, only.ID))
	case errors.Is(err, throttle.ErrThrottled):
		h.setNotice(w, "phone-sent-before")
	default:
		h.setNotice(w, "phone-not-sent")
	}
	return redirect(w, r, h.Path("phone-code"))
}

// begin begins the session of a decision. No other function does, and it takes the person
// only from the decision.
func (h *Web) begin(w http.ResponseWriter, r *http.Request, d totpflow.Decision) error {
	if d.Step != totpflow.Passed {
		return totpflow.ErrChallenge
	}
	if err := h.keepGeneration(r.Context(), totpflow.User{ID: d.ID}, d.Generation); err != nil {
		return err
	}
	if err := h.Host.Begin(w, r, d); err != nil {
		return unavailable("beginning the session", err)
	}
	h.clearCookies(w, challengeCookie, whoCookie, enrollmentCookie, phoneCookie)
	if d.Proof == "" || d.Action == totpflow.ActionSignIn {
		h.clearCookies(w, proofCookie)
		return nil
	}
	h.setProof(w, d.Proof, d.Action, d.ID)
	return nil
}

// enter begins the session and redirects: to the enrollment if the person needs a new
// authenticator or is in a grace period, and otherwise to the page that the sign-in began
// at.
func (h *Web) enter(w http.ResponseWriter, r *http.Request, d totpflow.Decision, to string) error {
	if err := h.begin(w, r, d); err != nil {
		return err
	}
	switch {
	case d.Action == totpflow.ActionReplaceAuthenticator:
		h.setNext(w, to)
		return redirect(w, r, h.Path("setup"))
	case d.Reason == totpflow.ReasonGrace:
		h.setNext(w, to)
		return redirect(w, r, h.setupOf(to))
	}
	h.clearCookies(w, nextCookie)
	return redirect(w, r, to)
}

// over answers if the sign-in under way has ended. A form that was sent twice comes here
// as well: if the request has a session, over redirects to the next page, otherwise a
// page says that it may be done already. No decision is given twice.
func (h *Web) over(w http.ResponseWriter, r *http.Request, why error) error {
	_, err := h.visitor(r)
	switch {
	case err == nil:
		h.clearCookies(w, challengeCookie, whoCookie, nextCookie)
		return redirect(w, r, h.next(r))
	case !errors.Is(err, errSignedOut):
		return err
	case h.challenge(r) == "" && r.Method == http.MethodGet && h.text(r, whoCookie) == "":
		return redirect(w, r, h.SignIn) // nothing was under way
	}
	if errors.Is(why, totpflow.ErrUsed) {
		return h.endedPage(w, r, "done")
	}
	return h.endedPage(w, r, "expired")
}

// postSignOut ends the session and everything that is under way in this browser.
func (h *Web) postSignOut(w http.ResponseWriter, r *http.Request) error {
	h.clearCookies(w, challengeCookie, whoCookie, enrollmentCookie, phoneCookie, proofCookie, nextCookie)
	of, err := h.Host.Session(r)
	if err != nil {
		of = Session{} // it ends nevertheless
	}
	if err := h.Host.End(w, r); err != nil {
		return unavailable("ending the session", err)
	}
	noteWrite(r.Context())
	if !of.IsZero() {
		if err := h.signingOut(r, of); err != nil {
			return err
		}
	}
	return redirect(w, r, h.SignIn)
}

// PasswordChanged is the last step of the host's change of a password, after the new one
// is stored: trusted browsers and every session of the account end. If the request is
// that person's own, the session continues under a new token. It writes only headers.
// After an error, this may not have happened yet: store a note with the password and call
// totpflow's [totpflow.Account.PasswordChanged] again until it returns nil.
func (h *Web) PasswordChanged(w http.ResponseWriter, r *http.Request, user totpflow.User) error {
	r = r.WithContext(h.context(r))
	v, err := h.visitor(r)
	if err != nil && !errors.Is(err, errSignedOut) {
		return err
	}
	own := err == nil && v.User.ID == user.ID
	account := h.service.Account(user)
	change, err := account.PasswordChanged(r.Context())
	if err != nil {
		return err
	}
	if !own {
		return h.keepGeneration(r.Context(), user, change.Generation)
	}
	return h.goOn(w, r, v, change)
}

// goOn begins the visitor's session again after a change that ended all sessions of
// the account: under a new token, since a thief's copy of the old one must not stay
// valid.
func (h *Web) goOn(w http.ResponseWriter, r *http.Request, v visitor, c totpflow.Change) error {
	return h.begin(w, r, totpflow.Decision{Step: totpflow.Passed, Reason: v.Reason, ID: c.ID, Generation: c.Generation, Mark: c.Mark})
}
