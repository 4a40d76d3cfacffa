package adminweb

import (
	"errors"
	"html/template"
	"net/http"
	"slices"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/web"
)

var (
	errForm          = errors.New("adminweb: the form was not filled in")
	errNobody        = errors.New("adminweb: nobody was chosen")
	errNobodyMissing = errors.New("adminweb: none of them has to set up")
	errOneTenant     = errors.New("adminweb: people of several organisations, of which one requires two administrators")
	errMachines      = errors.New("adminweb: only machine accounts were chosen")
	errNothing       = errors.New("adminweb: the change would do nothing")
	errNoPhone       = errors.New("adminweb: the person has no phone")
	errTooMany       = errors.New("adminweb: more people than a window may have")
	errOnePolicy     = errors.New("adminweb: a policy belongs to one tenant")
	errGone          = errors.New("adminweb: the authenticator is no longer kept")
	errMail          = errors.New("adminweb: the mail could not be sent")
)

// errorTexts are tried in this order.
var errorTexts = []struct {
	err    error
	text   string
	status int
}{
	{admin.ErrSelf, "self", http.StatusForbidden},
	{admin.ErrNotAllowed, "notAllowed", http.StatusForbidden},
	{errForm, "form", http.StatusBadRequest},
	{errKey, "form", http.StatusBadRequest},
	{errNobody, "nobody", http.StatusBadRequest},
	{errNobodyMissing, "nobodyMissing", http.StatusBadRequest},
	{admin.ErrNotMissing, "nobodyMissing", http.StatusConflict},
	{admin.ErrReminded, "reminded", http.StatusConflict},
	{errMachines, "machines", http.StatusBadRequest},
	{errNothing, "nothing", http.StatusConflict},
	{errNoPhone, "noPhone", http.StatusConflict},
	{errOneTenant, "oneTenant", http.StatusBadRequest},
	{errTooMany, "tooMany", http.StatusBadRequest},
	{errOnePolicy, "onePolicy", http.StatusBadRequest},
	{errGone, "gone", http.StatusConflict},
	{enroll.ErrUnknown, "gone", http.StatusConflict},
	{errMail, "mail", http.StatusBadGateway},
	{admin.ErrNoAccount, "noAccount", http.StatusConflict},
	{admin.ErrGrace, "grace", http.StatusBadRequest},
	{admin.ErrNoGrace, "noGrace", http.StatusConflict},
	{admin.ErrScope, "scope", http.StatusBadRequest},
	{admin.ErrBulk, "bulk", http.StatusBadRequest},
	{admin.ErrMachineName, "machineName", http.StatusBadRequest},
	{admin.ErrNoRequest, "noRequest", http.StatusConflict},
	{admin.ErrTooManyRequests, "requests", http.StatusConflict},
	{admin.ErrMandatory, "mandatory", http.StatusBadRequest},
	{admin.ErrPolicyFixed, "fixed", http.StatusConflict},
	{policy.ErrFormat, "form", http.StatusBadRequest},
	{phone.ErrNumber, "number", http.StatusBadRequest},
	{totpflow.ErrNoBrowser, "noBrowser", http.StatusConflict},
	{totpflow.ErrNotExempt, "notExempt", http.StatusConflict},
	{totpflow.ErrFrozen, "frozen", http.StatusConflict},
	{totpflow.ErrNotEnrolled, "nothingLost", http.StatusConflict},
	{totpflow.ErrPasswordRecent, "passwordRecent", http.StatusConflict},
	{enroll.ErrTransition, "transition", http.StatusConflict},
}

// explain is web.SectionConfig's.
func explain(l *web.Language, err error) (string, int) {
	var several *severalError
	if errors.As(err, &several) {
		names := l.Quoted(several.names[:min(10, len(several.names))])
		if slices.ContainsFunc(several.errs, uncertain) {
			return l.Say("refused.uncertain", "Done", several.done, "Count", several.of, "Names", names), http.StatusConflict
		}
		why, _ := explain(l, several.errs[0])
		if why == "" {
			why = l.Say("refused.other")
		}
		return l.Say("refused.several", "Done", several.done, "Count", several.of, "Names", names, "Why", why), http.StatusConflict
	}
	for _, known := range errorTexts {
		if errors.Is(err, known.err) {
			return l.Say("refused." + known.text), known.status
		}
	}
	return "", 0
}

// uncertain reports whether a change may have taken place nevertheless: it was not refused,
// and the store does not say that nothing was written.
func uncertain(err error) bool {
	return !explained(err) && !isApproval(err) && !errors.Is(err, store.ErrNotWritten)
}

// explained reports whether the page that a form was on can say why it was refused.
func explained(err error) bool {
	for _, known := range errorTexts {
		if errors.Is(err, known.err) {
			return true
		}
	}
	return errors.Is(err, totpflow.ErrProof)
}

// functions returns the functions of the templates.
func functions(l *web.Language) template.FuncMap {
	return template.FuncMap{
		"state": func(word string) string { return l.Say("state." + word) },
		"reason": func(e event.Event) string {
			if e.Kind != event.Frozen { // an operator typed it: it is shown as it is, also where it is like one of our words
				return e.Reason
			}
			for _, group := range []string{"disputed.", "event."} { // the change that was disputed
				if word, err := l.Find(group + e.Reason); err == nil {
					return word
				}
			}
			return e.Reason
		},
		"scopes": func() (words []string) {
			for _, s := range scopes {
				words = append(words, string(s))
			}
			return words
		},
	}
}
