package browser_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	totpadmin "github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/web"
	"github.com/totpflow/totpflow/web/memhost"
)

// The policies of the product.
var (
	optional   = policy.Policy{Mode: policy.Optional}
	mandatory  = policy.Policy{Mode: policy.Required}
	withPhones = policy.Policy{Mode: policy.Required, Methods: policy.App | policy.RecoveryCodes | policy.Phone}
)

// The product's accounts: ana has another one beside hers.
var (
	anaID  = totpflow.AccountID{User: "1"}
	spare  = totpflow.User{ID: totpflow.AccountID{User: "2"}, Name: "ana@other.example"}
	theAna = totpflow.User{ID: anaID, Name: ana.Email}
)

// newProduct starts a small product: module web in its plain layout, the sessions of
// memhost, a sign-in form and one page. The tests of module web use it, without the
// console.
func newProduct(t *testing.T, p policy.Policy) *site {
	t.Helper()
	o := &site{t: t, clock: totptest.NewClock(time.Date(2026, 1, 2, 15, 4, 0, 0, time.UTC)), phones: &provider{}}
	host := memhost.New()
	host.Add(theAna, ana.Password)
	host.Add(spare, ana.Password)
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	o.service, err = totpflow.New(totpflow.Config{
		Issuer: app.Issuer, Store: store.NewMemory(), Keys: keys, Policy: policy.Fixed(p), Now: o.clock.Now,
		Phones: &phone.Delivery{Sender: o.phones, Compose: web.Compose}, Observer: silent,
	})
	require.NoError(t, err)
	pages, err := web.New(web.Config{
		Service: o.service, Host: host, Product: app.Issuer, KeepGeneration: host.KeepGeneration, Now: o.clock.Now, Calls: true,
		Accounts: func(context.Context, totpflow.AccountID) ([]totpflow.User, error) {
			return []totpflow.User{theAna, spare}, nil
		},
	})
	require.NoError(t, err)
	o.handler = productPages(pages, host)
	server := httptest.NewServer(o.handler)
	t.Cleanup(func() {
		server.Close()
		require.NoError(t, o.service.Drain(context.Background()))
	})
	o.base = server.URL
	return o
}

func productPages(pages *web.Web, host *memhost.Host) http.Handler {
	const form = `<form method="post" action="/signin"><p><label>E-mail <input id="email" name="email" autofocus></label></p>
<p><label>Password <input id="password" name="password" type="password"></label></p><button>Sign in</button></form>`
	const home = `<nav aria-label="Main"><a href="/2fa/security">Security</a></nav><p><a href="/2fa/setup">Set up</a></p>
<form method="post" action="/backups/42/delete"><button>Delete</button></form><form method="post" action="/2fa/signout"><button>Sign out</button></form>`
	show := func(w http.ResponseWriter, title, content string) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>%[1]s</title></head><body><main><h1>%[1]s</h1>%[2]s</main></body></html>`, title, content)
	}
	page := func(title, content string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { show(w, title, content) })
	}
	mux := http.NewServeMux()
	mux.Handle("/2fa/", pages.Handler())
	mux.Handle("GET /{$}", pages.Require(page("Home", home)))
	mux.Handle("POST /backups/42/delete", pages.StepUp("delete backup", nil)(page("Deleted", home)))
	mux.Handle("GET /signin", page("Sign in", form))
	mux.HandleFunc("POST /signin", func(w http.ResponseWriter, r *http.Request) {
		user, err := host.LogIn(r.Context(), r.PostFormValue("email"), r.PostFormValue("password"))
		if err != nil {
			show(w, "Sign in", form)
			return
		}
		pages.AfterPassword(w, r, user)
	})
	return mux
}

// issue has an operator send ana a recovery code.
func (o *site) issue() (code string) {
	o.t.Helper()
	by := totpadmin.Operator{Name: "root", Reason: "a lost phone"}
	require.NoError(o.t, totpadmin.New(o.service, nil).IssueRecoveryCode(o.t.Context(), by, anaID, func(_ context.Context, c totpadmin.IssuedCode) error {
		code = c.Code
		return nil
	}))
	return code
}
