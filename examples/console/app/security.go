package app

import (
	"context"
	"errors"
	"net/http"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/totphttp"
)

// securityPage is what the security page shows.
type securityPage struct {
	forms
	Others []otherAccount
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

func (c *console) getSecurity(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return c.securityPage(w, r, v, "", nil)
}

// securityPage shows the state of the second factor, and why a form of it was
// refused.
func (c *console) securityPage(w http.ResponseWriter, r *http.Request, v *visitor, form string, refused error) (err error) {
	if refused != nil { // which may have used up a code, or begun a wait
		if v.Status, err = v.factor.Status(r.Context()); err != nil {
			return err
		}
	}
	p := securityPage{forms: forms{v, form}}
	if v.Several {
		if p.Others, err = c.otherAccounts(r.Context(), v.user); err != nil {
			return err
		}
	}
	return c.show(w, r, "security", refused, view{Visitor: v, Data: p})
}

// postReplace leads to the enrollment page. The old authenticator works until the
// new one has shown a code.
func (c *console) postReplace(w http.ResponseWriter, r *http.Request, v *visitor) error {
	proof, err := v.reauthenticate(r, totpflow.ActionReplaceAuthenticator.On(""))
	if err != nil {
		return c.securityPage(w, r, v, "replace", err)
	}
	totphttp.ClearEnrollment(w)
	c.sessions.keepProof(r.Context(), proof, c.now())
	return redirect(w, r, "/setup")
}

func (c *console) postDisable(w http.ResponseWriter, r *http.Request, v *visitor) error {
	var change totpflow.Change
	proof, err := v.reauthenticate(r, totpflow.ActionDisable.On(""))
	if err == nil {
		change, err = v.factor.Disable(r.Context(), proof)
	}
	if err != nil {
		return c.securityPage(w, r, v, "disable", err)
	}
	setNotice(w, "disabled")
	if err := c.goOn(r, change, totpflow.ReasonNotEnrolled); err != nil {
		return err
	}
	return redirect(w, r, "/security")
}

func (c *console) postRecoveryCodes(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if !v.MayRecover() { // before a code is spent on it
		return c.securityPage(w, r, v, "", totpflow.ErrMethodNotAllowed)
	}
	proof, err := v.reauthenticate(r, totpflow.ActionRecoveryCodes.On(""))
	if err != nil {
		return c.securityPage(w, r, v, "codes", err)
	}
	sheet, change, err := v.factor.NewRecoveryCodes(r.Context(), proof)
	if err != nil {
		return c.securityPage(w, r, v, "codes", err)
	}
	if err := c.users.keep(r.Context(), change); err != nil {
		return err
	}
	return c.sheetPage(w, r, sheetPage{Sheet: sheet})
}

func (c *console) postSaved(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if err := v.factor.RecoveryCodesSaved(r.Context()); err != nil {
		return err
	}
	setNotice(w, "saved")
	return redirect(w, r, "/")
}

func (c *console) postRevoke(w http.ResponseWriter, r *http.Request, v *visitor) error {
	err := v.factor.RevokeBrowser(r.Context(), r.PathValue("id"))
	if err != nil && !errors.Is(err, totpflow.ErrNoBrowser) { // gone already is as good
		return err
	}
	setNotice(w, "browser-revoked")
	return redirect(w, r, "/security")
}

func (c *console) postRevokeAll(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if err := v.factor.RevokeBrowsers(r.Context()); err != nil {
		return err
	}
	setNotice(w, "browsers-revoked")
	return redirect(w, r, "/security")
}
