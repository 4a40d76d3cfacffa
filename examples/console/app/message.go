package app

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/examples/internal/words"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totp"
)

// explain says in words why a page's form was refused and what to do about it.
// It says nothing that only the operator should know.
func explain(l *words.Language, page string, err error, now time.Time) string {
	var wait *throttle.Error
	var drift *enroll.DriftError
	switch {
	case err == nil:
		return ""
	case ofPhones(l, page, err, now) != "":
		return ofPhones(l, page, err, now)
	case errors.As(err, &wait):
		return explainWait(l, wait, now)
	case errors.As(err, &drift):
		return explainDrift(l, drift.Off)
	case errors.Is(err, errPassword):
		return l.Say("error.password")
	case errors.Is(err, totpflow.ErrAlreadyUsed):
		return l.Say("error.used")
	case errors.Is(err, totp.ErrMalformedCode):
		return l.Say("error.malformed")
	case errors.Is(err, recovery.ErrMalformed):
		return l.Say("error.malformedRecovery")
	case errors.Is(err, totpflow.ErrRejected):
		return l.Say(wrongCode(page))
	case errors.Is(err, totpflow.ErrEnrollmentExpired):
		return l.Say("error.enrollment")
	case errors.Is(err, totpflow.ErrFactorRequired):
		return l.Say("error.required")
	case ofAuthenticators(err) != "":
		return l.Say(ofAuthenticators(err))
	case ofAdministration(err) != "":
		return l.Say(ofAdministration(err))
	case errors.Is(err, totpflow.ErrExempt):
		return l.Say("error.exempt")
	case errors.Is(err, totpflow.ErrFrozen):
		return l.Say("error.frozen")
	case errors.Is(err, totpflow.ErrDisownToken):
		return l.Say("error.disown")
	case errors.Is(err, totpflow.ErrPasswordRecent):
		return l.Say("error.passwordRecent")
	case errors.Is(err, totpflow.ErrMethodNotAllowed):
		return l.Say("error.method")
	case errors.Is(err, totpflow.ErrNotEnrolled):
		return l.Say("error.notEnrolled")
	case errors.Is(err, totpflow.ErrProof), errors.Is(err, totpflow.ErrChallenge):
		return l.Say("error.over")
	case errors.Is(err, totpflow.ErrRecordLost):
		return l.Say("error.recordLost")
	case errors.Is(err, errNotFound):
		return l.Say("error.notFound")
	case errors.Is(err, errOtherSite):
		return l.Say("error.otherSite")
	case errors.Is(err, store.ErrUnavailable):
		return l.Say("error.unavailable")
	default:
		return l.Say("error.internal")
	}
}

// wrongCode is the text for a code that is not right.
func wrongCode(page string) string {
	switch page {
	case "recovery":
		return "error.wrongRecovery"
	case "issued":
		return "error.wrongIssued"
	case "phone-code", "phone-confirm":
		return "error.wrongPhone"
	case "security", "phone", "stepup", "admin", "member":
		return "error.wrongEither"
	default:
		return "error.wrong"
	}
}

func explainWait(l *words.Language, wait *throttle.Error, now time.Time) string {
	switch {
	case wait.Until.IsZero() && wait.Pair:
		return l.Say("error.pairOnly")
	case wait.Until.IsZero():
		return l.Say("error.locked")
	case wait.Pair:
		return l.Say("error.waitOrPair", "Wait", l.Span(wait.Until.Sub(now)))
	default:
		return l.Say("error.wait", "Wait", l.Span(wait.Until.Sub(now)))
	}
}

func explainDrift(l *words.Language, off time.Duration) string {
	if off < 0 {
		return l.Say("error.behind", "Off", l.Span(-off))
	}
	return l.Say("error.ahead", "Off", l.Span(off))
}

func problemTitle(l *words.Language, status int) string {
	switch status {
	case http.StatusNotFound:
		return l.Say("problem.notFound")
	case http.StatusServiceUnavailable:
		return l.Say("problem.again")
	default:
		return l.Say("problem.failed")
	}
}

// stateWord is the state of the second factor, as a heading.
func stateWord(l *words.Language, state any) string { return l.Say(fmt.Sprintf("state.%v", state)) }

// memberWord is the state of an account, for administrators.
func memberWord(l *words.Language, s admin.MemberState) string {
	word, err := l.Find("member." + string(s))
	if err != nil {
		return l.Say("member.unreadable")
	}
	return word
}

// happened says in words what an event of the account was. An event that a later
// release adds is shown by its name: it must not be missing.
func happened(l *words.Language, e event.Event) string {
	mode := e.Action
	if word, err := l.Find("mode." + mode); err == nil {
		mode = word
	}
	action := e.Action
	if word, err := l.Find("action." + strings.ReplaceAll(action, " ", "-")); err == nil {
		action = word
	}
	text, err := l.Find("event."+string(e.Kind), "Count", e.Remaining, "Day", l.Day(e.Until), "Mode", mode, "Action", action)
	if err != nil {
		return strings.ReplaceAll(string(e.Kind), "_", " ")
	}
	return text
}

// A notice is what one page leaves for the next: the last part of a text's id,
// in a cookie of its own, since most come up where there is no session.
const noticeCookie = "__Host-notice"

func setNotice(w http.ResponseWriter, word string) {
	http.SetCookie(w, &http.Cookie{
		Name: noticeCookie, Value: word, MaxAge: 60,
		Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// takeNotice returns the notice that is waiting, which is shown once.
func takeNotice(w http.ResponseWriter, r *http.Request) string {
	k, err := r.Cookie(noticeCookie)
	if err != nil {
		return ""
	}
	http.SetCookie(w, &http.Cookie{Name: noticeCookie, MaxAge: -1, Path: "/", Secure: true, HttpOnly: true})
	text, err := spoken(r.Context()).Find("notice." + k.Value)
	if err != nil { // it is from a browser, and may be anything
		return ""
	}
	return text
}
