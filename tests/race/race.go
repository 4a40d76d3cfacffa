package race

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"github.com/totpflow/totpflow/store"
)

const (
	processes  = 2
	goroutines = 64
)

var (
	alice   = store.ID{Tenant: "acme", User: "alice"}
	errUsed = errors.New("already used")
)

// Consume lets two processes with 64 goroutines each have the same code at the
// same moment, round by round. It returns an error unless exactly one of them is
// told that it is good. s is the store in this process, where the store for the
// children, who play role.
func Consume(s store.Store, role, where string, rounds int) error {
	return rounding(role, where, func(ask ask) error {
		first, err := stored(s)
		if err != nil {
			return err
		}
		for round := range rounds {
			winners, err := ask("consume", first+1+uint64(round))
			if err != nil {
				return err
			}
			if winners != 1 {
				return fmt.Errorf("round %d: %d winners", round, winners)
			}
		}
		return nil
	})
}

// Sum lets as many count one up, round by round. It returns an error unless the
// counter ends at the number of those who were told that they did.
func Sum(s store.Store, role, where string, rounds int) error {
	return rounding(role, where, func(ask ask) error {
		sum, err := stored(s)
		if err != nil {
			return err
		}
		for round := range rounds {
			won, err := ask("add", 1)
			if err != nil {
				return err
			}
			if won == 0 {
				return fmt.Errorf("round %d: nobody won", round)
			}
			sum += won
			got, err := stored(s)
			if err != nil {
				return err
			}
			if got != sum {
				return fmt.Errorf("round %d: the counter is %d instead of %d", round, got, sum)
			}
		}
		return nil
	})
}

// ask begins a round in all children and returns the number of successes.
type ask func(order string, n uint64) (successes uint64, err error)

// rounding starts the children and ends them.
func rounding(role, where string, rig func(ask) error) (err error) {
	children := make([]*Child, processes)
	for i := range children {
		child, err := Start(role, where)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, child.End()) }()
		children[i] = child
	}
	return rig(func(order string, n uint64) (successes uint64, err error) {
		for _, c := range children {
			if err := c.Order(order, n); err != nil {
				return 0, err
			}
		}
		for _, c := range children {
			line, ok := c.Answer()
			if !ok {
				return 0, errors.New("a child has died")
			}
			var won uint64
			if _, err := fmt.Sscan(line, &won); err != nil {
				return 0, fmt.Errorf("a child says %q: %w", line, err)
			}
			successes += won
		}
		return successes, nil
	})
}

// Racer is the role of the children of [Consume] and [Sum].
func Racer(open Opener) Role {
	return with(open, func(s store.Store) error {
		orders := bufio.NewScanner(os.Stdin)
		for orders.Scan() {
			var order string
			var n uint64
			if _, err := fmt.Sscan(orders.Text(), &order, &n); err != nil {
				return err
			}
			decide := func(was store.Record, _ bool) (*store.Record, error) {
				return Counter(Count(was) + n), nil
			}
			if order == "consume" {
				decide = func(was store.Record, _ bool) (*store.Record, error) {
					if Count(was) >= n {
						return nil, errUsed
					}
					return Counter(n), nil
				}
			}
			won, err := all(s, decide)
			if err != nil {
				return err
			}
			fmt.Println(won)
		}
		return orders.Err()
	})
}

// all runs Update in all goroutines at once. Losing too many rounds, or waiting
// too long for the database, is no success and no fault.
func all(s store.Store, decide func(store.Record, bool) (*store.Record, error)) (successes int64, fault error) {
	var won atomic.Int64
	var mu sync.Mutex
	var wg sync.WaitGroup
	gate := make(chan struct{})
	for range goroutines {
		wg.Go(func() {
			<-gate
			switch err := store.Update(context.Background(), s, alice, decide); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, errUsed) && !errors.Is(err, store.ErrUnavailable):
				mu.Lock()
				defer mu.Unlock()
				fault = err
			}
		})
	}
	close(gate)
	wg.Wait()
	return won.Load(), fault
}

// Naive is a store that compares in Go and then writes, as adapters do that have
// not been tested with two processes. Overwrite writes whatever is there.
type Naive struct {
	store.Store
	Overwrite func(ctx context.Context, rec store.Record) error
}

// Put implements [store.Store], badly.
func (n Naive) Put(ctx context.Context, rec store.Record, was store.Version) error {
	now, err := n.Get(ctx, rec.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if now.Version != was {
		return store.ErrConflict
	}
	return n.Overwrite(ctx, rec)
}
