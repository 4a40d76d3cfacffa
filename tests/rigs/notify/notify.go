// Package notify kills a process at each point between an account's write, the call of
// the notifier and the write of its position, and checks whether the person was told.
package notify

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// points are where the process is killed, in order.
var points = []string{"before the write", "after the write", "in the call", "after the call", "before the position", "after the position"}

// want is how often a message that was under way at a point is delivered: one that was
// delivered and not noted is delivered again.
var want = map[string]int{"after the write": 1, "in the call": 1, "after the call": 2, "before the position": 2, "after the position": 1}

// Victim returns the role of the child: it does one thing to a person's account, reports the
// number of its message when the notifier was called, and is killed at a point.
func Victim(open race.Opener) race.Role {
	return race.With(open, func(s store.Store) error {
		return race.Obey(func(line string) (string, error) {
			var round int
			var point int
			var ring string
			if _, err := fmt.Sscan(line, &round, &point, &ring); err != nil {
				return "", err
			}
			v := &victim{Store: s, point: points[point]}
			mfa, err := service(v, ring, time.Now, event.NotifierFunc(v.notify))
			if err != nil {
				return "", err
			}
			ctx := context.Background()
			if _, err := mfa.Account(totpflow.User{ID: account(round)}).PasswordChanged(ctx); err != nil {
				return "", err
			}
			return "alive", mfa.Drain(ctx)
		})
	})
}

func account(round int) totpflow.AccountID {
	return totpflow.AccountID{Tenant: "acme", User: fmt.Sprint("person ", round)}
}

func service(s store.Store, ring string, now func() time.Time, n event.Notifier) (*totpflow.Service, error) {
	keys, err := keyring.Parse(ring)
	if err != nil {
		return nil, err
	}
	return totpflow.New(totpflow.Config{
		Issuer: "Acme Backup", Store: s, Keys: keys, Now: now, Notifier: n, Observer: event.Slog(slog.New(slog.DiscardHandler)),
	})
}

// A victim counts the writes of its account, and dies.
type victim struct {
	store.Store
	point string

	mu     sync.Mutex
	writes int
}

func (v *victim) at(point string) {
	if v.point == point {
		p, _ := os.FindProcess(os.Getpid())
		_ = p.Kill()
		select {} // until the kill comes
	}
}

func (v *victim) Put(ctx context.Context, rec store.Record, was store.Version) error {
	v.mu.Lock()
	v.writes++
	first := v.writes == 1
	v.mu.Unlock()
	before, after := "before the position", "after the position"
	if first {
		before, after = "before the write", "after the write"
	}
	v.at(before)
	err := v.Store.Put(ctx, rec, was)
	v.at(after)
	return err
}

func (v *victim) notify(_ context.Context, n event.Notification) error {
	v.at("in the call")
	fmt.Println("told", n.Number())
	v.at("after the call")
	return nil
}

// Kill runs rounds of victims over the store, each killed at the next point, and then
// delivers the messages that are due, by two services at once. It returns how often a
// message was delivered, by its point, and an error if that differs from how often it
// must be, or if anything is still due.
func Kill(ctx context.Context, s store.Store, role, where string, rounds int) (told map[string]int, err error) {
	ring := keyring.Generate()
	counts := make(map[totpflow.AccountID]int)
	for round := range rounds * len(points) {
		c, err := race.Start(role, where)
		if err != nil {
			return nil, err
		}
		if err := c.Order(round, round%len(points), ring); err != nil {
			return nil, err
		}
		for answer, ok := c.Answer(); ok; answer, ok = c.Answer() {
			if answer == "alive" {
				return nil, fmt.Errorf("round %d: the victim lives", round)
			}
			counts[account(round)]++
		}
		_ = c.End() // it was killed
	}
	later := func() time.Time { return time.Now().Add(5 * time.Minute) }
	var mu sync.Mutex
	post := event.NotifierFunc(func(_ context.Context, n event.Notification) error {
		mu.Lock()
		defer mu.Unlock()
		counts[totpflow.AccountID{Tenant: n.Tenant, User: n.User}]++
		return nil
	})
	var all sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		mfa, err := service(s, ring, later, post)
		if err != nil {
			return nil, err
		}
		all.Go(func() { _, errs[i] = mfa.Deliver(ctx) })
	}
	all.Wait()
	told = make(map[string]int)
	for round := range rounds * len(points) {
		point, id := points[round%len(points)], account(round)
		told[point] += counts[id]
		rec, err := s.Get(ctx, id)
		switch {
		case counts[id] != want[point]:
			return told, fmt.Errorf("%s: told %d times and not %d", point, counts[id], want[point])
		case want[point] == 0: // nothing was written
		case err != nil:
			return told, fmt.Errorf("%s: %w", point, err)
		case !rec.Due.IsZero():
			return told, fmt.Errorf("%s: still due", point)
		}
	}
	for _, err := range errs {
		if err != nil {
			return told, err
		}
	}
	return told, nil
}

// Due leaves messages for n people in the store, and has a later process deliver them,
// through a store that may count its requests. It returns how many were delivered.
func Due(ctx context.Context, s, through store.Store, n int) (told int, err error) {
	ring := keyring.Generate()
	crashed, err := service(s, ring, time.Now, event.Deferred)
	if err != nil {
		return 0, err
	}
	for i := range n {
		if _, err := crashed.Account(totpflow.User{ID: account(i)}).PasswordChanged(ctx); err != nil {
			return 0, err
		}
	}
	var mu sync.Mutex
	later, err := service(through, ring, func() time.Time { return time.Now().Add(5 * time.Minute) },
		event.NotifierFunc(func(context.Context, event.Notification) error {
			mu.Lock()
			defer mu.Unlock()
			told++
			return nil
		}))
	if err != nil {
		return 0, err
	}
	_, err = later.Deliver(ctx)
	return told, err
}
