package notify

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// What a child is told to do.
const (
	change  = "change"  // change one account, and deliver the message about it
	deliver = "deliver" // deliver the message that another process left about one account
	post    = "post"    // deliver every message that is due
)

// The clocks of the processes: each finds due what those before it have left.
var ahead = map[string]time.Duration{change: 0, deliver: 5 * time.Minute, post: time.Hour}

// Victim returns the role of a child: it obeys one order, reports each call of the
// notifier by the number of the account, and is killed at a point.
func Victim(open race.Opener) race.Role {
	return race.With(open, func(s store.Store) error {
		return race.Obey(func(line string) (string, error) {
			var job, ring string
			var number, place int
			if _, err := fmt.Sscan(line, &job, &number, &place, &ring); err != nil {
				return "", err
			}
			v := &victim{Store: s, job: job, number: number}
			if job != post {
				v.point = points[place].name
			}
			mfa, err := service(v, ring, ahead[job], event.NotifierFunc(v.notify), nil)
			if err != nil {
				return "", err
			}
			ctx := context.Background()
			if job == change {
				_, err = mfa.Account(totpflow.User{ID: account(number)}).PasswordChanged(ctx)
			} else {
				_, err = mfa.Deliver(ctx)
			}
			if err != nil {
				return "", err
			}
			return alive, mfa.Drain(ctx)
		})
	})
}

const alive = "alive"

// A victim counts the writes of its account, and dies at its point.
type victim struct {
	store.Store
	job, point string
	number     int

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
	what := "the note"
	switch {
	case first && v.job == change:
		what = "the write"
	case first:
		what = "the claim"
	}
	v.at("before " + what)
	err := v.Store.Put(ctx, rec, was)
	v.at("after " + what)
	return err
}

// List hides the messages of earlier rounds from a victim that delivers: it works on one
// account only.
func (v *victim) List(ctx context.Context, q store.Query) (store.Page, error) {
	page, err := v.Store.List(ctx, q)
	if v.job == deliver {
		page.Records = slices.DeleteFunc(page.Records, func(rec store.Record) bool { return rec.ID != account(v.number) })
	}
	return page, err
}

func (v *victim) notify(_ context.Context, n event.Notification) error {
	v.at("in the call")
	fmt.Println(n.User)
	v.at("after the call")
	return nil
}
