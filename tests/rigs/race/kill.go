package race

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/totpflow/totpflow/store"
)

// A Loss is what an acknowledged write should have left in the store, and what the store
// has instead.
type Loss string

// Kill starts a writer and kills it after a random number of acknowledgements, again and
// again. It returns how many there were, and which of these writes the store lacks.
func Kill(s store.Store, role, where string, rounds int) (acknowledged int, lost []Loss, err error) {
	for round := range rounds {
		made, last, err := killed(role, where, round)
		if err != nil {
			return acknowledged, lost, err
		}
		acknowledged += len(made)
		lost = append(lost, missing(s, made)...)
		lost = append(lost, counted(s, numbered(round, 0, 0), last)...)
	}
	return acknowledged, lost, nil
}

// killed returns the versions of the records that a writer made before it was killed, and
// the last number that it counted to.
func killed(role, where string, round int) (made map[store.AccountID]string, last uint64, err error) {
	c, err := Start(role, where)
	if err != nil {
		return nil, 0, err
	}
	if err := c.Order(round); err != nil {
		return nil, 0, err
	}
	made = make(map[store.AccountID]string)
	for patience := rand.IntN(40); ; patience-- {
		line, ok := c.Answer()
		if !ok {
			break
		}
		var n uint64
		var version string
		// The kill may have cut off the last line: then it is ignored.
		if _, err := fmt.Sscan(line, &n, &version); err != nil || len(version) != 32 {
			break
		}
		last = n
		made[numbered(round, 0, n)] = version
		if patience == 0 {
			if err := c.Kill(); err != nil {
				return nil, 0, err
			}
		}
	}
	if c.End() == nil || len(made) == 0 {
		return nil, 0, fmt.Errorf("round %d: the writer ended by itself after %d writes", round, len(made))
	}
	return made, last, nil
}

// missing returns the records that are not there as they were acknowledged.
func missing(s store.Store, made map[store.AccountID]string) (lost []Loss) {
	for id, version := range made {
		if rec, err := s.Get(context.Background(), id); err != nil || rec.Version.String() != version {
			lost = append(lost, Loss(fmt.Sprintf("%s: %v", id.User, err)))
		}
	}
	return lost
}

// counted checks a writer's counter. It may be one ahead: a write whose acknowledgement
// did not get out.
func counted(s store.Store, id store.AccountID, last uint64) []Loss {
	rec, err := s.Get(context.Background(), id)
	if err == nil && Count(rec) >= last && Count(rec) <= last+1 {
		return nil
	}
	return []Loss{Loss(fmt.Sprintf("%s: the counter is %d after %d: %v", id.User, Count(rec), last, err))}
}

// Writer returns the role of the child of [Kill]: it overwrites one record, the
// counter, makes a new record after each of its numbers, and only then prints
// the number.
func Writer(open Opener) Role {
	return With(open, func(s store.Store) error {
		var round int
		if _, err := fmt.Scan(&round); err != nil {
			return err
		}
		return write(context.Background(), s, round, 0, func(n uint64, made store.Record) { fmt.Println(n, made.Version) })
	})
}

// Numbered returns the id of a record of a round; 0 is the counter.
func Numbered(round int, n uint64) store.AccountID { return numbered(round, 0, n) }

// write counts until the store refuses.
func write(ctx context.Context, s store.Store, round, writer int, acknowledge func(n uint64, made store.Record)) error {
	var was store.Version
	for n := uint64(1); ; n++ {
		next, made := *Counter(n), *Counter(n)
		next.ID, next.Version = numbered(round, writer, 0), store.NewVersion()
		made.ID, made.Version = numbered(round, writer, n), store.NewVersion()
		if err := s.Put(ctx, next, was); err != nil {
			return err
		}
		if err := s.Put(ctx, made, store.Version{}); err != nil {
			return err
		}
		acknowledge(n, made)
		was = next.Version
	}
}
