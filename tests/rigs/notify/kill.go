package notify

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// A point is where a process is killed while it does a job, and how often the message must
// have been delivered in the end: one that was delivered and not noted comes again.
type point struct {
	job, name string
	want      int
}

func (p point) String() string { return p.job + ", " + p.name }

var points = []point{
	{change, "before the write", 0},
	{change, "after the write", 1},
	{change, "in the call", 1},
	{change, "after the call", 2},
	{change, "before the note", 2},
	{change, "after the note", 1},
	{deliver, "before the claim", 1},
	{deliver, "after the claim", 1},
	{deliver, "in the call", 1},
	{deliver, "after the call", 2},
	{deliver, "before the note", 2},
	{deliver, "after the note", 1},
}

// Kill runs rounds of victims over the store, each killed at the next point, and then
// delivers the messages that are due, by two processes at once. It returns how often a
// message was delivered, by its point, and an error if that differs from how often it
// must be, or if anything is still due.
func Kill(ctx context.Context, s store.Store, role, where string, rounds int) (told map[string]int, err error) {
	ring := keyring.Generate()
	calls := make(counts)
	for number := range rounds * len(points) {
		place := number % len(points)
		if points[place].job == deliver {
			if err := leave(ctx, s, ring, number); err != nil {
				return nil, err
			}
		}
		lived, err := calls.run(role, where, points[place].job, number, place, ring)
		if err != nil {
			return nil, err
		}
		if lived {
			return nil, fmt.Errorf("%v: the victim lives", points[place])
		}
	}
	if err := calls.together(2, role, where, ring); err != nil {
		return nil, err
	}
	return calls.judge(ctx, s, rounds)
}

// counts counts the calls of the notifier for each user.
type counts map[string]int

// run has a child do a job and counts its calls. lived is false if it was killed.
func (c counts) run(role, where string, order ...any) (lived bool, err error) {
	child, err := race.Start(role, where)
	if err != nil {
		return false, err
	}
	if err := child.Order(order...); err != nil {
		return false, err
	}
	for answer, more := child.Answer(); more; answer, more = child.Answer() {
		if answer == alive {
			return true, child.End()
		}
		c[answer]++
	}
	_ = child.End() // it was killed
	return false, nil
}

// together has several processes deliver at once.
func (c counts) together(n int, role, where, ring string) error {
	var all sync.WaitGroup
	calls, errs := make([]counts, n), make([]error, n)
	for i := range n {
		calls[i] = make(counts)
		all.Go(func() {
			lived, err := calls[i].run(role, where, post, 0, 0, ring)
			if !lived {
				err = errors.Join(err, errors.New("a process that delivers has died"))
			}
			errs[i] = err
		})
	}
	all.Wait()
	for _, more := range calls {
		for user, times := range more {
			c[user] += times
		}
	}
	return errors.Join(errs...)
}

// judge compares the calls with what they must be.
func (c counts) judge(ctx context.Context, s store.Store, rounds int) (told map[string]int, err error) {
	told = make(map[string]int)
	for number := range rounds * len(points) {
		p, id := points[number%len(points)], account(number)
		got := c[id.User]
		told[p.String()] += got
		rec, err := s.Get(ctx, id)
		switch {
		case got != p.want:
			return told, fmt.Errorf("%v: told %d times and not %d", p, got, p.want)
		case p.want == 0: // nothing was written
		case err != nil:
			return told, fmt.Errorf("%v: %w", p, err)
		case !rec.Due.IsZero():
			return told, fmt.Errorf("%v: still due", p)
		}
	}
	return told, nil
}
