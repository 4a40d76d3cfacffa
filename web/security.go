package web

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/recovery"
)

// A SecurityPage shows a person their own second factor. Each change is a form of its
// own that posts to a path under "security", and asks for a code on the page that
// follows where it needs one.
type SecurityPage struct {
	Common
	Enrolled       bool      // there is an authenticator or a phone
	Off            bool      // the policy offers no second factor, and there is none
	Required       bool      // whether policy requires a factor
	GraceUntil     time.Time // the end of the grace period of a person without a factor; zero without one
	Authenticators []totpflow.Authenticator
	Names          []string // the names of the authenticators
	Full           bool     // there are as many as there can be
	MaxName        int
	Phones         []phone.Phone // numbers print masked
	MorePhones     bool          // one can be added
	PhonesAllowed  bool          // whether policy allows codes by phone
	Assigned       string        // a number that an administrator chose, to be verified; masked
	AssignedOnly   bool          // only administrators choose numbers
	Recovery       bool          // recovery codes are allowed
	RecoveryCodes  recovery.Summary
	Few            bool // few recovery codes are left
	Browsers       []totpflow.Browser
	Trust          bool // the page that asks for a code offers to trust the browser
	Activity       []event.Event
	Others         []OtherAccount // other accounts of the same person
	Home           string
}

func mayRecover(st totpflow.Status) bool { return st.Policy.Methods.Has(policy.RecoveryCodes) }

// hasRecoveryCodes reports whether the person has a recovery code to enter.
func hasRecoveryCodes(st totpflow.Status) bool { return mayRecover(st) && st.RecoveryCodes.Left > 0 }

// notOffered reports whether the policy offers no second factor to a person who has none.
func notOffered(st totpflow.Status) bool { return st.Policy.Mode == policy.Off && !st.Enrolled }

// morePhones reports whether a person may add a number or has one to verify.
func morePhones(st totpflow.Status) bool {
	switch {
	case !st.Policy.Methods.Has(policy.Phone), notOffered(st):
		return false
	case st.Policy.AssignedPhones:
		return !st.Assigned.IsZero()
	}
	return len(st.Phones) < phone.MaxPhones
}

func (h *Web) getSecurity(w http.ResponseWriter, r *http.Request, v visitor) error {
	return h.securityPage(w, r, v, nil)
}

// securityPage shows the state of the second factor, and why a change was refused.
func (h *Web) securityPage(w http.ResponseWriter, r *http.Request, v visitor, refused error) error {
	st, err := v.account.Status(r.Context(), h.trustTokens(r)...)
	if err != nil {
		return err
	}
	if err := h.keepGeneration(r.Context(), v.User, st.Generation); err != nil {
		return err
	}
	const few = 3
	p := &SecurityPage{
		Common:   Common{Account: nameOf(v.User)},
		Enrolled: st.Enrolled, Off: notOffered(st), Required: st.Policy.Mode == policy.Required,
		Authenticators: st.Authenticators, Full: len(st.Authenticators) >= enroll.MaxAuthenticators, MaxName: enroll.MaxName,
		Phones: st.Phones, MorePhones: morePhones(st), PhonesAllowed: st.Policy.Methods.Has(policy.Phone), AssignedOnly: st.Policy.AssignedPhones,
		Recovery: mayRecover(st), RecoveryCodes: st.RecoveryCodes, Few: st.RecoveryCodes.Left <= few,
		Browsers: st.Browsers, Trust: len(st.Authenticators) > 0 && st.Policy.TrustFor() > 0, Activity: st.Activity, Home: h.Home,
	}
	if p.Others, err = h.otherAccounts(r.Context(), v); err != nil {
		return err
	}
	for _, a := range st.Authenticators {
		p.Names = append(p.Names, a.Name)
	}
	if p.Required && !st.Enrolled {
		p.GraceUntil = st.GraceUntil
	}
	if !st.Assigned.IsZero() {
		p.Assigned = st.Assigned.String()
	}
	return h.show(w, r, "security", refused, p)
}

// done redirects back to the security page, which says what was done.
func (h *Web) done(w http.ResponseWriter, r *http.Request, notice string) error {
	h.setNotice(w, notice)
	return redirect(w, r, h.Path("security"))
}

// postReplace leads to the enrollment of an authenticator in place of the others, which
// work until the new one has shown a code.
func (h *Web) postReplace(w http.ResponseWriter, r *http.Request, v visitor) error {
	return h.enrollAnother(w, r, v, totpflow.ActionReplaceAuthenticator)
}

// postAdd leads to the enrollment of an additional authenticator.
func (h *Web) postAdd(w http.ResponseWriter, r *http.Request, v visitor) error {
	st, err := v.account.Status(r.Context())
	switch {
	case err != nil:
		return err
	case len(st.Authenticators) >= enroll.MaxAuthenticators: // before a code is used for it
		return h.securityPage(w, r, v, enroll.ErrTooManyAuthenticators)
	}
	return h.enrollAnother(w, r, v, totpflow.ActionAddAuthenticator)
}

func (h *Web) enrollAnother(w http.ResponseWriter, r *http.Request, v visitor, a totpflow.Action) error {
	proof, err := h.prove(w, r, v, a, Target{})
	if proof == "" || err != nil {
		return err
	}
	h.clearCookies(w, enrollmentCookie)
	h.setProof(w, proof, a, v.User.ID)
	h.setNext(w, h.Path("security"))
	return redirect(w, r, h.Path("setup"))
}

// postRename needs no code: a name lets nobody in.
func (h *Web) postRename(w http.ResponseWriter, r *http.Request, v visitor) error {
	name := cmp.Or(strings.TrimSpace(r.PostFormValue("name")), h.spoken(r).Say("setup.unnamed"))
	if err := v.account.RenameAuthenticator(r.Context(), r.PathValue("id"), name); err != nil {
		return h.securityPage(w, r, v, err)
	}
	return h.done(w, r, "renamed")
}

// postRemove ends one authenticator of several.
func (h *Web) postRemove(w http.ResponseWriter, r *http.Request, v visitor) error {
	st, err := v.account.Status(r.Context())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(st.Authenticators, func(a totpflow.Authenticator) bool { return a.ID == r.PathValue("id") })
	switch { // before a code is used for it
	case i < 0:
		return h.securityPage(w, r, v, enroll.ErrUnknown)
	case len(st.Authenticators) == 1:
		return h.securityPage(w, r, v, enroll.ErrLast)
	}
	one := st.Authenticators[i]
	return h.change(w, r, v, totpflow.ActionRemoveAuthenticator, Target{ID: one.ID, Name: one.Name}, "removed", func(p totpflow.Proof) (totpflow.Change, error) {
		return v.account.RemoveAuthenticator(r.Context(), p, one.ID)
	})
}

func (h *Web) postDisable(w http.ResponseWriter, r *http.Request, v visitor) error {
	st, err := v.account.Status(r.Context())
	switch {
	case err != nil:
		return err
	case st.Policy.Mode == policy.Required:
		return h.securityPage(w, r, v, totpflow.ErrFactorRequired)
	}
	v.Reason = totpflow.ReasonNotEnrolled // the session's reason afterwards
	return h.change(w, r, v, totpflow.ActionDisable, Target{}, "disabled", func(p totpflow.Proof) (totpflow.Change, error) {
		return v.account.Disable(r.Context(), p)
	})
}

// change makes a change that needs a code and ends the sessions of the account; this
// one goes on under a new token.
func (h *Web) change(w http.ResponseWriter, r *http.Request, v visitor, a totpflow.Action, on Target, notice string, f func(totpflow.Proof) (totpflow.Change, error)) error {
	proof, err := h.prove(w, r, v, a, on)
	if proof == "" || err != nil {
		return err
	}
	change, err := f(proof)
	if err != nil {
		return h.securityPage(w, r, v, err)
	}
	if err := h.goOn(w, r, v, change); err != nil {
		return err
	}
	return h.done(w, r, notice)
}

// postRecoveryCodes makes new recovery codes and shows them.
func (h *Web) postRecoveryCodes(w http.ResponseWriter, r *http.Request, v visitor) error {
	st, err := v.account.Status(r.Context())
	switch {
	case err != nil:
		return err
	case !mayRecover(st):
		return h.securityPage(w, r, v, totpflow.ErrMethodNotAllowed)
	}
	proof, err := h.prove(w, r, v, totpflow.ActionRecoveryCodes, Target{})
	if proof == "" || err != nil {
		return err
	}
	sheet, change, err := v.account.NewRecoveryCodes(r.Context(), proof)
	if err != nil {
		return h.securityPage(w, r, v, err)
	}
	if err := h.keepGeneration(r.Context(), v.User, change.Generation); err != nil {
		return err
	}
	return h.sheetPage(w, r, sheet, enroll.Offer{}, &SheetPage{Next: h.Path("security")})
}

// postSaved notes that the codes are saved, and redirects to the page that the person
// wanted before the enrollment.
func (h *Web) postSaved(w http.ResponseWriter, r *http.Request, v visitor) error {
	if err := v.account.RecoveryCodesSaved(r.Context()); err != nil {
		return h.securityPage(w, r, v, err)
	}
	h.clearCookies(w, nextCookie)
	return redirect(w, r, orDefault(local(r.PostFormValue("next")), h.Home))
}

func (h *Web) postRevoke(w http.ResponseWriter, r *http.Request, v visitor) error {
	err := v.account.RevokeBrowser(r.Context(), r.PathValue("id"))
	if err != nil && !errors.Is(err, totpflow.ErrNoBrowser) { // its trust has ended already, which is fine
		return err
	}
	return h.done(w, r, "browser-revoked")
}

func (h *Web) postRevokeAll(w http.ResponseWriter, r *http.Request, v visitor) error {
	if err := v.account.RevokeBrowsers(r.Context()); err != nil {
		return err
	}
	return h.done(w, r, "browsers-revoked")
}

// postEndSessions signs the person out everywhere else. It needs no code: it only
// takes access away.
func (h *Web) postEndSessions(w http.ResponseWriter, r *http.Request, v visitor) error {
	change, err := v.account.EndSessions(r.Context())
	if err != nil {
		return err
	}
	if err := h.goOn(w, r, v, change); err != nil {
		return err
	}
	return h.done(w, r, "sessions-ended")
}
