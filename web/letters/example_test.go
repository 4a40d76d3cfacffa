package letters_test

import (
	"context"
	"fmt"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/web"
	"github.com/totpflow/totpflow/web/letters"
	"github.com/totpflow/totpflow/web/memhost"
)

// The notifier of a product writes to the person about each change. Letters need the pages,
// and the pages need the service, so the notifier is set before there are any.
func Example() {
	keys, err := keyring.Parse(keyring.Generate())
	if err != nil {
		panic(err)
	}
	var all *letters.Letters
	notify := func(_ context.Context, n event.Notification) error {
		l := all.About(letters.Person{Name: "Ana Lee", Account: "ana@acme.example", Language: "en"}, n) // the person n.User
		fmt.Println(l.Subject)                                                                          // a product sends the mail
		return nil
	}
	mfa, err := totpflow.New(totpflow.Config{Issuer: "Acme Backup", Store: store.NewMemory(), Keys: keys, Notifier: event.NotifierFunc(notify)})
	if err != nil {
		panic(err)
	}
	pages, err := web.New(web.Config{Service: mfa, Host: memhost.New(), Product: "Acme Backup"})
	if err != nil {
		panic(err)
	}
	if all, err = letters.New(letters.Config{Web: pages, Site: "https://backup.example"}); err != nil {
		panic(err)
	}

	ctx := context.Background()
	if _, err := mfa.Account(totpflow.User{ID: totpflow.AccountID{User: "1"}}).PasswordChanged(ctx); err != nil {
		panic(err)
	}
	if err := mfa.Drain(ctx); err != nil {
		panic(err)
	}
	// Output: Acme Backup: Password changed
}
