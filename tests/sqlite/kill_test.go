package sqlite_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
)

const killRounds = 60

// A write that was acknowledged is there after SIGKILL, at whatever moment it
// comes. This shows that nothing waits in the process for a later flush. A
// power cut, which also takes what waits in the kernel, cannot be made here:
// for that stand PRAGMA synchronous=FULL and Migrate, which insists on it.
func TestAcknowledgedSurvivesKill(t *testing.T) {
	require.Empty(t, killing(t, "write"))
}

// The rig goes red on a writer that acknowledges before it commits.
func TestKillRigCatchesEarlyAcknowledgement(t *testing.T) {
	require.NotEmpty(t, killing(t, "write-lazy"))
}

// killing starts a writer and kills it after a random number of
// acknowledgements, again and again. It returns what the file has lost of them.
// The writer overwrites one record, the counter, and after each of its numbers
// makes a new record with the same number.
func killing(t *testing.T, role string) (lost []string) {
	path := file(t)
	s, _ := open(t, path, wal)
	acknowledged := 0
	for round := range killRounds {
		c := start(t, role, path)
		_, err := fmt.Fprintln(c.in, round)
		require.NoError(t, err)
		made := make(map[store.ID]string)
		last := uint64(0)
		for patience := rand.IntN(40); c.out.Scan(); patience-- {
			var n uint64
			var version string
			// The kill may have cut the last line: then it says nothing.
			if _, err := fmt.Sscan(c.out.Text(), &n, &version); err != nil || len(version) != 32 {
				break
			}
			last = n
			made[numbered(round, n)] = version
			if patience == 0 {
				require.NoError(t, c.cmd.Process.Kill())
			}
		}
		require.Error(t, c.cmd.Wait(), "the writer ends by the kill only")
		require.NotEmpty(t, made)
		acknowledged += len(made)

		for id, version := range made {
			if rec, err := s.Get(t.Context(), id); err != nil || rec.Version.String() != version {
				lost = append(lost, fmt.Sprintf("%s: %v", id.User, err))
			}
		}
		// One more may be there, whose line did not get out.
		rec, err := s.Get(t.Context(), numbered(round, 0))
		if err != nil || count(rec) < last || count(rec) > last+1 {
			lost = append(lost, fmt.Sprintf("counter is %d after %d: %v", count(rec), last, err))
		}
	}
	t.Logf("%d writes acknowledged, %d lost", acknowledged, len(lost))
	return lost
}

// numbered is the record of a number; 0 is the round's counter.
func numbered(round int, n uint64) store.ID {
	return store.ID{Tenant: "acme", User: fmt.Sprintf("%d-%d", round, n)}
}

// writer is a child: it writes until it is killed, and prints a line for each
// acknowledged number.
func writer(path string, write func(ctx context.Context, path string, round int) error) error {
	var round int
	if _, err := fmt.Scan(&round); err != nil {
		return err
	}
	return write(context.Background(), path, round)
}

func writeEach(ctx context.Context, path string, round int) error {
	db, err := dial(path, wal)
	if err != nil {
		return err
	}
	defer db.Close()
	s := sqlstore.New(db, sqlstore.SQLite)
	var was store.Version
	for n := uint64(1); ; n++ {
		next, made := *counter(n), *counter(n)
		next.ID, next.Version = numbered(round, 0), store.NewVersion()
		made.ID, made.Version = numbered(round, n), store.NewVersion()
		if err := s.Put(ctx, next, was); err != nil {
			return err
		}
		if err := s.Put(ctx, made, store.Version{}); err != nil {
			return err
		}
		fmt.Println(n, made.Version)
		was = next.Version
	}
}

// writeLazily commits ten writes at a time and acknowledges each at once, as
// "write behind" caches do.
func writeLazily(ctx context.Context, path string, round int) error {
	db, err := dial(path, wal)
	if err != nil {
		return err
	}
	defer db.Close()
	for n := uint64(1); ; {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		for range 10 {
			v := store.NewVersion()
			for _, id := range []store.ID{numbered(round, 0), numbered(round, n)} {
				if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO totpflow_accounts VALUES (?, ?, ?, '', ?, 0)`,
					id.Tenant, id.User, v[:], counter(n).Sealed); err != nil {
					return err
				}
			}
			fmt.Println(n, v)
			n++
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	}
}
