package web

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
)

// A PhonePage asks for a number. Its form posts to path "phone" with the fields number
// and via; without number if Assigned is set.
type PhonePage struct {
	Common
	Number   string // as typed before the form was refused
	Assigned string // the number that an administrator chose, masked
	App      bool   // the person has an app
	Required bool   // there is no session without a second factor
	Calls    bool   // a call is possible
}

// A PhoneConfirmPage asks for the code of a number that was added. One form posts to
// path "phone/confirm" with the field phone_code, another to path "phone/send" with
// via.
type PhoneConfirmPage struct {
	Common
	Number   string    // masked
	Via      phone.Via // how the code was sent; empty: none was
	Assigned bool      // an administrator chose the number: the person cannot use another one
	Required bool
	Calls    bool
}

// A pendingPhone is a number that is not verified yet.
type pendingPhone struct {
	Token  totpflow.EnrollmentToken
	Number string    // masked
	Via    phone.Via // the way in which the last code was sent; empty: none was
	Of     string    // the person who added it: a hash of the account, or of the sign-in under way
}

var (
	errPhoneOver     = errors.New("web: the number has been pending for too long")
	errSignInByPhone = errors.New("web: the sign-in by phone was too long ago")
)

// A phoneSetter is the person who adds a number.
type phoneSetter struct {
	visitor  visitor // zero before a session
	status   totpflow.Status
	assigned string
	of       string
	pending  pendingPhone
}

func (s phoneSetter) app() bool { return len(s.status.Authenticators) > 0 }

// phoneSetter returns the person who adds a number; if nobody may, it has redirected and
// ok is false. A sign-in under way wins over the session, as in an enrollment.
func (h *Web) phoneSetter(w http.ResponseWriter, r *http.Request) (s phoneSetter, ok bool, err error) {
	h.json(r, phoneCookie, &s.pending)
	if h.challenge(r) != "" {
		d, err := h.service.ContinueSignIn(r.Context(), h.challenge(r))
		switch {
		case errors.Is(err, totpflow.ErrChallenge): // the session decides
		case err != nil:
			return s, false, err
		case d.Step != totpflow.Enroll:
			return s, false, redirect(w, r, h.Path("code"))
		case !slices.Contains(d.Methods, totpflow.MethodPhoneCode):
			return s, false, redirect(w, r, h.Path("setup"))
		default:
			if len(d.Phones) > 0 {
				s.assigned = d.Phones[0].Number.String()
			}
			return s.own(accountHash(totpflow.AccountID{User: string(h.challenge(r))})), true, nil
		}
	}
	s.visitor, err = h.visitor(r)
	if errors.Is(err, errSignedOut) && h.challenge(r) != "" {
		return s, false, h.over(w, r, totpflow.ErrChallenge)
	}
	if err != nil {
		return s, false, err
	}
	if s.status, err = s.visitor.account.Status(r.Context()); err != nil {
		return s, false, err
	}
	if !s.status.Assigned.IsZero() {
		s.assigned = s.status.Assigned.String()
	}
	switch of := s.status.Policy; {
	case of.Methods.Has(policy.Phone) && (s.assigned != "" || !of.AssignedPhones):
	case of.Mode == policy.Required && !s.status.Enrolled:
		return s, false, redirect(w, r, h.Path("setup"))
	default:
		return s, false, redirect(w, r, h.Path("security"))
	}
	return s.own(accountHash(s.visitor.User.ID)), true, nil
}

// own drops a pending number that somebody else left in this browser: confirming it would
// sign this person in as the other.
func (s phoneSetter) own(of string) phoneSetter {
	if s.of = of; s.pending.Of != of {
		s.pending = pendingPhone{}
	}
	return s
}

func (h *Web) getPhone(w http.ResponseWriter, r *http.Request) error {
	s, ok, err := h.phoneSetter(w, r)
	if !ok || err != nil {
		return err
	}
	if r.FormValue("other") != "" { // a number other than the pending one
		s.pending = pendingPhone{}
	}
	return h.phonePage(w, r, s, nil)
}

// phonePage asks for the number, or for the code that was sent to it. Before a number,
// a session that was left open asks for the password.
func (h *Web) phonePage(w http.ResponseWriter, r *http.Request, s phoneSetter, refused error) error {
	required := s.visitor.IsZero()
	account := Common{Account: h.text(r, whoCookie)}
	if !required {
		account.Account = nameOf(s.visitor.User)
	}
	switch {
	case s.pending.Token != "":
		return h.show(w, r, "phone-confirm", refused, &PhoneConfirmPage{account, s.pending.Number, s.pending.Via, s.assigned != "", required, h.Calls})
	case !required && !s.app() && !h.proved(r, s.visitor.User.ID):
		return h.show(w, r, "password", refused, &PasswordPage{account, "phone", h.Path("security")})
	}
	return h.show(w, r, "phone", refused, &PhonePage{account, r.PostFormValue("number"), s.assigned, s.app(), required, h.Calls})
}

// postPhone adds a number, which signs nobody in yet, and sends it a code.
func (h *Web) postPhone(w http.ResponseWriter, r *http.Request) error {
	s, ok, err := h.phoneSetter(w, r)
	if !ok || err != nil {
		return err
	}
	s.pending = pendingPhone{}
	number, via, err := s.typed(r)
	if err != nil { // before a code is used for it
		return h.phonePage(w, r, s, err)
	}
	by, err := h.phoneGrant(w, r, s)
	if by == nil || err != nil {
		return err
	}
	page, err := h.service.BeginPhone(r.Context(), by, number)
	if errors.Is(err, totpflow.ErrProof) && !s.visitor.IsZero() && !s.app() { // it was used, or a change ended it
		h.clearCookies(w, proofCookie)
		return redirect(w, r, h.Path("phone"))
	}
	if err != nil {
		return h.phonePage(w, r, s, err)
	}
	// From here on the number is pending, even if no code could be sent: the proof is
	// used, and another code can be sent from the page.
	s.pending = pendingPhone{Token: page.Token, Number: page.Number.String(), Of: s.of}
	return h.sendToPending(w, r, s, via)
}

// typed reads the form.
func (s phoneSetter) typed(r *http.Request) (n phone.Number, via phone.Via, err error) {
	if via = phone.Via(r.PostFormValue("via")); via != phone.SMS && via != phone.Voice {
		return n, via, phone.ErrVia
	}
	if s.assigned != "" {
		return n, via, nil
	}
	if n, err = phone.ParseNumber(r.PostFormValue("number")); err != nil {
		return n, via, err
	}
	switch {
	case slices.ContainsFunc(s.status.Phones, func(x phone.Phone) bool { return x.Number == n }):
		err = phone.ErrKnown
	case len(s.status.Phones) >= phone.MaxPhones:
		err = phone.ErrTooManyPhones
	}
	return n, via, err
}

// phoneGrant returns the grant for adding the number: from a code of the app if there is
// one, and otherwise from the sign-in. It is nil after the page that asks for the code
// was shown.
func (h *Web) phoneGrant(w http.ResponseWriter, r *http.Request, s phoneSetter) (totpflow.EnrollmentGrant, error) {
	switch {
	case s.visitor.IsZero():
		return h.challenge(r), nil
	case s.app():
		proof, err := h.prove(w, r, s.visitor, totpflow.ActionAddPhone, Target{})
		if proof == "" || err != nil {
			return nil, err
		}
		return proof, nil
	}
	proof, _ := h.proof(r, s.visitor.User.ID)
	return proof, nil
}

// sendToPending sends the code for the number that is pending.
func (h *Web) sendToPending(w http.ResponseWriter, r *http.Request, s phoneSetter, via phone.Via) error {
	_, err := h.service.SendEnrollmentCode(r.Context(), s.pending.Token, via)
	switch {
	case errors.Is(err, totpflow.ErrEnrollmentExpired):
		return h.phoneOver(w, r, s, err)
	case err == nil:
		s.pending.Via = via
	}
	h.setJSON(w, phoneCookie, s.pending)
	if err != nil {
		return h.phonePage(w, r, s, fmt.Errorf("%w: %w", errNotSent, err))
	}
	h.setNotice(w, "phone-sent")
	return redirect(w, r, h.Path("phone"))
}

// postPhoneSend sends another code, by either way.
func (h *Web) postPhoneSend(w http.ResponseWriter, r *http.Request) error {
	s, ok, err := h.phoneSetter(w, r)
	switch {
	case !ok || err != nil:
		return err
	case s.pending.Token == "":
		return redirect(w, r, h.Path("phone"))
	}
	return h.sendToPending(w, r, s, phone.Via(r.PostFormValue("via")))
}

// postPhoneConfirm makes the number a phone. The session starts here if the enrollment
// was part of the sign-in. It starts again if it began with the password alone.
func (h *Web) postPhoneConfirm(w http.ResponseWriter, r *http.Request) error {
	s, ok, err := h.phoneSetter(w, r)
	switch {
	case !ok || err != nil:
		return err
	case s.pending.Token == "":
		return redirect(w, r, h.Path("phone"))
	}
	d, err := h.service.ConfirmPhone(r.Context(), s.pending.Token, r.PostFormValue("phone_code"))
	switch {
	case errors.Is(err, totpflow.ErrEnrollmentExpired):
		return h.phoneOver(w, r, s, err)
	case err != nil:
		return h.phonePage(w, r, s, err)
	}
	h.setNotice(w, "phone-added")
	h.setCookie(w, phoneCookie, "", -time.Second)
	if s.visitor.IsZero() || !s.status.Enrolled {
		if err := h.begin(w, r, d); err != nil {
			return err
		}
	}
	if s.visitor.IsZero() {
		to := h.later(r)
		h.clearCookies(w, nextCookie)
		return redirect(w, r, to)
	}
	return redirect(w, r, h.Path("security"))
}

// phoneOver begins again with the number.
func (h *Web) phoneOver(w http.ResponseWriter, r *http.Request, s phoneSetter, why error) error {
	h.clearCookies(w, phoneCookie)
	s.pending = pendingPhone{}
	return h.phonePage(w, r, s, fmt.Errorf("%w: %w", errPhoneOver, why))
}

// postRemovePhone removes a phone: by a code of the app, or without an app in the
// first minutes after a sign-in by phone.
func (h *Web) postRemovePhone(w http.ResponseWriter, r *http.Request, v visitor) error {
	st, err := v.account.Status(r.Context())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(st.Phones, func(x phone.Phone) bool { return x.ID == r.PathValue("id") })
	switch { // before a code is used for it
	case i < 0:
		return h.securityPage(w, r, v, totpflow.ErrNoPhone)
	case st.Policy.AssignedPhones:
		return h.securityPage(w, r, v, totpflow.ErrNumberAssigned)
	}
	one := st.Phones[i]
	remove := func(p totpflow.Proof) (totpflow.Change, error) { return v.account.RemovePhone(r.Context(), p, one.ID) }
	if len(st.Authenticators) > 0 {
		return h.change(w, r, v, totpflow.ActionRemovePhone, Target{ID: one.ID, Name: one.Number.String()}, "phone-removed", remove)
	}
	proof, _ := h.proof(r, v.User.ID)
	change, err := remove(proof)
	if errors.Is(err, totpflow.ErrProof) {
		err = fmt.Errorf("%w: %w", errSignInByPhone, err)
	}
	if err != nil {
		return h.securityPage(w, r, v, err)
	}
	if len(st.Phones) == 1 {
		v.Reason = totpflow.ReasonNotEnrolled
	}
	if err := h.goOn(w, r, v, change); err != nil {
		return err
	}
	return h.done(w, r, "phone-removed")
}
