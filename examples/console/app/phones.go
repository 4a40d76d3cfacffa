package app

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/examples/internal/words"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totp"
)

// MayPhone reports whether policy allows codes by phone.
func (v *visitor) MayPhone() bool { return v.Policy.Methods.Has(policy.Phone) }

// MorePhones reports whether the person may add a number, or has one to verify.
func (v *visitor) MorePhones() bool {
	if v.Policy.AssignedPhones {
		return v.MayPhone() && !v.Assigned.IsZero()
	}
	return v.MayPhone() && len(v.Phones) < phone.MaxPhones
}

// Protected reports whether the person has an authenticator or a phone.
func (v *visitor) Protected() bool { return v.Status.Enrolled }

// A phoneRow is one phone on the security page.
type phoneRow struct {
	phone.Phone
	Remove codeForm
}

// PhoneRows lists the phones, with the form that removes each.
func (p securityPage) PhoneRows(message string) (rows []phoneRow) {
	for _, x := range p.Phones {
		rows = append(rows, phoneRow{x, p.Form("remove-phone-"+x.ID, message)})
	}
	return rows
}

// postPhoneRemove takes a phone away: by a code of the app, or without an app in
// the first minutes of a sign-in by phone.
func (c *console) postPhoneRemove(w http.ResponseWriter, r *http.Request, v *visitor) error {
	id, form := r.PathValue("id"), ""
	switch { // before a code is spent on it
	case !slices.ContainsFunc(v.Phones, func(x phone.Phone) bool { return x.ID == id }):
		return c.securityPage(w, r, v, "", totpflow.ErrNoPhone)
	case v.Policy.AssignedPhones:
		return c.securityPage(w, r, v, "", totpflow.ErrNumberAssigned)
	}
	var change totpflow.Change
	proof, err := v.Proof, error(nil)
	if v.Enrolled() {
		form = "remove-phone-" + id
		proof, err = v.reauthenticate(r, totpflow.ActionRemovePhone.On(id))
	}
	if err == nil {
		change, err = v.factor.RemovePhone(r.Context(), proof, id)
	}
	if errors.Is(err, totpflow.ErrProof) && !v.Enrolled() {
		err = fmt.Errorf("%w: %w", errSignInByPhone, err)
	}
	if err != nil {
		return c.securityPage(w, r, v, form, err)
	}
	setNotice(w, "phone-removed")
	by := v.By
	if by == totpflow.ReasonPhoneCode && !v.Enrolled() && len(v.Phones) == 1 {
		by = totpflow.ReasonNotEnrolled
	}
	if err := c.goOn(r, change, by); err != nil {
		return err
	}
	return redirect(w, r, "/security")
}

var errSignInByPhone = errors.New("the sign-in by phone is too long ago")

// ---- Words ----

// ofPhones says why a form about phones was refused; empty for any other error.
func ofPhones(l *words.Language, page string, err error, now time.Time) string {
	var wait *throttle.Error
	byPhone := page == "phone-code" || page == "phone-confirm"
	switch {
	case (byPhone || page == "phone") && errors.Is(err, totpflow.ErrMethodNotAllowed):
		return l.Say("error.phoneMethod")
	case errors.Is(err, errNotSent) && errors.As(err, &wait) && !wait.Until.IsZero():
		return l.Say("error.phoneWait", "Wait", l.Span(wait.Until.Sub(now)))
	case byPhone && errors.As(err, &wait):
		single := *wait
		single.Pair = false // that is for apps
		return explainWait(l, &single, now)
	case byPhone && errors.Is(err, totp.ErrMalformedCode):
		return l.Say("error.malformedPhone")
	}
	for _, known := range phoneWords {
		if errors.Is(err, known.err) {
			return l.Say(known.text)
		}
	}
	return ""
}

var phoneWords = []struct {
	err  error
	text string
}{
	{errPhoneOver, "error.phoneOver"},
	{errSignInByPhone, "error.signInByPhone"},
	{totpflow.ErrPhoneCode, "error.phoneCode"},
	{totpflow.ErrPhoneLimit, "error.phoneLimit"},
	{totpflow.ErrNoPhone, "error.noPhone"},
	{totpflow.ErrNumberAssigned, "error.assigned"},
	{phone.ErrNumber, "error.number"},
	{phone.ErrDestination, "error.destination"},
	{phone.ErrUndeliverable, "error.undeliverable"},
	{phone.ErrVia, "error.via"},
	{phone.ErrKnown, "error.known"},
	{phone.ErrTooManyPhones, "error.tooManyPhones"},
	{phone.ErrUnavailable, "error.phoneUnavailable"},
	{phone.ErrProvider, "error.provider"},
}
