package app

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/web"
	"github.com/totpflow/totpflow/web/adminweb"
)

// Issuer is the product's name, as the authenticator app shows it.
const Issuer = "Acme Backup"

// actionDeleteBackup requires another code, however the person signed in: a session that
// was left open, or a trusted browser, cannot delete a backup.
const actionDeleteBackup totpflow.Action = "delete backup"

// actionTexts are the names of actions and roles on the pages.
//
//go:embed catalogues
var actionTexts embed.FS

func (c *console) newService(o Options, s store.Store) (*totpflow.Service, error) {
	config := totpflow.Config{
		Issuer:        Issuer,
		Store:         s,
		Keys:          o.Keys,
		ParentTenants: c.tenants.above,
		Phones:        newPhones(o.Phones),
		Observer:      observer(o.Observer, &c.alerts),
		Flows:         &c.races,
		Role:          c.users.role,
		Mandatory:     c.tenants.mandatory,
		Notifier:      event.NotifierFunc(c.notify),
		Now:           o.Now,
	}
	if o.Require { // otherwise Policy stays nil, and what administrators have set applies
		config.Policy = required{admin.TenantPolicies(s, o.Keys, c.tenants.above)}
	}
	return totpflow.New(config)
}

// observer receives every event about second factors. It writes the log, and watches all
// accounts for guesses.
func observer(log event.Observer, alerts *adminweb.Alerts) event.Observer {
	if log == nil {
		log = event.Slog(nil)
	}
	fleet := &event.SprayDetector{Alarm: func(ctx context.Context, guesses []event.Event) {
		slog.ErrorContext(ctx, "console: codes are guessed on many accounts after the right password; somebody knows these passwords",
			"guesses", len(guesses), "since", guesses[0].At)
		alerts.Alarm(ctx, guesses) // for the pages of administrators
	}}
	return event.Tee(log, fleet)
}

// newWeb makes the pages of the second factor, in the console's layout.
func (c *console) newWeb(calls bool) (*web.Web, error) {
	texts, err := fs.Sub(actionTexts, "catalogues")
	if err != nil {
		return nil, err
	}
	return web.New(web.Config{
		Service: c.mfa, Host: c, Product: Issuer, Now: c.now, Calls: calls, Domain: domain(c.url), Layout: c.layout, Catalogues: texts, Token: c.token, Accounts: c.otherAccounts, AccountName: c.users.accountName, KeepGeneration: c.users.keepGeneration,
	})
}

// required asks everyone for a second factor, whatever administrators have set.
type required struct{ policy.Source }

// Policy returns the tenants' policy, but nothing milder than required.
func (q required) Policy(ctx context.Context, id store.AccountID) (policy.Policy, error) {
	p, err := q.Source.Policy(ctx, id)
	if err != nil {
		return policy.Policy{}, err
	}
	every := policy.App | policy.RecoveryCodes | policy.Phone | policy.External
	return policy.Strictest(p, policy.Policy{Mode: policy.Required, BrowserAge: policy.MaxBrowserAge, Methods: every}), nil
}
