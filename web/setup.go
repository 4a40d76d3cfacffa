package web

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"image/png"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/policy"
)

// A SetupPage shows a new authenticator's secret and asks for its first code. Its
// form posts to path "setup" with the fields code, app and name.
type SetupPage struct {
	Common
	QR      template.URL // the picture, with its quiet zone
	QRSize  int          // pixels on each side, a whole number for each module; show it like that
	Link    template.URL // opens the app on a phone that shows this page
	Secret  string       // the same as text, in groups of four
	Expires time.Time
	Clears  []string // authenticators that stop working at the confirmation

	Adds       bool      // it is added to others
	Codes      bool      // new recovery codes will be made
	Phone      bool      // a phone may be set up instead: path "phone"
	Required   bool      // the person cannot continue without
	Reset      bool      // the authenticator that the person had has stopped working, mostly by an administrator
	GraceUntil time.Time // zero: there is none
	Recovers   bool      // the person signed in with a recovery code, and replaces the authenticator
	Left       int       // how many of those are left
	Later      string    // the page that "not now" leads to; empty: none
	Apps       []string  // the apps to choose from; the one chosen is the authenticator's name
	App        string    // as chosen before the form was refused; "other" for another one
	Name       string    // as typed before the form was refused
	MaxName    int
}

// A PasswordPage asks a signed-in person for the password, before an enrollment. Its
// form posts to path "setup/password" with the fields password and to.
type PasswordPage struct {
	Common
	To    string // "setup" or "phone"
	Later string // the page that "not now" leads to
}

// apps are the apps that the page names.
var apps = []string{
	"Google Authenticator", "Microsoft Authenticator", "Authy", "LastPass Authenticator", "Aegis", "2FAS", "Bitwarden", "1Password",
}

// appName returns the name of the new authenticator: what the person typed, or the app that
// they chose. It is empty for another app without a name.
func appName(r *http.Request) string {
	if name := strings.TrimSpace(r.PostFormValue("name")); name != "" {
		return name
	}
	if app := r.PostFormValue("app"); slices.Contains(apps, app) {
		return app
	}
	return ""
}

// newName returns the name of the new authenticator. If the person gave none, it is a word in
// the language of the page. One that replaces a single other takes over the name of that one.
func (h *Web) newName(r *http.Request, page totpflow.PendingEnrollment) string {
	name := appName(r)
	if name == "" && len(page.Clears) != 1 {
		name = h.spoken(r).Say("setup.unnamed")
	}
	return name
}

func (h *Web) getSetup(w http.ResponseWriter, r *http.Request) error {
	return h.setupPage(w, r, nil)
}

// An enrollee is the person who may enroll in this browser, with the grant that allows it.
type enrollee struct {
	by      totpflow.EnrollmentGrant
	action  totpflow.Action   // the action of a proof
	signIn  totpflow.Decision // the sign-in that requires it; zero in a session
	visitor visitor           // zero before a session
}

// errSetupOver means that the enrollment of the form has expired, and so has its proof.
var errSetupOver = fmt.Errorf("web: the password is needed again: %w", totpflow.ErrEnrollmentExpired)

// setupOver returns errSetupOver to a person who has sent the code of an enrollment, and nil
// to one who only opens the page. In a browser without an enrollment nothing has expired:
// there, the advice to remove an entry from the app could cost the entry that works.
func (h *Web) setupOver(r *http.Request) error {
	if r.Method == http.MethodPost && h.enrollment(r) != "" {
		return errSetupOver
	}
	return nil
}

// errBare means that nobody may enroll here without the password or a code.
var errBare = errors.New("web: the password is needed first")

// enrollee finds out whose enrollment it is: it belongs to the person whose password was
// right last in this browser. A sign-in under way is later than the session, so it wins,
// even if the host forgot to end the session.
func (h *Web) enrollee(r *http.Request) (e enrollee, err error) {
	if c := h.challenge(r); c != "" {
		d, err := h.service.ContinueSignIn(r.Context(), c)
		if err == nil {
			return enrollee{by: c, signIn: d}, nil
		}
		if !errors.Is(err, totpflow.ErrChallenge) {
			return e, err
		}
		if _, sessionErr := h.visitor(r); errors.Is(sessionErr, errSignedOut) {
			return e, err
		}
	}
	if e.visitor, err = h.visitor(r); err != nil {
		return e, err
	}
	p, action := h.proof(r, e.visitor.User.ID)
	if p == "" {
		return e, errBare
	}
	e.by, e.action = p, action
	return e, nil
}

// errWhich means that the person still has to choose the authenticator to replace.
var errWhich = errors.New("web: the authenticator to replace is not chosen yet")

// offer returns the enrollment under way in this browser, or a new one if there is none.
func (h *Web) offer(r *http.Request, e enrollee) (totpflow.PendingEnrollment, error) {
	page, err := h.service.ContinueEnrollment(r.Context(), h.enrollment(r), e.by)
	if !errors.Is(err, totpflow.ErrEnrollmentExpired) {
		return page, err
	}
	switch choose, err := h.mustChoose(r, e); {
	case err != nil:
		return page, err
	case choose:
		return page, errWhich
	}
	return h.service.BeginEnrollment(r.Context(), e.by)
}

// setupPage shows the enrollment, or leads to the step that must come first.
func (h *Web) setupPage(w http.ResponseWriter, r *http.Request, refused error) (err error) {
	defer keepTrouble(refused, &err)
	e, err := h.enrollee(r)
	switch {
	case errors.Is(err, totpflow.ErrChallenge):
		return h.over(w, r, errors.Join(refused, err))
	case errors.Is(err, errBare):
		return h.beforeSetup(w, r, e.visitor, "setup", h.setupOver(r))
	case err != nil:
		return err
	case e.signIn.Step == totpflow.AskCode: // nobody enrolls before the code
		return redirect(w, r, h.Path("code"))
	}
	page, err := h.offer(r, e)
	switch {
	case errors.Is(err, errWhich):
		return h.whichPage(w, r, e.visitor, refused)
	case errors.Is(err, totpflow.ErrProof):
		return h.beforeSetup(w, r, e.visitor, "setup", h.setupOver(r))
	case errors.Is(err, totpflow.ErrChallenge):
		return h.over(w, r, errors.Join(refused, err))
	case err != nil:
		return err
	}
	h.setCookie(w, enrollmentCookie, string(page.Token), flowAge)
	p, err := h.setupData(r, e, page)
	if err != nil {
		return err
	}
	return h.show(w, r, "setup", refused, p)
}

func (h *Web) setupData(r *http.Request, e enrollee, page totpflow.PendingEnrollment) (*SetupPage, error) {
	picture, size, err := drawn(page.Offer)
	if err != nil {
		return nil, err
	}
	p := &SetupPage{
		Common:  Common{Account: page.Name},
		QR:      picture,
		QRSize:  size,
		Link:    template.URL(page.Offer.URI()), // the library has encoded it
		Secret:  page.Offer.Secret(),
		Expires: page.Expires, Clears: page.Clears,
		Apps: apps, App: r.PostFormValue("app"), Name: r.PostFormValue("name"), MaxName: enroll.MaxName,
	}
	account := e.visitor.account
	if e.visitor.IsZero() {
		account = h.service.Account(totpflow.User{ID: page.ID})
	}
	st, err := account.Status(r.Context())
	if err != nil {
		return nil, err
	}
	app := len(st.Authenticators) > 0
	p.Adds = app && len(page.Clears) == 0
	// An authenticator that is added leaves the codes as they are.
	p.Codes = mayRecover(st) && (!p.Adds || st.RecoveryCodes.Total == 0)
	if e.visitor.IsZero() {
		p.Required, p.Reset, p.Phone = true, st.State == enroll.ResetPending, slices.Contains(e.signIn.Methods, totpflow.MethodPhoneCode)
		return p, nil
	}
	p.Phone = morePhones(st) && !app
	// An additional authenticator is set up with a code of one that still works.
	p.Recovers, p.Left = e.visitor.Reason == totpflow.ReasonRecoveryCode && !p.Adds, st.RecoveryCodes.Left
	p.Later = h.later(r)
	if st.Policy.Mode == policy.Required && !st.Enrolled {
		p.GraceUntil = st.GraceUntil
	}
	return p, nil
}

// drawn returns the QR code as a picture for the page, and its size.
func drawn(o enroll.Offer) (picture template.URL, size int, err error) {
	const scale = 6 // pixels for each module
	file, err := o.PNG(scale)
	if err != nil {
		return "", 0, err
	}
	c, err := png.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return "", 0, err
	}
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(file)), c.Width, nil
}

// beforeSetup asks a signed-in person for the password first: a stranger who finds a
// session open must not bind an authenticator of their own. A person who has one can
// replace it on the security page, with a code.
func (h *Web) beforeSetup(w http.ResponseWriter, r *http.Request, v visitor, to string, refused error) error {
	st, err := v.account.Status(r.Context())
	switch {
	case err != nil:
		return err
	case len(st.Authenticators) > 0:
		if r.Method == http.MethodPost { // the enrollment was confirmed, or has expired
			h.setNotice(w, "setup-over")
		}
		return redirect(w, r, h.Path("security"))
	case notOffered(st): // the password would lead here again
		return redirect(w, r, h.Path("security"))
	}
	return h.show(w, r, "password", refused, &PasswordPage{Common{Account: nameOf(v.User)}, to, h.later(r)})
}

func nameOf(u totpflow.User) string { return orDefault(u.Name, u.ID.User) }

func (h *Web) postSetupPassword(w http.ResponseWriter, r *http.Request) error {
	v, err := h.visitor(r)
	if err != nil {
		return err
	}
	to := "setup"
	if r.PostFormValue("to") == "phone" {
		to = "phone"
	}
	err = h.Host.CheckPassword(r.Context(), v.User.ID, r.PostFormValue("password"))
	switch {
	case errors.Is(err, ErrPassword):
		return h.beforeSetup(w, r, v, to, err)
	case err != nil:
		return unavailable("checking the password", err)
	}
	d, err := h.service.SignIn(r.Context(), v.User)
	if err != nil {
		return err
	}
	h.clearCookies(w, enrollmentCookie)
	if d.Step == totpflow.Passed {
		h.setProof(w, d.Proof, d.Action, v.User.ID)
		return redirect(w, r, h.Path(to))
	}
	if d.Step == totpflow.AskCode { // there is a phone: the password alone leads nowhere
		h.setNext(w, h.Path(to))
		return h.ask(w, r, v.User, d)
	}
	h.setCookie(w, challengeCookie, string(d.Challenge), flowAge)
	h.setText(w, whoCookie, nameOf(v.User), flowAge)
	return redirect(w, r, h.Path(to))
}

// postSetup activates the new authenticator. The session starts here if the enrollment
// was part of the sign-in. An open session starts again: a change of factors ends earlier
// sessions.
func (h *Web) postSetup(w http.ResponseWriter, r *http.Request) error {
	e, err := h.enrollee(r)
	if err != nil {
		return h.setupPage(w, r, nil)
	}
	// The token in the browser may belong to another person: it is confirmed only for the
	// person whose password was right last.
	page, err := h.service.ContinueEnrollment(r.Context(), h.enrollment(r), e.by)
	if err != nil {
		if errors.Is(err, totpflow.ErrEnrollmentExpired) {
			return h.setupPage(w, r, err)
		}
		return err
	}
	added, codes := false, false
	if !e.visitor.IsZero() {
		st, err := e.visitor.account.Status(r.Context())
		if err != nil {
			return err
		}
		added, codes = len(st.Authenticators) > 0, hasRecoveryCodes(st)
	}
	done, err := h.service.ConfirmEnrollment(r.Context(), h.enrollment(r), r.PostFormValue("code"), h.newName(r, page))
	if err != nil {
		return h.setupPage(w, r, err)
	}
	if err := h.begin(w, r, done.Decision); err != nil {
		return err
	}
	added = added && len(done.Cleared) == 0
	return h.sheetPage(w, r, done.Sheet, page.Offer, &SheetPage{
		Authenticator: done.Authenticator.Name, Cleared: done.Cleared, Added: added, CodesStay: added && codes, Next: h.later(r),
	})
}
