package notify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
)

// What a notifier does with the message of an account, by the account's number.
const (
	fails = iota
	hangs
	panics
	refuses // for good
	takes   // and all accounts after it
)

const people = 10

// Trouble has a notifier that fails, hangs, panics and refuses for good over the store: the
// others are notified meanwhile, once, and those in trouble by a later process, except the
// one whose message cannot be delivered, which is reported to an observer.
func Trouble(ctx context.Context, s store.Store) error {
	ring := keyring.Generate()
	for i := range people {
		if err := leave(ctx, s, ring, i); err != nil {
			return err
		}
	}
	bad := &mailServer{bad: true, told: make(map[string]int), done: make(chan struct{})}
	during, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-bad.done: // every account was tried
		case <-ctx.Done():
		}
		cancel()
	}()
	if err := bad.deliver(during, s, ring, 5*time.Minute); err == nil {
		return errors.New("the notifier failed, and Deliver did not say so")
	}
	want := map[string]int{}
	for i := takes; i < people; i++ {
		want[account(i).User] = 1
	}
	if !maps.Equal(want, bad.told) {
		return fmt.Errorf("told in trouble: %v", bad.told)
	}
	if !slices.Equal(bad.dropped, []string{account(refuses).User}) {
		return fmt.Errorf("given up: %v", bad.dropped)
	}
	good := &mailServer{told: make(map[string]int), done: make(chan struct{})}
	if err := good.deliver(ctx, s, ring, 3*time.Hour); err != nil {
		return err
	}
	if want := map[string]int{account(fails).User: 1, account(hangs).User: 1, account(panics).User: 1}; !maps.Equal(want, good.told) {
		return fmt.Errorf("told after the trouble: %v", good.told)
	}
	return settled(ctx, s)
}

// settled checks that nothing is due.
func settled(ctx context.Context, s store.Store) error {
	for i := range people {
		rec, err := s.Get(ctx, account(i))
		if err != nil {
			return err
		}
		if !rec.Due.IsZero() {
			return fmt.Errorf("%v is still due", rec.ID)
		}
	}
	return nil
}

// A mailServer is a notifier, bad or good, and an observer.
type mailServer struct {
	bad bool

	mu      sync.Mutex
	told    map[string]int
	dropped []string
	tried   int
	done    chan struct{} // closed when every account was tried
}

func (m *mailServer) deliver(ctx context.Context, s store.Store, ring string, ahead time.Duration) error {
	mfa, err := service(s, ring, ahead, event.NotifierFunc(m.notify), event.ObserverFunc(m.observe))
	if err != nil {
		return err
	}
	_, err = mfa.Deliver(ctx)
	return err
}

func (m *mailServer) notify(ctx context.Context, n event.Notification) error {
	defer m.count()
	if m.bad {
		switch (totpflow.AccountID{Tenant: n.Tenant, User: n.User}) {
		case account(fails):
			return errors.New("the mailbox is full")
		case account(hangs):
			m.count()
			<-ctx.Done()
			return ctx.Err()
		case account(panics):
			panic("no such template")
		case account(refuses):
			return fmt.Errorf("no such user: %w", event.ErrUndeliverable)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told[n.User]++
	return nil
}

// count counts an account that was tried: the one that hangs at the start of its call and,
// without effect, at its end.
func (m *mailServer) count() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tried++; m.tried == people {
		close(m.done)
	}
}

func (m *mailServer) observe(_ context.Context, e event.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e.Kind == event.NotificationDropped {
		m.dropped = append(m.dropped, e.User)
	}
}
