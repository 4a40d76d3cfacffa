package walk_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/tests/rigs/walk"
	"github.com/totpflow/totpflow/totptest"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

const length = 4000 // of the scripts

// run walks the scripts of some seeds, each on stores of its own, up to the first difference.
func run(t *testing.T, open func() [2]store.Store) error {
	for seed := range uint64(24) {
		if _, err := walk.Run(t.Context(), totptest.NewClock(noon), open(), walk.Script(seed, length)); err != nil {
			return err
		}
	}
	return nil
}

// A walk that succeeds on every store would prove nothing. Each of these stores does one
// thing wrong, and no call fails. On the store that they wrap, the walk succeeds.
func TestGoesRed(t *testing.T) {
	m := store.NewMemory()
	met, err := walk.Run(t.Context(), totptest.NewClock(noon), [2]store.Store{m, m}, walk.Script(0, length))
	require.NoError(t, err)
	require.NotZero(t, met["verify: in"])

	wrong := map[string]func(*store.Memory) store.Store{
		"it reads what was":           func(m *store.Memory) store.Store { return &stale{Store: m, read: map[store.AccountID]store.Record{}} },
		"it pretends to write":        func(m *store.Memory) store.Store { return &pretender{Store: m, every: 5} },
		"it pretends to delete":       func(m *store.Memory) store.Store { return keeper{m} },
		"it lists less than there is": func(m *store.Memory) store.Store { return forgetful{m} },
		"it loses records":            func(m *store.Memory) store.Store { return &loser{Store: m} },
	}
	for name, wrap := range wrong {
		t.Run(name, func(t *testing.T) {
			err := run(t, func() [2]store.Store {
				s := wrap(store.NewMemory())
				return [2]store.Store{s, s}
			})
			require.ErrorContains(t, err, "walk: step ")
		})
	}
}

// stale shows each state of a record once more after it has changed.
type stale struct {
	store.Store
	read map[store.AccountID]store.Record
}

func (s *stale) Get(ctx context.Context, id store.AccountID) (store.Record, error) {
	now, err := s.Store.Get(ctx, id)
	was, seen := s.read[id]
	s.read[id] = now
	if err != nil || !seen {
		return now, err
	}
	return was, nil
}

// pretender leaves out some calls of Put.
type pretender struct {
	store.Store
	puts, every int
}

func (p *pretender) Put(ctx context.Context, rec store.Record, was store.Version) error {
	if p.puts++; p.puts%p.every == 0 {
		return nil
	}
	return p.Store.Put(ctx, rec, was)
}

type keeper struct{ store.Store }

func (keeper) Delete(context.Context, store.AccountID, store.Version) error { return nil }

type forgetful struct{ store.Store }

func (f forgetful) List(ctx context.Context, q store.Query) (store.Page, error) {
	page, err := f.Store.List(ctx, q)
	page.Records = page.Records[min(1, len(page.Records)):]
	return page, err
}

// loser reports now and then that a record does not exist.
type loser struct {
	store.Store
	gets int
}

func (l *loser) Get(ctx context.Context, id store.AccountID) (store.Record, error) {
	if l.gets++; l.gets%50 == 0 {
		return store.Record{}, store.ErrNotFound
	}
	return l.Store.Get(ctx, id)
}

// A person who reads the error finds the place in the script, both answers, and what
// came before.
func TestErrorSaysWhere(t *testing.T) {
	err := run(t, func() [2]store.Store {
		m := store.NewMemory()
		return [2]store.Store{m, down{m}}
	})
	require.Error(t, err)
	for _, part := range []string{"walk: step ", " byte ", " of 4000 ", "2026-", `the service says "unavailable", the model "`, "the last answers: "} {
		require.Contains(t, err.Error(), part)
	}
	require.Equal(t, 1, strings.Count(err.Error(), "\n")+1, "it is one line: %v", err)
}

type down struct{ store.Store }

func (down) Get(context.Context, store.AccountID) (store.Record, error) {
	return store.Record{}, errors.New("gone")
}

func TestSeeds(t *testing.T) {
	seeds, err := walk.Seeds(3)
	require.NoError(t, err)
	require.Len(t, seeds, 3)
	require.Equal(t, []uint64{seeds[0], seeds[0] + 1, seeds[0] + 2}, seeds)

	t.Setenv("TOTPFLOW_WALK", "7")
	seeds, err = walk.Seeds(3)
	require.NoError(t, err)
	require.Equal(t, []uint64{7}, seeds)

	t.Setenv("TOTPFLOW_WALK", "seven")
	_, err = walk.Seeds(3)
	require.ErrorContains(t, err, "TOTPFLOW_WALK")
}

// Many begins each walk on stores of its own, and names the seed of the one that goes
// wrong.
func TestMany(t *testing.T) {
	opened := 0
	open := func() ([2]store.Store, error) {
		opened++
		m := store.NewMemory()
		if opened == 3 {
			return [2]store.Store{m, down{m}}, nil
		}
		return [2]store.Store{m, m}, nil
	}
	met, err := walk.Many(t.Context(), []uint64{5, 6}, open)
	require.NoError(t, err)
	require.NotZero(t, met["sign in: in"])
	require.Equal(t, 2, opened)
	_, err = walk.Many(t.Context(), []uint64{7, 8}, open)
	require.ErrorContains(t, err, "TOTPFLOW_WALK=7")

	full := errors.New("disk full")
	_, err = walk.Many(t.Context(), []uint64{5}, func() ([2]store.Store, error) { return [2]store.Store{}, full })
	require.ErrorIs(t, err, full)
}

func TestScript(t *testing.T) {
	require.Equal(t, walk.Script(1, 100), walk.Script(1, 100))
	require.NotEqual(t, walk.Script(1, 100), walk.Script(2, 100))
	require.Len(t, walk.Script(1, 7), 7)
}
