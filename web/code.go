package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totphttp"
	"github.com/totpflow/totpflow/trust"
)

// A SecondStep is the common part of the pages of the second step: the other ways that
// the person has.
type SecondStep struct {
	Common
	App      bool // code.html
	Recovery bool // recovery.html
	ByPhone  bool // phone-code.html
	Issued   bool // issued.html: a code sent by an administrator
}

// WasReset reports whether the second factor was reset, so that the code leads to a new
// enrollment: the person has neither an app nor a phone, and is asked for a code all the same.
func (s SecondStep) WasReset() bool { return !s.App && !s.ByPhone }

// A CodePage asks for the code of the app. Its form posts to path "code" with the
// field code, with code2 where Pair is set, and with trust=yes from the checkbox.
type CodePage struct {
	SecondStep
	Pair     bool          // single codes are locked out; two in a row are accepted
	Wait     string        // why, unless Error says so already
	TrustFor time.Duration // how long this browser would be trusted; 0: not offered
	Trust    bool          // it was ticked
}

// A RecoveryPage asks for a recovery code. Its form posts to path "recovery" with
// the field recovery_code.
type RecoveryPage struct {
	SecondStep
	Code string // as typed before the form was refused
}

// An IssuedPage asks for the code that was sent by an administrator. Its form posts to
// path "issued" with the field issued_code.
type IssuedPage struct {
	SecondStep
	Code string // as typed before the form was refused
}

// A PhoneCodePage sends a code to a phone and asks for it. One form posts to path
// "phone-code/send" with the fields phone, via and, as they were before, sent and sent_to;
// another to path "phone-code" with phone_code, phone and via.
type PhoneCodePage struct {
	SecondStep
	Phones []phone.Phone // numbers print masked
	To     string        // the ID of the phone that the code went to; empty before it was sent
	Choice string        // the ID of the phone that is selected for the next code
	Sent   phone.Via     // how; empty before it was sent
	Calls  bool          // a call is possible
	Call   bool          // the person prefers a call: the number was verified by one
	Wait   string
}

func (h *Web) getCode(w http.ResponseWriter, r *http.Request) error {
	return h.codePage(w, r, "code", nil)
}

// postCode completes the sign-in with the code of an app, or two in a row.
func (h *Web) postCode(w http.ResponseWriter, r *http.Request) error {
	var d totpflow.Decision
	var err error
	if second := r.PostFormValue("code2"); second != "" {
		d, err = h.service.VerifyPair(r.Context(), h.challenge(r), r.PostFormValue("code"), second)
	} else {
		d, err = h.service.VerifyCode(r.Context(), h.challenge(r), r.PostFormValue("code"))
	}
	switch {
	case err != nil:
		return h.codePage(w, r, "code", err)
	case d.Step == totpflow.Enroll: // the code of a weak, imported secret
		return h.enrollFirst(w, r, d, h.next(r))
	}
	if r.PostFormValue("trust") != "" {
		browser, err := h.service.TrustBrowser(r.Context(), d.Proof, totphttp.BrowserLabel(r))
		if err == nil {
			h.setTrust(w, browser)
		} else { // the code was right nevertheless
			h.setNotice(w, "not-trusted")
		}
	}
	return h.enter(w, r, d, h.next(r))
}

func (h *Web) getRecovery(w http.ResponseWriter, r *http.Request) error {
	return h.codePage(w, r, "recovery", nil)
}

// postRecovery completes the sign-in with a recovery code, and leads to a new
// authenticator.
func (h *Web) postRecovery(w http.ResponseWriter, r *http.Request) error {
	d, err := h.service.VerifyRecoveryCode(r.Context(), h.challenge(r), r.PostFormValue("recovery_code"))
	switch {
	case err != nil:
		return h.codePage(w, r, "recovery", err)
	case d.Step == totpflow.Enroll: // after a reset that left the codes
		return h.enrollFirst(w, r, d, h.next(r))
	}
	return h.enter(w, r, d, h.next(r))
}

func (h *Web) getIssued(w http.ResponseWriter, r *http.Request) error {
	return h.codePage(w, r, "issued", nil)
}

// postIssued accepts the code that was sent by an administrator. It leads only to a new
// authenticator.
func (h *Web) postIssued(w http.ResponseWriter, r *http.Request) error {
	d, err := h.service.VerifyIssuedCode(r.Context(), h.challenge(r), r.PostFormValue("issued_code"))
	if err != nil {
		return h.codePage(w, r, "issued", err)
	}
	return h.enrollFirst(w, r, d, h.next(r))
}

// errNotSent marks the reason why no code was sent, as opposed to why a code was refused:
// each can be limited for its own reasons.
var errNotSent = errors.New("web: no code was sent")

// errWhichPhone means that there are several phones, and none was chosen: one was added
// after the page was opened.
var errWhichPhone = fmt.Errorf("web: no phone was chosen: %w", errForm)

func (h *Web) getPhoneCode(w http.ResponseWriter, r *http.Request) error {
	return h.codePage(w, r, "phone-code", nil)
}

// postPhoneCodeSend sends a code to one of the person's phones.
func (h *Web) postPhoneCodeSend(w http.ResponseWriter, r *http.Request) error {
	via, id := phone.Via(r.PostFormValue("via")), r.PostFormValue("phone")
	if id == "" { // there was one when the page was opened
		d, err := h.service.ContinueSignIn(r.Context(), h.challenge(r))
		switch {
		case err == nil && len(d.Phones) == 0:
			err = totpflow.ErrNoPhone
		case err == nil && len(d.Phones) > 1:
			err = errWhichPhone
		}
		if err != nil {
			return h.codePage(w, r, "phone-code", fmt.Errorf("%w: %w", errNotSent, err))
		}
		id = d.Phones[0].ID
	}
	if _, err := h.sendCode(r.Context(), h.challenge(r), id, via); err != nil {
		return h.codePage(w, r, "phone-code", fmt.Errorf("%w: %w", errNotSent, err))
	}
	return redirect(w, r, h.sentPath(via, id))
}

// sentPath returns the page that asks for the code that was sent.
func (h *Web) sentPath(via phone.Via, id string) string {
	return h.Path("phone-code") + "?" + url.Values{"via": {string(via)}, "phone": {id}}.Encode()
}

// onlyPhone returns the phone that is the only way to complete the sign-in.
func onlyPhone(d totpflow.Decision) (only phone.Phone, ok bool) {
	if len(d.Phones) != 1 || len(d.Methods) != 1 || d.Methods[0] != totpflow.MethodPhoneCode {
		return only, false
	}
	return d.Phones[0], true
}

// sendByItself sends the code in the way that verified the number: a landline gets a
// call. The limits are the same as for a code that the person requests.
func (h *Web) sendByItself(ctx context.Context, d totpflow.Decision, to phone.Phone) (phone.Sent, error) {
	return h.sendCode(ctx, d.Challenge, to.ID, to.Via)
}

// sendCode sends a code, and refuses a call where the host has stopped calling. It does so
// before anything is counted: after a provider's refusal, the SMS that the person requests
// instead would have to wait.
func (h *Web) sendCode(ctx context.Context, c totpflow.Challenge, id string, via phone.Via) (phone.Sent, error) {
	if via == phone.Voice && !h.Calls {
		return phone.Sent{}, phone.ErrVia
	}
	return h.service.SendPhoneCode(ctx, c, id, via)
}

// postPhoneCode completes the sign-in with a code that was sent.
func (h *Web) postPhoneCode(w http.ResponseWriter, r *http.Request) error {
	d, err := h.service.VerifyPhoneCode(r.Context(), h.challenge(r), r.PostFormValue("phone_code"))
	if err != nil {
		return h.codePage(w, r, "phone-code", err)
	}
	return h.enter(w, r, d, h.next(r))
}

// codePage shows one of the forms of the second step, and why the last code was
// refused. A form of a way that the person does not have leads to one that they have.
func (h *Web) codePage(w http.ResponseWriter, r *http.Request, page string, refused error) (err error) {
	defer keepTrouble(refused, &err)
	// A single sign-on response posted from another site arrives without this site's
	// cookies. Here they are present, and the browser may be trusted.
	var tokens []trust.Token
	if r.Method == http.MethodGet {
		tokens = h.trustTokens(r)
	}
	d, err := h.service.ContinueSignIn(r.Context(), h.challenge(r), tokens...)
	switch {
	case errors.Is(err, totpflow.ErrChallenge):
		return h.over(w, r, errors.Join(refused, err))
	case err != nil:
		return err
	case d.Step == totpflow.Passed:
		return h.enter(w, r, d, h.next(r))
	case d.Step == totpflow.Enroll:
		return redirect(w, r, h.setupOf(h.next(r)))
	}
	step := SecondStep{
		Common:   Common{Account: h.text(r, whoCookie)},
		App:      slices.Contains(d.Methods, totpflow.MethodCode),
		Recovery: slices.Contains(d.Methods, totpflow.MethodRecoveryCode),
		ByPhone:  slices.Contains(d.Methods, totpflow.MethodPhoneCode),
		Issued:   slices.Contains(d.Methods, totpflow.MethodIssuedCode),
	}
	if here := step.page(page); here != page && refused == nil {
		return redirect(w, r, h.Path(here))
	}
	wait := ""
	if d.Throttled != nil && !errors.Is(refused, throttle.ErrThrottled) {
		wait = h.spoken(r).wait(d.Throttled, page == "phone-code", h.now())
	}
	var p pageData
	switch page {
	case "recovery":
		p = &RecoveryPage{step, r.PostFormValue("recovery_code")}
	case "issued":
		p = &IssuedPage{step, r.PostFormValue("issued_code")}
	case "phone-code":
		choice := r.FormValue("phone")
		via, to := r.FormValue("via"), choice
		if errors.Is(refused, errNotSent) { // the code before it, if there was one, is the one to enter
			via, to = r.FormValue("sent"), r.FormValue("sent_to")
		}
		p = &PhoneCodePage{step, d.Phones, to, choice, phone.Via(via), h.Calls, h.Calls && len(d.Phones) == 1 && d.Phones[0].Via == phone.Voice, wait}
	default:
		p = &CodePage{step, d.Throttled != nil, wait, d.TrustFor, r.PostFormValue("trust") != ""}
	}
	return h.show(w, r, page, refused, p)
}

// page returns the requested page if the person has that way, and otherwise the first one
// that they have.
func (s SecondStep) page(wanted string) string {
	ways := []struct {
		page string
		has  bool
	}{{"code", s.App}, {"phone-code", s.ByPhone}, {"recovery", s.Recovery}, {"issued", s.Issued}}
	first := "code"
	for _, way := range slices.Backward(ways) {
		switch {
		case way.has && way.page == wanted:
			return wanted
		case way.has:
			first = way.page
		}
	}
	return first
}
