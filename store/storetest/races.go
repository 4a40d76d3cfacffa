package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/totpflow/totpflow/store"
)

const (
	writers = 16
	rounds  = 20
)

// raceCases: many callers, one record.
var raceCases = []testCase{
	{"one creator", "of writers that create one record at the same time exactly one gets nil, the others ErrConflict", func(ctx context.Context, s store.Store) error {
		for round := range rounds {
			id := store.AccountID{Tenant: "acme", User: strconv.Itoa(round)}
			if _, err := contend(ctx, s, id, store.Version{}); err != nil {
				return fmt.Errorf("round %d: %w", round, err)
			}
		}
		return nil
	}},
	{"one writer", "of writers over the same version exactly one gets nil, and what it wrote is what is stored", func(ctx context.Context, s store.Store) error {
		was, err := put(ctx, s, alice, "0", store.Version{})
		if err != nil {
			return err
		}
		for round := range rounds {
			if was, err = contend(ctx, s, alice, was); err != nil {
				return fmt.Errorf("round %d: %w", round, err)
			}
		}
		return nil
	}},
	{"one of writers and erasers", "of Puts and Deletes over the same version exactly one takes place", func(ctx context.Context, s store.Store) error {
		for round := range rounds {
			id := store.AccountID{User: strconv.Itoa(round)}
			was, err := put(ctx, s, id, "old", store.Version{})
			if err != nil {
				return err
			}
			// Which goroutine wakes first is not chance: the roles change by round.
			erases := func(i int) bool { return (i+round)%2 == 0 }
			won, err := winner(together(writers, func(i int) error {
				if erases(i) {
					return s.Delete(ctx, id, was)
				}
				return s.Put(ctx, draft(id, "new"), was)
			}))
			if err != nil {
				return fmt.Errorf("round %d: %w", round, err)
			}
			if erases(won) {
				err = expectAbsent(ctx, s, id)
			} else {
				err = expectContent(ctx, s, id, "new")
			}
			if err != nil {
				return fmt.Errorf("round %d, writer %d won: %w", round, won, err)
			}
		}
		return nil
	}},
	{"sum of steps", "a counter ends at the number of acknowledged writes: none lost, none invented", func(ctx context.Context, s store.Store) error {
		var acknowledged atomic.Int64
		answers := together(writers, func(int) error {
			for range rounds {
				err := store.Update(ctx, s, alice, func(was store.Record, _ bool) (*store.Record, error) {
					n, err := strconv.Atoi("0" + string(was.Sealed))
					if err != nil {
						return nil, err
					}
					return &store.Record{Sealed: []byte(strconv.Itoa(n + 1))}, nil
				})
				switch {
				case err == nil:
					acknowledged.Add(1)
				case !errors.Is(err, store.ErrConflict): // too many rounds lost: neither a success nor a fault
					return err
				}
			}
			return nil
		})
		if err := errors.Join(answers...); err != nil {
			return err
		}
		return expectContent(ctx, s, alice, strconv.FormatInt(acknowledged.Load(), 10))
	}},
	{"no false conflicts", "writers of different records do not disturb each other", func(ctx context.Context, s store.Store) error {
		return errors.Join(together(writers, func(i int) error {
			id := store.AccountID{Tenant: "acme", User: strconv.Itoa(i)}
			was := store.Version{}
			for round := range rounds {
				var err error
				if was, err = put(ctx, s, id, strconv.Itoa(round), was); err != nil {
					return err
				}
			}
			return expectContent(ctx, s, id, strconv.Itoa(rounds-1))
		})...)
	}},
	{"no way back", "a reader beside a writer never sees an older record after a newer one, nor a mixture of two", func(ctx context.Context, s store.Store) error {
		if err := s.Put(ctx, numbered(0), store.Version{}); err != nil {
			return err
		}
		var acknowledged atomic.Int64 // the number of the last write that returned
		var reading, over sync.WaitGroup
		stop := make(chan struct{})
		answers := make([]error, 4)
		reading.Add(len(answers))
		for i := range answers {
			over.Go(func() {
				answers[i] = watch(ctx, s, &acknowledged, sync.OnceFunc(reading.Done), stop)
			})
		}
		reading.Wait() // a store in memory would finish the writes before the readers begin
		err := climb(ctx, s, &acknowledged, 10*rounds)
		close(stop)
		over.Wait()
		return errors.Join(append(answers, err)...)
	}},
}

// contend lets writers race over was and returns the version that is stored.
func contend(ctx context.Context, s store.Store, id store.AccountID, was store.Version) (store.Version, error) {
	drafts := make([]store.Record, writers)
	for i := range drafts {
		drafts[i] = draft(id, strconv.Itoa(i))
	}
	won, err := winner(together(writers, func(i int) error { return s.Put(ctx, drafts[i], was) }))
	if err != nil {
		return store.Version{}, err
	}
	return drafts[won].Version, expect(ctx, s, drafts[won])
}

// numbered returns alice's record with n in two fields, which must agree when read.
func numbered(n int64) store.Record {
	rec := draft(alice, strconv.FormatInt(n, 10))
	rec.State = strconv.FormatInt(n, 10)
	return rec
}

// climb writes 1 to n, one after the other.
func climb(ctx context.Context, s store.Store, acknowledged *atomic.Int64, n int64) error {
	rec, err := s.Get(ctx, alice)
	if err != nil {
		return err
	}
	for i := int64(1); i <= n; i++ {
		next := numbered(i)
		if err := s.Put(ctx, next, rec.Version); err != nil {
			return err
		}
		acknowledged.Store(i)
		rec = next
		runtime.Gosched() // lets the readers run
	}
	return nil
}

// watch reads until told to stop, and calls reading after the first time, or at
// the end. A read may not return less than what was acknowledged before it began.
func watch(ctx context.Context, s store.Store, acknowledged *atomic.Int64, reading func(), stop <-chan struct{}) error {
	defer reading()
	for last := int64(0); ; reading() {
		select {
		case <-stop:
			return nil
		default:
		}
		runtime.Gosched() // lets the writer run
		floor := max(last, acknowledged.Load())
		rec, err := s.Get(ctx, alice)
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(string(rec.Sealed), 10, 64)
		if err != nil || rec.State != string(rec.Sealed) {
			return fmt.Errorf("read a mixture: state %q, sealed %s", rec.State, brief(rec.Sealed))
		}
		if n < floor {
			return fmt.Errorf("read %d after %d was acknowledged", n, floor)
		}
		last = n
	}
}
