// Package notify kills a process at each point between an account's write, the call of
// the notifier and the write that notes it, and checks whether the person was told. It
// also has notifiers that fail, hang, panic or refuse for good.
package notify

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
)

func account(number int) totpflow.AccountID {
	return totpflow.AccountID{Tenant: "acme", User: fmt.Sprint("person ", number)}
}

// service returns a service whose clock is ahead of the machine's, so that no rig has to
// wait until something is due.
func service(s store.Store, ring string, ahead time.Duration, n event.Notifier, o event.Observer) (*totpflow.Service, error) {
	keys, err := keyring.Parse(ring)
	if err != nil {
		return nil, err
	}
	now := func() time.Time { return time.Now().Add(ahead) }
	return totpflow.New(totpflow.Config{
		Issuer: "Acme Backup", Store: s, Keys: keys, Now: now, Notifier: n, Observer: o, Logger: slog.New(slog.DiscardHandler),
	})
}

// leave writes a change of each account and delivers no message about it.
func leave(ctx context.Context, s store.Store, ring string, numbers ...int) error {
	crashed, err := service(s, ring, 0, event.Deferred, nil)
	if err != nil {
		return err
	}
	for _, n := range numbers {
		if _, err := crashed.Account(totpflow.User{ID: account(n)}).PasswordChanged(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Due leaves messages for n people in the store, and has a later process deliver them,
// through a store that may count its requests. It returns how many were delivered.
func Due(ctx context.Context, s, through store.Store, n int) (told int, err error) {
	ring := keyring.Generate()
	for i := range n {
		if err := leave(ctx, s, ring, i); err != nil {
			return 0, err
		}
	}
	var mu sync.Mutex
	later, err := service(through, ring, 5*time.Minute, event.NotifierFunc(func(context.Context, event.Notification) error {
		mu.Lock()
		defer mu.Unlock()
		told++
		return nil
	}), nil)
	if err != nil {
		return 0, err
	}
	_, err = later.Deliver(ctx)
	return told, err
}
