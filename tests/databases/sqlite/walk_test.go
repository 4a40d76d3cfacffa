package sqlite_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/tests/rigs/race"
	"github.com/totpflow/totpflow/tests/rigs/walk"
)

// Two services, each with a connection to one file, do what the model of the whole
// service says, whatever two people do in whatever order, while calls to the database
// fail and the clock jumps.
func TestServiceWalk(t *testing.T) {
	each(t, func(t *testing.T, d driver) {
		seeds, err := walk.Seeds(race.Rounds(3, 400))
		require.NoError(t, err)
		met, err := d.walk(t, seeds, func(s store.Store) store.Store { return s })
		require.NoError(t, err)
		t.Logf("%d walks from seed %d on: %v", len(seeds), seeds[0], met)
	})
}

// The walk fails if one of the two connections does not do what it says.
func TestServiceWalkGoesRed(t *testing.T) {
	for name, wrong := range map[string]func(store.Store) store.Store{
		"it reads what was":    func(s store.Store) store.Store { return &race.Stale{Store: s} },
		"it pretends to write": func(s store.Store) store.Store { return &pretender{Store: s} },
	} {
		t.Run(name, func(t *testing.T) {
			_, err := modernc.walk(t, []uint64{1, 2, 3, 4, 5}, wrong)
			require.ErrorContains(t, err, "walk: step ")
		})
	}
}

// walk wraps the second connection.
func (d driver) walk(t *testing.T, seeds []uint64, wrap func(store.Store) store.Store) (walk.Met, error) {
	path := file(t)
	first, db := d.open(t, path, wal)
	second, _ := d.open(t, path, wal)
	return walk.Many(t.Context(), seeds, func() ([2]store.Store, error) {
		_, err := db.ExecContext(t.Context(), "DELETE FROM totpflow_accounts")
		return [2]store.Store{first, wrap(second)}, err
	})
}

// pretender leaves out one Put of five and does not say so.
type pretender struct {
	store.Store
	puts int
}

func (p *pretender) Put(ctx context.Context, rec store.Record, was store.Version) error {
	if p.puts++; p.puts%5 == 0 {
		return nil
	}
	return p.Store.Put(ctx, rec, was)
}
