package web

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/phone"
)

// A signedIn is the answer to a sign-in that is complete.
type signedIn struct {
	Step              string          `json:"step"` // "passed"
	Session           string          `json:"session"`
	Expires           time.Time       `json:"expires"`
	By                totpflow.Reason `json:"by"`
	Proof             totpflow.Proof  `json:"proof,omitempty"` // begins an enrollment
	SetupUntil        *time.Time      `json:"setup_until,omitempty"`
	RecoveryCodesLeft *int            `json:"recovery_codes_left,omitempty"`

	// Of an enrollment: what is shown once.
	RecoveryCodes []string `json:"recovery_codes,omitempty"`
	Cleared       []string `json:"cleared,omitempty"`
}

// A phoneItem is a phone as programs see it: the number is masked.
type phoneItem struct {
	ID     string    `json:"id,omitempty"` // empty: a number that an administrator chose, to be verified
	Number string    `json:"number"`
	Via    phone.Via `json:"via,omitempty"` // the way by which it was verified
}

func phoneItems(phones []phone.Phone) (items []phoneItem) {
	for _, p := range phones {
		items = append(items, phoneItem{p.ID, p.Number.String(), p.Via})
	}
	return items
}

// afterPasswordJSON answers a program's first step.
func (h *Web) afterPasswordJSON(w http.ResponseWriter, r *http.Request, user totpflow.User) error {
	d, err := h.service.SignIn(r.Context(), user)
	if err != nil || d.Step != totpflow.AskCode {
		return h.decided(w, r, d, err)
	}
	next := &incomplete{Decision: d}
	if only, ok := onlyPhone(d); ok {
		if sent, err := h.sendByItself(r.Context(), d, only); err == nil { // otherwise the program asks for one, and gets the reason
			a := answerOf(sent)
			next.sent = &a
		}
	}
	return next
}

// decided answers with a decision: with a session if the sign-in is complete,
// otherwise with an error that names the next step.
func (h *Web) decided(w http.ResponseWriter, r *http.Request, d totpflow.Decision, err error) error {
	switch {
	case err != nil:
		return err
	case d.Step != totpflow.Passed:
		return &incomplete{Decision: d}
	}
	a, err := h.admit(r, d)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, a)
}

// admit starts the session of a sign-in. No other function of the API does so, and it
// knows the person only from the decision.
func (h *Web) admit(r *http.Request, d totpflow.Decision) (a signedIn, err error) {
	if d.Step != totpflow.Passed {
		return a, &incomplete{Decision: d}
	}
	if err := h.keepGeneration(r.Context(), totpflow.User{ID: d.ID}, d.Generation); err != nil {
		return a, err
	}
	a = signedIn{Step: "passed", By: d.Reason}
	if a.Session, a.Expires, err = h.Token(r.Context(), d); err != nil {
		return a, unavailable("making a token", err)
	}
	a.Expires = a.Expires.UTC().Truncate(time.Second)
	if d.Action != totpflow.ActionSignIn { // its proof could be used to trust a browser
		a.Proof = d.Proof
	}
	switch d.Reason {
	case totpflow.ReasonRecoveryCode:
		a.RecoveryCodesLeft = &d.RecoveryCodesLeft
	case totpflow.ReasonGrace:
		a.SetupUntil = &d.GraceUntil
	}
	return a, nil
}

// A codeAnswer is one of the ways to answer the question for a code.
type codeAnswer struct {
	Code         string   `json:"code"`
	Codes        []string `json:"codes"` // two in a row
	RecoveryCode string   `json:"recovery_code"`
	IssuedCode   string   `json:"issued_code"`
	PhoneCode    string   `json:"phone_code"`
}

// ways counts the ways in a request; exactly one is allowed.
func (a codeAnswer) ways() int {
	given := []bool{a.Code != "", a.Codes != nil, a.RecoveryCode != "", a.IssuedCode != "", a.PhoneCode != ""}
	return len(slices.DeleteFunc(given, func(is bool) bool { return !is }))
}

// apiCode completes a sign-in with whatever code the person has.
func (h *Web) apiCode(w http.ResponseWriter, r *http.Request) error {
	in, err := ReadJSON[struct {
		Challenge totpflow.Challenge `json:"challenge"`
		codeAnswer
	}](r)
	if err != nil {
		return err
	}
	var d totpflow.Decision
	switch {
	case in.ways() != 1 || in.Codes != nil && len(in.Codes) != 2:
		return errMalformed
	case in.Codes != nil:
		d, err = h.service.VerifyPair(r.Context(), in.Challenge, in.Codes[0], in.Codes[1])
	case in.RecoveryCode != "":
		d, err = h.service.VerifyRecoveryCode(r.Context(), in.Challenge, in.RecoveryCode)
	case in.IssuedCode != "":
		d, err = h.service.VerifyIssuedCode(r.Context(), in.Challenge, in.IssuedCode)
	case in.PhoneCode != "":
		d, err = h.service.VerifyPhoneCode(r.Context(), in.Challenge, in.PhoneCode)
	default:
		d, err = h.service.VerifyCode(r.Context(), in.Challenge, in.Code)
	}
	return h.decided(w, r, d, err)
}

// apiReplace asks again for a code of the old app, in order to set up a new one: the
// proof of the completed sign-in begins the enrollment.
func (h *Web) apiReplace(w http.ResponseWriter, r *http.Request) error {
	in, err := ReadJSON[struct {
		Challenge totpflow.Challenge `json:"challenge"`
	}](r)
	if err != nil {
		return err
	}
	d, err := h.service.ReplaceAtSignIn(r.Context(), in.Challenge)
	if err != nil {
		return err
	}
	return &incomplete{Decision: d}
}

// A sentAnswer names the phone to which a code is on its way.
type sentAnswer struct {
	To    string     `json:"to"` // masked
	Via   phone.Via  `json:"via"`
	Again *time.Time `json:"again,omitempty"` // when another one can be sent; nil: now
}

func answerOf(sent phone.Sent) sentAnswer {
	a := sentAnswer{To: sent.To.String(), Via: sent.Via}
	if !sent.NextAt.IsZero() {
		a.Again = &sent.NextAt
	}
	return a
}

// apiPhoneCode sends a code to one of the person's phones.
func (h *Web) apiPhoneCode(w http.ResponseWriter, r *http.Request) error {
	in, err := ReadJSON[struct {
		Challenge totpflow.Challenge `json:"challenge"`
		Phone     string             `json:"phone"`
		Via       phone.Via          `json:"via"`
	}](r)
	if err != nil {
		return err
	}
	sent, err := h.sendCode(r.Context(), in.Challenge, in.Phone, in.Via)
	switch {
	case err != nil && unsentReason(err) != "":
		return fmt.Errorf("%w: %w", errNotSent, err)
	case err != nil:
		return err
	}
	return reply(w, http.StatusAccepted, answerOf(sent))
}

// apiSignOut ends the session that the request shows.
func (h *Web) apiSignOut(w http.ResponseWriter, r *http.Request) error {
	if err := h.Host.End(w, r); err != nil {
		return unavailable("ending the session", err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
