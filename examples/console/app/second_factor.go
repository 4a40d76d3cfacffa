package app

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totphttp"
)

// Issuer is the product's name, as the authenticator app shows it.
const Issuer = "Acme Backup"

func (c *console) newSecondFactor(o Options, s store.Store) (*totpflow.Service, error) {
	config := totpflow.Config{
		Issuer:        Issuer,
		Store:         s,
		Keys:          o.Keys,
		ParentTenants: c.tenants.above,
		Phones:        c.newPhones(o.Phones),
		Observer:      observer(o.Observer),
		Notifier:      event.NotifierFunc(c.notify),
		Now:           o.Now,
	}
	if o.Require { // otherwise Policy is nil: what administrators have set
		config.Policy = required{admin.TenantPolicies(s, o.Keys, c.tenants.above)}
	}
	return totpflow.New(config)
}

// required asks everybody for a second factor, whatever administrators have set.
type required struct{ policy.Source }

// Policy is the tenants' policy, and nothing milder than required.
func (q required) Policy(ctx context.Context, id store.AccountID) (policy.Policy, error) {
	p, err := q.Source.Policy(ctx, id)
	if err != nil {
		return policy.Policy{}, err
	}
	every := policy.App | policy.RecoveryCodes | policy.Phone | policy.External
	return policy.Strictest(p, policy.Policy{Mode: policy.Required, BrowserAge: policy.MaxBrowserAge, Methods: every}), nil
}

// account is the user as the second factor knows it. The name is what the
// authenticator app shows: it tells the accounts of one person apart.
func (u user) account() totpflow.User {
	name := u.Email
	if u.Several {
		name += ", " + strings.ReplaceAll(u.Tenant.Name, ":", " ")
	}
	return totpflow.User{ID: totpflow.AccountID{Tenant: u.Tenant.Record, User: u.ID}, Name: name, Generation: u.Generation}
}

// record is where the second factor keeps what it knows of the user.
func (u user) record() store.AccountID { return store.AccountID{Tenant: u.Tenant.Record, User: u.ID} }

// ---- Signing in ----

// postSignIn checks the password. A person who has several accounts names the one it is
// for; nobody learns that there are several before the password is right.
func (c *console) postSignIn(w http.ResponseWriter, r *http.Request) error {
	mine, err := c.users.authenticate(r.Context(), r.PostFormValue("email"), r.PostFormValue("password"))
	if err != nil {
		return c.signInPage(w, r, err)
	}
	// One browser, one person at a time: nothing of the person who used it before is
	// left when the enrollment page asks whose it is.
	totphttp.ClearEnrollment(w)
	if err := c.sessions.end(r.Context()); err != nil {
		return err
	}
	if len(mine) > 1 {
		return c.choose(w, r, mine[0].Person)
	}
	return c.secondStep(w, r, mine[0])
}

// secondStep asks what is next for a user whose password is right.
func (c *console) secondStep(w http.ResponseWriter, r *http.Request, u user) error {
	next, err := c.mfa.SignIn(r.Context(), u.account(), totphttp.TrustTokens(r)...)
	if err != nil {
		return c.signInPage(w, r, err)
	}
	switch next.Step {
	case totpflow.Passed: // a trusted browser, or nothing is set up and nothing has to be
		return c.enter(w, r, next)
	case totpflow.AskCode:
		totphttp.SetChallenge(w, next.Challenge)
		return redirect(w, r, "/code")
	default: // totpflow.Enroll
		totphttp.SetChallenge(w, next.Challenge)
		return redirect(w, r, "/setup")
	}
}

// start starts the session of a sign-in. No other function does, and it knows
// the user from nowhere but the decision.
func (c *console) start(w http.ResponseWriter, r *http.Request, d totpflow.Decision) error {
	if d.Step != totpflow.Passed {
		return totpflow.ErrChallenge
	}
	totphttp.ClearChallenge(w)
	if err := c.users.keepGeneration(r.Context(), d.ID.User, d.Generation); err != nil {
		return err
	}
	return c.sessions.begin(r.Context(), session{User: d.ID.User, Mark: d.Mark, Began: c.now(), By: d.Reason, Proof: d.Proof})
}

// goOn keeps the session of a person whose change has ended all of theirs. It has
// another token from now on: under the old one a thief's copy would go on too.
func (c *console) goOn(r *http.Request, change totpflow.Change, by totpflow.Reason) error {
	if err := c.users.keep(r.Context(), change); err != nil {
		return err
	}
	return c.sessions.begin(r.Context(), session{User: change.ID.User, Mark: change.Mark, Began: c.now(), By: by})
}

// enter starts the session and leads to the first page.
func (c *console) enter(w http.ResponseWriter, r *http.Request, d totpflow.Decision) error {
	if err := c.start(w, r, d); err != nil {
		return err
	}
	return redirect(w, r, "/")
}

func (c *console) getCode(w http.ResponseWriter, r *http.Request) error {
	if r.FormValue("by") == "phone" || r.FormValue("sent") != "" {
		return c.codePage(w, r, "phone-code", nil)
	}
	return c.codePage(w, r, "code", nil)
}

// postCode takes the code of an app, or two in a row while single ones wait, or
// the one that was sent to a phone.
func (c *console) postCode(w http.ResponseWriter, r *http.Request) error {
	if r.PostFormValue("code") == "" && r.PostForm.Has("phone_code") {
		next, err := c.mfa.VerifyPhoneCode(r.Context(), totphttp.Challenge(r), r.PostFormValue("phone_code"))
		if err != nil {
			return c.codePage(w, r, "phone-code", err)
		}
		return c.enter(w, r, next)
	}
	next, err := c.verify(r, r.PostFormValue("code"), r.PostFormValue("code2"))
	if err != nil {
		return c.codePage(w, r, "code", err)
	}
	if next.Step == totpflow.Enroll { // the code of a weak secret, out of an import
		totphttp.SetChallenge(w, next.Challenge)
		return redirect(w, r, "/setup")
	}
	if r.PostFormValue("trust") != "" {
		browser, err := c.mfa.TrustBrowser(r.Context(), next.Proof, totphttp.BrowserLabel(r))
		if err == nil {
			totphttp.SetTrust(w, browser)
		} else { // the code was right all the same
			setNotice(w, "not-trusted")
		}
	}
	return c.enter(w, r, next)
}

func (c *console) verify(r *http.Request, code, code2 string) (totpflow.Decision, error) {
	if code2 != "" {
		return c.mfa.VerifyPair(r.Context(), totphttp.Challenge(r), code, code2)
	}
	return c.mfa.VerifyCode(r.Context(), totphttp.Challenge(r), code)
}

func (c *console) getRecovery(w http.ResponseWriter, r *http.Request) error {
	return c.codePage(w, r, "recovery", nil)
}

// postRecovery lets the person in with a recovery code; the session's proof
// then begins the enrollment of a new authenticator.
func (c *console) postRecovery(w http.ResponseWriter, r *http.Request) error {
	next, err := c.mfa.VerifyRecoveryCode(r.Context(), totphttp.Challenge(r), r.PostFormValue("recovery_code"))
	if err != nil {
		return c.codePage(w, r, "recovery", err)
	}
	return c.enter(w, r, next)
}

func (c *console) getIssued(w http.ResponseWriter, r *http.Request) error {
	return c.codePage(w, r, "issued", nil)
}

// postIssued takes the code that an administrator had sent. It opens nothing
// but the way to a new authenticator.
func (c *console) postIssued(w http.ResponseWriter, r *http.Request) error {
	next, err := c.mfa.VerifyIssuedCode(r.Context(), totphttp.Challenge(r), r.PostFormValue("issued_code"))
	if err != nil {
		return c.codePage(w, r, "issued", err)
	}
	totphttp.SetChallenge(w, next.Challenge)
	return redirect(w, r, "/setup")
}

// codePage shows one of the forms of the second step, and why the last code was
// refused.
func (c *console) codePage(w http.ResponseWriter, r *http.Request, page string, refused error) error {
	next, err := c.mfa.ContinueSignIn(r.Context(), totphttp.Challenge(r))
	switch {
	case errors.Is(err, totpflow.ErrUsed):
		return c.doneAlready(w, r)
	case errors.Is(err, totpflow.ErrChallenge):
		return c.startAgain(w, r)
	case err != nil:
		return err
	case next.Step == totpflow.Enroll:
		return redirect(w, r, "/setup")
	}
	form := codePage{Decision: next, Calls: c.calls, To: r.FormValue("phone"), Sent: phone.Via(r.FormValue("sent"))}
	switch {
	case page == "code" && !form.App() && form.ByPhone():
		page = "phone-code"
	case page == "code" && !form.App(): // after an administrator's reset
		return redirect(w, r, "/issued")
	case page == "phone-code" && !form.ByPhone():
		return redirect(w, r, "/code")
	}
	if next.Throttled != nil && !errors.Is(refused, throttle.ErrThrottled) {
		form.Wait = explain(spoken(r.Context()), page, next.Throttled, c.now())
	}
	return c.show(w, r, page, refused, view{Data: form})
}

// doneAlready is for a form that was sent twice: it leads on by the session that the first one
// began, in this browser. Nothing is answered twice.
func (c *console) doneAlready(w http.ResponseWriter, r *http.Request) error {
	v, err := c.visitor(w, r)
	if err != nil {
		return err
	}
	if v == nil {
		return c.startAgain(w, r)
	}
	totphttp.ClearChallenge(w)
	return redirect(w, r, "/")
}

// startAgain leads back to the password when the sign-in under way has expired.
func (c *console) startAgain(w http.ResponseWriter, r *http.Request) error {
	if totphttp.Challenge(r) != "" {
		totphttp.ClearChallenge(w)
		setNotice(w, "expired")
	}
	return redirect(w, r, "/signin")
}

func (c *console) postSignOut(w http.ResponseWriter, r *http.Request) error {
	totphttp.ClearChallenge(w)
	totphttp.ClearEnrollment(w)
	setNotice(w, "signed-out")
	if err := c.sessions.end(r.Context()); err != nil {
		return err
	}
	return redirect(w, r, "/signin")
}

// ---- Setting up ----
