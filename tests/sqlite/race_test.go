package sqlite_test

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
)

const (
	processes  = 2
	goroutines = 64
)

var errUsed = errors.New("already used")

// Two processes with 64 goroutines each race for one account on one file: each
// code is accepted exactly once, and a counter ends at the number of successes.
// The same rigs have to go red on a store that reads, compares and then writes;
// else they prove nothing.
func TestRace(t *testing.T) {
	for name, rig := range map[string]func(*testing.T, string) error{"one winner": consume, "sum of steps": sum} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, rig(t, "race"))
			require.Error(t, rig(t, "race-naive"))
		})
	}
}

// consume lets all hands have the same code, round by round.
func consume(t *testing.T, role string) error {
	_, ask := racers(t, role)
	for round := 1; round <= raceRounds; round++ {
		if winners := ask("consume", round); winners != 1 {
			return fmt.Errorf("round %d: %d winners", round, winners)
		}
	}
	return nil
}

// sum lets all hands count one up, round by round.
func sum(t *testing.T, role string) error {
	s, ask := racers(t, role)
	successes := 0
	for round := 1; round <= sumRounds; round++ {
		won := ask("add", round)
		require.NotZero(t, won)
		successes += won
		if got := stored(t, s); got != uint64(successes) {
			return fmt.Errorf("round %d: counter is %d after %d successes", round, got, successes)
		}
	}
	return nil
}

// racers starts the children on one file. ask begins the same round in all of
// them and returns the number of successes.
func racers(t *testing.T, role string) (s store.Store, ask func(order string, round int) int) {
	path := file(t)
	s, _ = open(t, path, wal)
	children := make([]*child, processes)
	for i := range children {
		children[i] = start(t, role, path)
	}
	t.Cleanup(func() {
		for _, c := range children {
			require.NoError(t, c.in.Close())
			require.NoError(t, c.cmd.Wait())
		}
	})
	return s, func(order string, round int) (successes int) {
		for _, c := range children {
			_, err := fmt.Fprintf(c.in, "%s %d\n", order, round)
			require.NoError(t, err)
		}
		for _, c := range children {
			require.True(t, c.out.Scan(), "a child has died")
			var n int
			_, err := fmt.Sscan(c.out.Text(), &n)
			require.NoError(t, err, c.out.Text())
			successes += n
		}
		return successes
	}
}

func stored(t *testing.T, s store.Store) uint64 {
	rec, err := s.Get(t.Context(), alice)
	require.NoError(t, err)
	return count(rec)
}

func count(rec store.Record) uint64 {
	if len(rec.Sealed) == 0 {
		return 0
	}
	return binary.BigEndian.Uint64(rec.Sealed)
}

func counter(n uint64) *store.Record {
	return &store.Record{State: "active", Sealed: binary.BigEndian.AppendUint64(nil, n)}
}

// racer is a child: it reads orders, lets all goroutines go at once, and
// answers with the number of successes.
func racer(path string, adapter func(*sql.DB) store.Store) error {
	db, err := dial(path, wal)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(4) // enough to race; more only wait for the lock
	s := adapter(db)
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		var order string
		var round uint64
		if _, err := fmt.Sscan(orders.Text(), &order, &round); err != nil {
			return err
		}
		decide := func(was store.Record, _ bool) (*store.Record, error) {
			return counter(count(was) + 1), nil
		}
		if order == "consume" {
			decide = func(was store.Record, _ bool) (*store.Record, error) {
				if count(was) >= round {
					return nil, errUsed
				}
				return counter(round), nil
			}
		}
		n, err := all(s, decide)
		if err != nil {
			return err
		}
		fmt.Println(n)
	}
	return orders.Err()
}

// all runs Update in all goroutines at once. Losing too many rounds, or waiting
// too long for the file, is no success and no fault.
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

func honest(db *sql.DB) store.Store { return sqlstore.New(db, sqlstore.SQLite) }

// naive compares in Go and then writes, as adapters do that have not been
// tested with two processes.
func naive(db *sql.DB) store.Store { return &readThenWrite{sqlstore.New(db, sqlstore.SQLite), db} }

type readThenWrite struct {
	*sqlstore.Store
	db *sql.DB
}

func (r *readThenWrite) Put(ctx context.Context, rec store.Record, was store.Version) error {
	now, err := r.Get(ctx, rec.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if now.Version != was {
		return store.ErrConflict
	}
	_, err = r.db.ExecContext(ctx, `INSERT OR REPLACE INTO totpflow_accounts VALUES (?, ?, ?, ?, ?, ?)`,
		rec.ID.Tenant, rec.ID.User, rec.Version[:], rec.State, rec.Sealed, rec.Updated.UnixMicro())
	return err
}
