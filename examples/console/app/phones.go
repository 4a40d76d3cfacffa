package app

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/totpflow/totpflow"
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
	totpflow.Phone
	Remove codeForm
}

// PhoneRows lists the phones, with the form that removes each.
func (p securityPage) PhoneRows(message string) (rows []phoneRow) {
	for _, x := range p.Phones {
		rows = append(rows, phoneRow{x, p.Form("remove-phone-"+x.ID, message)})
	}
	return rows
}

// postPhoneRemove takes a phone away: by a code of the app, or where there is
// none in the first minutes of a sign-in by phone.
func (c *console) postPhoneRemove(w http.ResponseWriter, r *http.Request, v *visitor) error {
	id, form := r.PathValue("id"), ""
	switch { // before a code is spent on it
	case !slices.ContainsFunc(v.Phones, func(x totpflow.Phone) bool { return x.ID == id }):
		return c.securityPage(w, r, v, "", totpflow.ErrNoPhone)
	case v.Policy.AssignedPhones:
		return c.securityPage(w, r, v, "", totpflow.ErrAssigned)
	}
	proof, err := v.Proof, error(nil)
	if v.Enrolled() {
		form = "remove-phone-" + id
		proof, err = v.reauthenticate(r, totpflow.ActionRemovePhone)
	}
	if err == nil {
		err = v.factor.RemovePhone(r.Context(), proof, id)
	}
	if errors.Is(err, totpflow.ErrProof) && !v.Enrolled() {
		err = fmt.Errorf("%w: %w", errSignInByPhone, err)
	}
	if err != nil {
		return c.securityPage(w, r, v, form, err)
	}
	setNotice(w, "phone-removed")
	// Sessions begun before are over; this one goes on.
	by := v.By
	if by == totpflow.ByPhoneCode && !v.Enrolled() && len(v.Phones) == 1 {
		by = totpflow.NotEnrolled
	}
	if err := c.sessions.begin(r.Context(), session{User: v.ID, Began: c.now(), By: by}); err != nil {
		return err
	}
	return redirect(w, r, "/security")
}

var errSignInByPhone = errors.New("the sign-in by phone is too long ago")

// ---- Words ----

// ofPhones says why a form about phones was refused; empty for what is no such
// reason.
func ofPhones(page string, err error, now time.Time) string {
	var wait *throttle.Error
	byPhone := page == "phone-code" || page == "phone-confirm"
	switch {
	case (byPhone || page == "phone") && errors.Is(err, totpflow.ErrMethod):
		return "Your organisation does not allow codes by phone."
	case errors.Is(err, errNotSent) && errors.As(err, &wait) && !wait.Until.IsZero():
		return "Another code can be sent in " + span(wait.Until.Sub(now)) + "."
	case byPhone && errors.As(err, &wait):
		single := *wait
		single.Pair = false // that is for apps
		return explainWait(&single, now)
	case byPhone && errors.Is(err, totp.ErrMalformedCode):
		return "A code has 6 digits. Enter the one that we have sent you."
	}
	for _, known := range phoneWords {
		if errors.Is(err, known.err) {
			return known.words
		}
	}
	return ""
}

var phoneWords = []struct {
	err   error
	words string
}{
	{errPhoneOver, "The number has waited for too long, or was begun again elsewhere. Enter it once more."},
	{errSignInByPhone, "Sign out and in again with a code by phone, and then remove it here within five minutes."},
	{totpflow.ErrPhoneCode, "No code is on its way any more: it was used or replaced, or is older than five minutes. Have another one sent."},
	{totpflow.ErrPhoneLimit, "No code can be sent to this number at the moment. Use another way, or try again later."},
	{totpflow.ErrNoPhone, "This phone is not there any more."},
	{totpflow.ErrAssigned, "Your administrators choose the number. Ask them to change it."},
	{phone.ErrNumber, "Write the number with + and the code of the country, as in +43 660 1234567."},
	{phone.ErrDestination, "We do not send to numbers like this one. Choose another number."},
	{phone.ErrUndeliverable, "Nothing can be delivered to this number. Choose another way, or another number."},
	{phone.ErrVia, "Choose an SMS or a call."},
	{phone.ErrKnown, "This number is set up already."},
	{phone.ErrTooManyPhones, "You have as many phones as there can be. Remove one before you add another."},
	{phone.ErrUnavailable, "The message could not be handed over. Try again in a minute, or use another way."},
	{phone.ErrProvider, "No messages can be sent at the moment. Use another way, or tell your administrator."},
}
