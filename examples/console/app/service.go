package app

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"net/http"
	"strings"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/web"
)

// Issuer is the product's name, as the authenticator app shows it.
const Issuer = "Acme Backup"

// Actions that require another code, however the person signed in: a session that was
// left open, or a browser that is trusted, deletes no backup.
const (
	actionDeleteBackup totpflow.Action = "delete backup"
	actionShowKey      totpflow.Action = "show encryption key"
)

// actionTexts are what the pages call these actions.
//
//go:embed catalogues
var actionTexts embed.FS

func (c *console) newService(o Options, s store.Store) (*totpflow.Service, error) {
	config := totpflow.Config{
		Issuer:        Issuer,
		Store:         s,
		Keys:          o.Keys,
		ParentTenants: c.tenants.above,
		Phones:        c.newPhones(o.Phones),
		Observer:      observer(o.Observer, &c.alerts),
		Role:          c.users.role,
		Mandatory:     c.tenants.mandatory,
		Notifier:      event.NotifierFunc(c.notify),
		Now:           o.Now,
	}
	if o.Require { // otherwise Policy is nil: what administrators have set
		config.Policy = required{admin.TenantPolicies(s, o.Keys, c.tenants.above)}
	}
	return totpflow.New(config)
}

// newWeb makes the pages of the second factor, in the console's layout.
func (c *console) newWeb() (*web.Web, error) {
	texts, err := fs.Sub(actionTexts, "catalogues")
	if err != nil {
		return nil, err
	}
	return web.New(web.Config{
		Service: c.mfa, Host: c, Product: Issuer, Now: c.now, Calls: c.calls, Layout: c.layout, Catalogues: texts, Token: c.token,
		KeepGeneration: func(ctx context.Context, id totpflow.AccountID, generation uint64) error {
			return c.users.keepGeneration(ctx, id.User, generation)
		},
	})
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
	return totpflow.User{ID: totpflow.AccountID{Tenant: u.Tenant.ID, User: u.ID}, Name: name, Generation: u.Generation}
}

func (c *console) getSignIn(w http.ResponseWriter, r *http.Request) error {
	if _, ok := c.sessions.current(r.Context()); ok {
		return redirect(w, r, "/")
	}
	return c.show(w, r, http.StatusOK, "signin", view{})
}

// postSignIn checks the password, and leaves the rest to web. A person who has several
// accounts names the one it is for; nobody learns that there are several before the
// password is right.
func (c *console) postSignIn(w http.ResponseWriter, r *http.Request) error {
	mine, err := c.users.authenticate(r.Context(), r.PostFormValue("email"), r.PostFormValue("password"))
	switch {
	case errors.Is(err, web.ErrPassword): // which of the two was wrong is not said
		return c.show(w, r, http.StatusUnauthorized, "signin", view{Error: spoken(r.Context()).Say("error.password"), Data: r.PostFormValue("email")})
	case err != nil:
		return err
	case len(mine) > 1:
		return c.choose(w, r, mine[0].Person)
	}
	return c.passwordRight(w, r, mine[0])
}

// passwordRight is the last step of the sign-in. The mails that it may cause are in the
// language of the page.
func (c *console) passwordRight(w http.ResponseWriter, r *http.Request, u user) error {
	if err := c.keepLanguage(r, u); err != nil {
		return err
	}
	c.web.AfterPassword(w, r, u.account())
	return nil
}
