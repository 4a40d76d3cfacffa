package web

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/totphttp"
)

// fail answers a request whose error no form can explain. The log has the cause; the
// person reads only what to do.
func (h *Web) fail(w http.ResponseWriter, r *http.Request, err error) {
	if h.wantsJSON(r) {
		h.headers(w)
		h.failJSON(w, h.report(w, r, err), err)
		return
	}
	if errors.Is(err, errSignedOut) {
		if err = h.signedOut(w, r, err); err == nil {
			return
		}
	}
	status := h.report(w, r, err)
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		err = errors.Join(errOnlyLooked, err)
	} else if hasWritten(r.Context()) {
		err = errors.Join(errWritten, err)
	}
	l := h.spoken(r)
	p := &ProblemPage{Home: h.Home}
	switch status {
	case http.StatusNotFound:
		p.Title = l.Say("problem.notFound")
	case http.StatusServiceUnavailable:
		p.Title = l.Say("problem.again")
	default:
		p.Title = l.Say("problem.title")
	}
	if broken := h.showAs(w, r, status, "problem", err, p); broken != nil {
		h.Log.ErrorContext(r.Context(), "web: a page failed", "error", broken)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	}
}

// errOnlyLooked means that the request was to change nothing.
var errOnlyLooked = errors.New("web: only to look")

// errWritten means that an earlier call of the same request has written something.
var errWritten = errors.New("web: written before")

// unavailable returns the text for a store, or a host, that does not answer. Only the store can
// say that nothing was changed: a write whose answer was lost may have taken place.
func (l *Language) unavailable(err error) string {
	switch {
	case errors.Is(err, errOnlyLooked):
		return l.Say("error.unavailable")
	case errors.Is(err, store.ErrNotWritten) && !errors.Is(err, errWritten):
		return l.Say("error.notWritten")
	default:
		return l.Say("error.uncertain")
	}
}

// keepTrouble keeps the store's failure that a form met, for the case that the page which
// should show it fails too: even if the page wrote nothing, the form may have.
func keepTrouble(refused error, err *error) {
	if *err != nil && errors.Is(refused, store.ErrUnavailable) {
		*err = refused
	}
}

// report returns the status of an error, and logs errors that are for the operator.
func (h *Web) report(w http.ResponseWriter, r *http.Request, err error) int {
	status := h.status(w, err)
	// A page has no text for the word of an APIError.
	unexplained := errors.As(err, new(*APIError)) && !h.wantsJSON(r)
	if (status >= http.StatusInternalServerError || unexplained) && r.Context().Err() == nil { // a browser that has gone away is not a fault
		h.Log.ErrorContext(r.Context(), "web: a request failed", "path", r.URL.Path, "error", err)
	}
	return status
}

// status returns the status code for an error.
func (h *Web) status(w http.ResponseWriter, err error) int {
	var large *http.MaxBytesError
	var next *incomplete
	var own *APIError
	switch {
	case errors.As(err, &own):
		return cmp.Or(own.Status, http.StatusInternalServerError)
	case errors.As(err, &next):
		return http.StatusForbidden
	case errors.Is(err, errNotFound):
		return http.StatusNotFound
	case errors.Is(err, ErrPassword), errors.Is(err, errSignedOut):
		return http.StatusUnauthorized
	case errors.Is(err, errOtherSite), errors.Is(err, errCodeFirst):
		return http.StatusForbidden
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, errForm), errors.Is(err, errMalformed), errors.Is(err, totpflow.ErrPurpose):
		return http.StatusBadRequest
	case errors.Is(err, errNotJSON):
		return http.StatusUnsupportedMediaType
	case errors.Is(err, errPasswordNext):
		return http.StatusForbidden
	default:
		return totphttp.StatusCode(w, err)
	}
}

// explain returns a text that says why a page's form was refused and what to do. It
// contains nothing that only the operator should know.
func (l *Language) explain(page string, err error, now time.Time) string {
	var wait *throttle.Error
	var drift *enroll.DriftError
	byPhone := page == "phone-code" || page == "phone-confirm"
	switch {
	case err == nil, errors.Is(err, errCodeFirst):
		return ""
	case (byPhone || page == "phone") && errors.Is(err, totpflow.ErrMethodNotAllowed):
		return l.Say("error.phoneMethod")
	case errors.Is(err, errNotSent) && errors.As(err, &wait) && !wait.Until.IsZero():
		return l.Say("error.phoneWait", "Wait", l.Span(wait.Until.Sub(now)))
	case errors.As(err, &wait):
		return l.wait(wait, byPhone, now)
	case errors.As(err, &drift) && drift.Off < 0:
		return l.Say("error.behind", "Off", l.Span(-drift.Off))
	case errors.As(err, &drift):
		return l.Say("error.ahead", "Off", l.Span(drift.Off))
	case byPhone && errors.Is(err, totp.ErrMalformedCode):
		return l.Say("error.malformedPhone")
	}
	for _, known := range errorTexts {
		if errors.Is(err, known.err) {
			if errors.Is(known.err, totpflow.ErrRejected) {
				return l.Say(wrongCode(page))
			}
			return l.Say("error." + known.text)
		}
	}
	if errors.Is(err, store.ErrUnavailable) {
		return l.unavailable(err)
	}
	return l.Say("error.internal")
}

// errorTexts are tried in this order: an error that matches several gets the first text.
var errorTexts = []struct {
	err  error
	text string
}{
	{errNotFound, "notFound"},
	{errOtherSite, "otherSite"},
	{errNoChoice, "which"},
	{errWhichPhone, "whichPhone"},
	{errForm, "form"},
	{ErrPassword, "password"},
	{errPhoneOver, "phoneOver"},
	{errSignInByPhone, "signInByPhone"},
	{totpflow.ErrPhoneCode, "phoneCode"},
	{totpflow.ErrPhoneLimit, "phoneLimit"},
	{totpflow.ErrNoPhone, "noPhone"},
	{totpflow.ErrNumberAssigned, "assigned"},
	{phone.ErrNumber, "number"},
	{phone.ErrDestination, "destination"},
	{phone.ErrUndeliverable, "undeliverable"},
	{phone.ErrVia, "via"},
	{phone.ErrKnown, "known"},
	{phone.ErrTooManyPhones, "tooManyPhones"},
	{phone.ErrUnavailable, "phoneUnavailable"},
	{phone.ErrProvider, "provider"},
	{totpflow.ErrAlreadyUsed, "used"},
	{totp.ErrMalformedCode, "malformed"},
	{recovery.ErrMalformed, "malformedRecovery"},
	{totpflow.ErrRejected, "wrong"},
	{errSetupOver, "setupOver"},
	{totpflow.ErrEnrollmentExpired, "enrollment"},
	{totpflow.ErrFactorRequired, "required"},
	{enroll.ErrTooManyAuthenticators, "limit"},
	{enroll.ErrLast, "last"},
	{enroll.ErrUnknown, "unknown"},
	{totpflow.ErrWeakAuthenticator, "weak"},
	{totpflow.ErrExempt, "exempt"},
	{totpflow.ErrFrozen, "frozen"},
	{totpflow.ErrDisownToken, "disown"},
	{totpflow.ErrPasswordRecent, "passwordRecent"},
	{totpflow.ErrMethodNotAllowed, "method"},
	{totpflow.ErrNotEnrolled, "notEnrolled"},
	{totpflow.ErrProof, "over"},
	{totpflow.ErrChallenge, "over"},
	{totpflow.ErrRecordLost, "recordLost"},
}

// codeOf returns the page whose text for a wrong code fits: a person who has no recovery
// codes is not told to use one.
func codeOf(page string, data any) string {
	if p, ok := data.(interface{ onlyApp() bool }); ok && p.onlyApp() {
		return "code"
	}
	return page
}

func (p *StepUpPage) onlyApp() bool { return !p.Recovery }

func (f CodeField) onlyApp() bool { return !f.Recovery }

// wrongCode returns the text for a code that is not right.
func wrongCode(page string) string {
	switch page {
	case "recovery":
		return "error.wrongRecovery"
	case "issued":
		return "error.wrongIssued"
	case "phone-code", "phone-confirm":
		return "error.wrongPhone"
	case "stepup":
		return "error.wrongEither"
	default:
		return "error.wrong"
	}
}

// wait returns the text for too many wrong codes. Two codes in a row are for apps.
func (l *Language) wait(wait *throttle.Error, byPhone bool, now time.Time) string {
	pair := wait.Pair && !byPhone
	switch {
	case wait.Until.IsZero() && pair:
		return l.Say("error.pairOnly")
	case wait.Until.IsZero():
		return l.Say("error.locked")
	case pair:
		return l.Say("error.waitOrPair", "Wait", l.Span(wait.Until.Sub(now)))
	default:
		return l.Say("error.wait", "Wait", l.Span(wait.Until.Sub(now)))
	}
}

// Happened describes an event of the account in words. An event that a later
// release adds is shown by its name: it must not be missing.
func (l *Language) Happened(e event.Event) string {
	id := string(e.Kind)
	if e.Kind == event.PhoneAssigned && e.Action == "" {
		id = "phones_cleared"
	}
	text, err := l.Find("event."+id, "Count", e.Remaining, "Day", l.Minute(e.Until), "Number", e.Action)
	if err != nil {
		return strings.ReplaceAll(string(e.Kind), "_", " ")
	}
	return text
}

// doing names an action, such as “Delete backup”. A host's action has a text of its own
// under action.delete-backup, and otherwise its own name.
func (l *Language) doing(action totpflow.Action) string {
	if text, err := l.Find("action." + strings.ReplaceAll(string(action), " ", "-")); err == nil {
		return text
	}
	if action == "" {
		return ""
	}
	return strings.ToUpper(string(action[:1])) + string(action[1:])
}
