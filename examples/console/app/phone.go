package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/totphttp"
)

// ---- Signing in ----

// errNotSent marks why no code was sent, apart from why a code was refused: both
// have to wait at times, for reasons of their own.
var errNotSent = errors.New("no code was sent")

// postCodePhone has a code sent to one of the person's phones.
func (c *console) postCodePhone(w http.ResponseWriter, r *http.Request) error {
	via, id := phone.Via(r.PostFormValue("via")), r.PostFormValue("phone")
	if id == "" { // there is one
		next, err := c.mfa.ContinueSignIn(r.Context(), totphttp.Challenge(r))
		if err != nil || len(next.Phones) != 1 {
			return c.codePage(w, r, "phone-code", err)
		}
		id = next.Phones[0].ID
	}
	if _, err := c.mfa.SendPhoneCode(r.Context(), totphttp.Challenge(r), id, via); err != nil {
		return c.codePage(w, r, "phone-code", fmt.Errorf("%w: %w", errNotSent, err))
	}
	return redirect(w, r, "/code?sent="+string(via)+"&phone="+id)
}

// ByPhone reports whether a code by phone signs in here.
func (p codePage) ByPhone() bool { return slices.Contains(p.Methods, totpflow.MethodPhoneCode) }

// ---- Adding a number ----

// A phonePage is what the pages show that add a number.
type phonePage struct {
	forms
	Number   string // as typed before the form was refused
	Assigned string // the number that an administrator has chosen, masked; the person types none
	Must     bool   // there is no session before a second factor
	Calls    bool   // codes may be read out in a call
	Pending  phonePending
}

// A phonePending is a number that has yet to show its code. It is kept by the
// server, under a session that signs nobody in.
type phonePending struct {
	Token  totpflow.EnrollmentToken
	Number string // masked
	Via    phone.Via
}

// phonePage returns the page as it stands for the person who is signed in, or has to set
// up to be; nil after it has led elsewhere.
func (c *console) phonePage(w http.ResponseWriter, r *http.Request) (*phonePage, error) {
	v, err := c.visitor(w, r)
	if err != nil {
		return nil, err
	}
	p := &phonePage{forms: forms{visitor: v}, Calls: c.calls, Pending: c.sessions.phone(r.Context())}
	if v != nil {
		if !v.MayPhone() {
			return nil, redirect(w, r, "/security")
		}
		if !v.Status.Assigned.IsZero() {
			p.Assigned = v.Status.Assigned.String()
		}
		return p, nil
	}
	next, err := c.mfa.ContinueSignIn(r.Context(), totphttp.Challenge(r))
	switch {
	case errors.Is(err, totpflow.ErrChallenge):
		return nil, c.startAgain(w, r)
	case err != nil:
		return nil, err
	case next.Step != totpflow.Enroll:
		return nil, redirect(w, r, "/code")
	case !slices.Contains(next.Methods, totpflow.MethodPhoneCode):
		return nil, redirect(w, r, "/setup")
	}
	if p.Must = true; len(next.Phones) > 0 {
		p.Assigned = next.Phones[0].Number.String()
	}
	return p, nil
}

func (c *console) getPhone(w http.ResponseWriter, r *http.Request) error {
	p, err := c.phonePage(w, r)
	if p == nil {
		return err
	}
	if r.FormValue("other") != "" { // another number than the one that waits
		p.Pending = phonePending{}
	}
	return c.showPhone(w, r, p, nil)
}

// showPhone asks for the number, or for the code that was sent to it. Before a
// number, a session that was left open asks for the password.
func (c *console) showPhone(w http.ResponseWriter, r *http.Request, p *phonePage, refused error) error {
	v := view{Visitor: p.visitor, Data: p}
	switch {
	case p.Pending.Token != "":
		return c.show(w, r, "phone-confirm", refused, v)
	case p.visitor != nil && !p.Enrolled() && !p.Proved(c.now()):
		return c.askPassword(w, r, p.visitor, "/security/phone", refused)
	}
	if p.visitor != nil && p.Enrolled() && refused != nil { // which may have used up a code, or begun a wait
		st, err := p.factor.Status(r.Context())
		if err != nil {
			return err
		}
		p.Status, p.form = st, "phone"
	}
	return c.show(w, r, "phone", refused, v)
}

// postPhone adds a number, which signs nobody in yet, and sends it a code.
func (c *console) postPhone(w http.ResponseWriter, r *http.Request) error {
	p, err := c.phonePage(w, r)
	if p == nil {
		return err
	}
	p.Pending, p.Number = phonePending{}, r.PostFormValue("number")
	number, via, err := p.typed(r)
	if err != nil { // before a code is spent on it
		return c.showPhone(w, r, p, err)
	}
	by, err := p.authority(r)
	if err != nil {
		return c.showPhone(w, r, p, err)
	}
	page, err := c.mfa.BeginPhone(r.Context(), by, number)
	if errors.Is(err, totpflow.ErrProof) && p.visitor != nil && !p.Enrolled() { // served, or ended by a change meanwhile
		c.sessions.keepProof(r.Context(), "", p.now)
		return redirect(w, r, "/security/phone")
	}
	if err != nil {
		return c.showPhone(w, r, p, err)
	}
	// From here on the number waits, also when no code could be sent: the proof
	// is used up, and another code can be asked for on the page.
	p.Pending = phonePending{Token: page.Token, Number: page.Number.String(), Via: via}
	return c.sendSetUp(w, r, p)
}

// typed reads the form.
func (p *phonePage) typed(r *http.Request) (n phone.Number, via phone.Via, err error) {
	if via = phone.Via(r.PostFormValue("via")); via != phone.SMS && via != phone.Voice {
		return n, via, phone.ErrVia
	}
	if p.Assigned != "" {
		return n, via, nil
	}
	if n, err = phone.ParseNumber(p.Number); err != nil {
		return n, via, err
	}
	if v := p.visitor; v != nil {
		switch {
		case len(v.Phones) == phone.MaxPhones:
			err = phone.ErrTooManyPhones
		case slices.ContainsFunc(v.Phones, func(x phone.Phone) bool { return x.Number == n }):
			err = phone.ErrKnown
		}
	}
	return n, via, err
}

// authority is what the number is added by: the app's code where there is an
// app, otherwise the sign-in.
func (p *phonePage) authority(r *http.Request) (totpflow.EnrollmentGrant, error) {
	switch {
	case p.visitor == nil:
		return totphttp.Challenge(r), nil
	case p.Enrolled():
		return p.reauthenticate(r, totpflow.ActionAddPhone.On(""))
	default:
		return p.Proof, nil
	}
}

// sendSetUp sends the code for the number that waits.
func (c *console) sendSetUp(w http.ResponseWriter, r *http.Request, p *phonePage) error {
	_, err := c.mfa.SendEnrollmentCode(r.Context(), p.Pending.Token, p.Pending.Via)
	if errors.Is(err, totpflow.ErrEnrollmentExpired) {
		return c.phoneOver(w, r, p, err)
	}
	c.sessions.keepPhone(r.Context(), p.Pending)
	if err != nil {
		return c.showPhone(w, r, p, fmt.Errorf("%w: %w", errNotSent, err))
	}
	setNotice(w, "phone-sent")
	return redirect(w, r, "/security/phone")
}

// postPhoneSend sends another code, by either way.
func (c *console) postPhoneSend(w http.ResponseWriter, r *http.Request) error {
	p, err := c.phonePage(w, r)
	switch {
	case p == nil:
		return err
	case p.Pending.Token == "":
		return redirect(w, r, "/security/phone")
	}
	p.Pending.Via = phone.Via(r.PostFormValue("via"))
	return c.sendSetUp(w, r, p)
}

// postPhoneConfirm makes the number a phone. The session starts here when the
// enrollment came before it, and is a new one when it was one of the password alone.
func (c *console) postPhoneConfirm(w http.ResponseWriter, r *http.Request) error {
	p, err := c.phonePage(w, r)
	switch {
	case p == nil:
		return err
	case p.Pending.Token == "":
		return redirect(w, r, "/security/phone")
	}
	done, err := c.mfa.ConfirmPhone(r.Context(), p.Pending.Token, r.PostFormValue("phone_code"))
	switch {
	case errors.Is(err, totpflow.ErrEnrollmentExpired):
		return c.phoneOver(w, r, p, err)
	case err != nil:
		return c.showPhone(w, r, p, err)
	}
	c.sessions.dropPhone(r.Context())
	if p.visitor == nil || !p.Status.Enrolled {
		if err := c.start(w, r, done); err != nil {
			return err
		}
	}
	setNotice(w, "phone-added")
	return redirect(w, r, "/security")
}

// phoneOver begins again with the number.
func (c *console) phoneOver(w http.ResponseWriter, r *http.Request, p *phonePage, why error) error {
	c.sessions.dropPhone(r.Context())
	p.Pending = phonePending{}
	return c.showPhone(w, r, p, fmt.Errorf("%w: %w", errPhoneOver, why))
}

var errPhoneOver = errors.New("the number has waited for too long")

// keepPhone has the session remember the number that waits for its code.
func (s *sessions) keepPhone(ctx context.Context, p phonePending) {
	s.Put(ctx, "phone token", string(p.Token))
	s.Put(ctx, "phone number", p.Number)
	s.Put(ctx, "phone via", string(p.Via))
}

// phone returns the number that waits. The zero phonePending is none.
func (s *sessions) phone(ctx context.Context) phonePending {
	return phonePending{
		totpflow.EnrollmentToken(s.GetString(ctx, "phone token")),
		s.GetString(ctx, "phone number"), phone.Via(s.GetString(ctx, "phone via")),
	}
}

// dropPhone forgets it.
func (s *sessions) dropPhone(ctx context.Context) { s.Remove(ctx, "phone token") }
