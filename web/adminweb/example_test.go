package adminweb_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/web"
	"github.com/totpflow/totpflow/web/adminweb"
	"github.com/totpflow/totpflow/web/memhost"
)

// The administrators' pages beside the pages of package web.
func Example() {
	keys, err := keyring.Parse(keyring.Generate())
	if err != nil {
		panic(err)
	}
	var alerts adminweb.Alerts
	mfa, err := totpflow.New(totpflow.Config{
		Issuer: "Acme Backup", Store: store.NewMemory(), Keys: keys,
		Observer: event.Tee(event.Slog(nil), &event.SprayDetector{Alarm: alerts.Alarm}),
	})
	if err != nil {
		panic(err)
	}
	pages, err := web.New(web.Config{Service: mfa, Host: memhost.New(), Product: "Acme Backup"})
	if err != nil {
		panic(err)
	}

	ana := totpflow.AccountID{Tenant: "acme", User: "1"}
	directory := &adminweb.Memory{} // a product asks its own tables
	directory.Add(adminweb.Person{ID: ana, Name: "Ana Lee", Address: "ana@acme.example"})
	directory.Appoint(ana, adminweb.Tenant{ID: "acme", Name: "Acme"})

	rule := func(ctx context.Context, actor totpflow.User, _ totpflow.Action, _ store.AccountID) error {
		tenants, err := directory.Tenants(ctx, actor)
		if err == nil && len(tenants) == 0 {
			err = errors.New("not an administrator")
		}
		return err
	}
	office, err := adminweb.New(adminweb.Config{Web: pages, Admin: admin.New(mfa, rule), Directory: directory, Alerts: alerts.Recent})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/2fa/", pages.Handler())
	mux.Handle("/2fa-admin/", office.Handler())
	fmt.Println(office.Path("people"), office.RequestsPath("acme"))
	// Output: /2fa-admin/people /2fa-admin/requests?tenant=acme
}
