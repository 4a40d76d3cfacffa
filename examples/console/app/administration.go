package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/examples/internal/words"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/totphttp"
	"github.com/totpflow/totpflow/web"
)

// The pages of administrators ask for a code in the form of the change itself. What they
// need for that is here, and nothing else of the console uses it.

// showForms answers with a page of several forms. If one of them was refused, the page
// says why, and has its status.
func (c *console) showForms(w http.ResponseWriter, r *http.Request, page string, refused error, v view) error {
	v.Error = explain(spoken(r.Context()), refused, c.now())
	return c.show(w, r, status(w, refused), page, v)
}

// forms are those of a page that ask a signed-in person for a code.
type forms struct {
	*visitor
	form string // which one was refused
}

// Formless reports that the refused request has no form on the page.
func (p forms) Formless() bool { return p.form == "" }

// Form is what the template of one form needs.
func (p forms) Form(name, message string) codeForm {
	f := codeForm{Name: name, Refused: name == p.form, Pair: p.Throttled != nil}
	if f.Refused {
		f.Error = message
	}
	return f
}

type codeForm struct {
	Name    string
	Error   string
	Refused bool // shown open, with the error
	Pair    bool // a second code is asked for, too
}

// reauthenticate asks for the second factor once more, before an action.
// The field for the code accepts a recovery code too: the forms cannot be mistaken
// for each other.
func (v *visitor) reauthenticate(r *http.Request, p totpflow.Purpose) (totpflow.Proof, error) {
	code, second := r.PostFormValue("code"), r.PostFormValue("code2")
	if second != "" {
		return v.factor.VerifyPair(r.Context(), p, code, second)
	}
	if _, err := recovery.Normalize(code); err == nil {
		return v.byRecoveryCode(r.Context(), p, code)
	}
	return v.factor.VerifyCode(r.Context(), p, code)
}

func (v *visitor) byRecoveryCode(ctx context.Context, p totpflow.Purpose, code string) (totpflow.Proof, error) {
	proof, change, err := v.factor.VerifyRecoveryCode(ctx, p, code)
	if err != nil {
		return "", err
	}
	return proof, v.keep(ctx, change)
}

// explain says in words why a page's form was refused and what to do about it.
// It says nothing that only the operator should know.
func explain(l *words.Language, err error, now time.Time) string {
	var wait *throttle.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &wait):
		return explainWait(l, wait, now)
	case errors.Is(err, totpflow.ErrAlreadyUsed):
		return l.Say("error.used")
	case errors.Is(err, totp.ErrMalformedCode):
		return l.Say("error.malformed")
	case errors.Is(err, recovery.ErrMalformed):
		return l.Say("error.malformedRecovery")
	case errors.Is(err, totpflow.ErrRejected):
		return l.Say("error.wrongEither")
	case errors.Is(err, enroll.ErrUnknown):
		return l.Say("error.unknown")
	case errors.Is(err, phone.ErrNumber):
		return l.Say("error.number")
	case ofAdministration(err) != "":
		return l.Say(ofAdministration(err))
	case errors.Is(err, totpflow.ErrExempt):
		return l.Say("error.exempt")
	case errors.Is(err, totpflow.ErrFrozen):
		return l.Say("error.frozen")
	case errors.Is(err, totpflow.ErrNotEnrolled):
		return l.Say("error.notEnrolled")
	case errors.Is(err, totpflow.ErrProof), errors.Is(err, totpflow.ErrChallenge):
		return l.Say("error.over")
	case errors.Is(err, web.ErrNotFound):
		return l.Say("error.notFound")
	case errors.Is(err, totpflow.ErrRecordLost):
		return l.Say("error.recordLost")
	case errors.Is(err, store.ErrUnavailable):
		return l.Say("error.unavailable")
	default:
		return l.Say("error.internal")
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

// status is the status code for an error.
func status(w http.ResponseWriter, err error) int {
	switch {
	case errors.Is(err, web.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, errSetUpFirst):
		return http.StatusForbidden
	case errors.Is(err, errForm), errors.Is(err, errNobody), errors.Is(err, errSeveralTenants):
		return http.StatusBadRequest
	case errors.Is(err, errResetFirst), errors.Is(err, errNothingLost):
		return http.StatusConflict
	case errors.Is(err, errMail):
		return http.StatusServiceUnavailable
	default:
		return totphttp.StatusCode(w, err)
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
