package web

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/throttle"
)

// A ReplacePage asks for a code of the old app, in order to set up a new one. Its form
// posts to path "replace" with the field code, and with code2 where Pair is set.
type ReplacePage struct {
	SecondStep
	Pair bool   // a single code has to wait; two in a row are accepted
	Wait string // why, unless Error says so already
}

// A WhichPage asks which of several authenticators the new one replaces. Its
// form posts to path "setup/which" with the field goes, an ID or "all".
type WhichPage struct {
	Common
	Authenticators []totpflow.Authenticator
	Names          []string // the names of the authenticators
	Later          string   // the page that "not now" leads to
}

func (h *Web) getReplace(w http.ResponseWriter, r *http.Request) error {
	return h.replacePage(w, r, nil)
}

// postReplaceAtSignIn completes the sign-in with a code of the old app, and leads
// straight to the new one. The purpose is in the challenge that the code is checked
// against: the proof of the code page replaces nothing.
func (h *Web) postReplaceAtSignIn(w http.ResponseWriter, r *http.Request) error {
	asked, err := h.service.ReplaceAtSignIn(r.Context(), h.challenge(r))
	if err != nil {
		return h.replacePage(w, r, err)
	}
	var d totpflow.Decision
	if second := r.PostFormValue("code2"); second != "" {
		d, err = h.service.VerifyPair(r.Context(), asked.Challenge, r.PostFormValue("code"), second)
	} else {
		d, err = h.service.VerifyCode(r.Context(), asked.Challenge, r.PostFormValue("code"))
	}
	switch {
	case err != nil:
		return h.replacePage(w, r, err)
	case d.Step == totpflow.Enroll: // the code of a weak secret
		return h.enrollFirst(w, r, d, h.next(r))
	}
	return h.enter(w, r, d, h.next(r))
}

// replacePage asks for the code, where the person has an app to show one.
func (h *Web) replacePage(w http.ResponseWriter, r *http.Request, refused error) (err error) {
	defer keepTrouble(refused, &err)
	d, err := h.service.ReplaceAtSignIn(r.Context(), h.challenge(r))
	switch {
	case errors.Is(err, totpflow.ErrChallenge):
		return h.over(w, r, errors.Join(refused, err))
	case errors.Is(err, totpflow.ErrNotEnrolled):
		return redirect(w, r, h.Path("code"))
	case err != nil:
		return err
	}
	p := &ReplacePage{SecondStep: SecondStep{Common: Common{Account: h.text(r, whoCookie)}, App: true}, Pair: d.Throttled != nil}
	if d.Throttled != nil && !errors.Is(refused, throttle.ErrThrottled) {
		p.Wait = h.spoken(r).wait(d.Throttled, false, h.now())
	}
	return h.show(w, r, "replace", refused, p)
}

// errNoChoice means that no authenticator to replace was chosen.
var errNoChoice = fmt.Errorf("web: nothing to replace was chosen: %w", errForm)

// mustChoose reports whether the person still has to choose the authenticator to replace.
func (h *Web) mustChoose(r *http.Request, e enrollee) (bool, error) {
	if e.visitor.IsZero() || e.action != totpflow.ActionReplaceAuthenticator {
		return false, nil
	}
	st, err := e.visitor.account.Status(r.Context())
	return len(st.Authenticators) > 1, err
}

// whichPage asks which authenticator to replace.
func (h *Web) whichPage(w http.ResponseWriter, r *http.Request, v visitor, refused error) error {
	st, err := v.account.Status(r.Context())
	if err != nil {
		return err
	}
	p := &WhichPage{Common: Common{Account: nameOf(v.User)}, Authenticators: st.Authenticators, Later: h.later(r)}
	for _, a := range st.Authenticators {
		p.Names = append(p.Names, a.Name)
	}
	return h.show(w, r, "which", refused, p)
}

// postWhich begins the enrollment that replaces one authenticator, or all.
func (h *Web) postWhich(w http.ResponseWriter, r *http.Request) error {
	e, err := h.enrollee(r)
	if err != nil || e.visitor.IsZero() || e.action != totpflow.ActionReplaceAuthenticator {
		return h.setupPage(w, r, nil) // says what is missing
	}
	var goes []string
	switch id := r.PostFormValue("goes"); id {
	case "all":
	case "": // none of them was chosen
		return h.whichPage(w, r, e.visitor, errNoChoice)
	default:
		goes = []string{id}
	}
	page, err := h.service.BeginEnrollment(r.Context(), e.by, goes...)
	switch {
	case errors.Is(err, totpflow.ErrProof):
		return h.beforeSetup(w, r, e.visitor, "setup", nil)
	case errors.Is(err, enroll.ErrUnknown):
		return h.whichPage(w, r, e.visitor, err)
	case err != nil:
		return err
	}
	h.setCookie(w, enrollmentCookie, string(page.Token), flowAge)
	return redirect(w, r, h.Path("setup"))
}
