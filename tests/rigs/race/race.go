package race

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/totpflow/totpflow/store"
)

const (
	processes  = 2
	goroutines = 64
)

var errUsed = errors.New("already used")

// A Rig is one of the races between two processes with 64 goroutines each.
type Rig struct {
	Name   string
	Rounds int
	run    func(s store.Store, role, where string, rounds int) (Figures, error)
}

// Rigs returns [Consume] and [Sum], with as many rounds as [Rounds] says; short is the
// number for Consume in the short form.
func Rigs(short int) []Rig {
	return []Rig{
		{"one code", Rounds(short, 400), Consume},
		{"a sum", Rounds(1, 20), Sum},
	}
}

// Run runs the rig for its rounds.
func (r Rig) Run(s store.Store, role, where string) (Figures, error) {
	return r.run(s, role, where, r.Rounds)
}

// Consume has two processes with 64 goroutines each use the same code at the same moment,
// round by round. It returns an error unless the code is accepted exactly once. s is the
// store in this process, where names the store for the children, who play role.
func Consume(s store.Store, role, where string, rounds int) (all Figures, err error) {
	all.Rounds = rounds
	return all, rounding(role, where, func(ask ask) error {
		first, err := stored(s)
		if err != nil {
			return err
		}
		for round := range rounds {
			saw, err := ask("consume", first+1+uint64(round))
			if err != nil {
				return err
			}
			all.Add(saw)
			if saw.Successes != 1 {
				return fmt.Errorf("round %d: %d winners", round, saw.Successes)
			}
		}
		return nil
	})
}

// Sum has as many goroutines add one to a counter, round by round. It returns an error
// unless the counter ends at the number of reported successes.
func Sum(s store.Store, role, where string, rounds int) (all Figures, err error) {
	all.Rounds = rounds
	return all, rounding(role, where, func(ask ask) error {
		sum, err := stored(s)
		if err != nil {
			return err
		}
		for round := range rounds {
			saw, err := ask("add", 1)
			if err != nil {
				return err
			}
			all.Add(saw)
			if saw.Successes == 0 {
				return fmt.Errorf("round %d: nobody won", round)
			}
			sum += uint64(saw.Successes)
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

// ask begins a round in all children and returns what they saw.
type ask func(order string, n uint64) (Figures, error)

// rounding starts the children and ends them.
func rounding(role, where string, rig func(ask) error) error {
	children, err := StartAll(role, where, processes)
	if err != nil {
		return err
	}
	err = rig(func(order string, n uint64) (all Figures, err error) {
		answers, err := children.Ask(func(int) string { return fmt.Sprint(order, " ", n) })
		if err != nil {
			return all, err
		}
		for _, line := range answers {
			saw := Figures{Attempts: goroutines}
			if _, err := fmt.Sscan(line, &saw.Successes, &saw.Refused, &saw.Unavailable); err != nil {
				return all, fmt.Errorf("a child says %q: %w", line, err)
			}
			all.Add(saw)
		}
		return all, nil
	})
	return errors.Join(err, children.End())
}

// Racer returns the role of the children of [Consume] and [Sum].
func Racer(open Opener) Role {
	return With(open, func(s store.Store) error {
		return Obey(func(line string) (answer string, err error) {
			var order string
			var n uint64
			if _, err := fmt.Sscan(line, &order, &n); err != nil {
				return "", err
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
			saw, err := all(s, decide)
			return fmt.Sprint(saw.Successes, saw.Refused, saw.Unavailable), err
		})
	})
}

// all runs Update in all goroutines at once. Losing too many rounds, or waiting
// too long for the database, is neither a success nor a fault.
func all(s store.Store, decide func(store.Record, bool) (*store.Record, error)) (saw Figures, fault error) {
	var mu sync.Mutex
	Hands(goroutines, func(int) {
		err := store.Update(context.Background(), s, Alice, decide)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil:
			saw.Successes++
		case errors.Is(err, errUsed):
			saw.Refused++
		case errors.Is(err, store.ErrUnavailable):
			saw.Unavailable++
		default:
			fault = err
		}
	})
	return saw, fault
}

// Hands runs f in n goroutines that begin at once.
func Hands(n int, f func(hand int)) {
	var wg sync.WaitGroup
	gate := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-gate
			f(i)
		})
	}
	close(gate)
	wg.Wait()
}
