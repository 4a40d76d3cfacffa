package sqlite_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/tests/rigs/notify"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// A process that is killed between its write, the call of the notifier and the write that
// notes it loses no message, and repeats only calls that were not noted.
func TestKilledWhileTelling(t *testing.T) {
	rounds := race.Rounds(2, 20)
	each(t, func(t *testing.T, d driver) {
		path := file(t)
		s, _ := d.open(t, path, wal)
		told, err := notify.Kill(t.Context(), s, "notify", d.where(path), rounds)
		t.Logf("SQLite by %s: told %v", d.name, told)
		require.NoError(t, err)
	})
}

// See the rig: a notifier in trouble with some people tells all others.
func TestNotifierInTrouble(t *testing.T) {
	each(t, func(t *testing.T, d driver) {
		s, _ := d.open(t, file(t), wal)
		require.NoError(t, notify.Trouble(t.Context(), s))
	})
}

// Ten due notifications are found among many accounts without reading the others: the
// store returns no others, and by the plans of the statements that it sends SQLite goes
// through none.
func TestTenDueOfMany(t *testing.T) {
	accounts := race.Rounds(100_000, 1_000_000)
	d := mattn
	path := file(t)
	s, db := d.open(t, path, wal)
	_, err := db.ExecContext(t.Context(), `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO totpflow_accounts SELECT 'acme', 'other ' || i, randomblob(16), 'active', randomblob(64), 0, NULL FROM n`, accounts)
	require.NoError(t, err)
	through, spy := spied(t, d, db, path)
	read := &reads{Store: through}
	told, err := notify.Due(t.Context(), s, read, 10)
	require.NoError(t, err)
	require.Equal(t, 10, told)
	require.LessOrEqual(t, read.records.Load(), int64(50), "of %d accounts: a list of heads, and the records of those that are due", accounts)
	plans := make(map[string]int)
	for _, q := range spy.queries() {
		plans[planOf(t, db, q)]++
	}
	const search = "SEARCH totpflow_accounts USING INDEX "
	byDue, byID := search+"totpflow_accounts_due ((due,tenant,user_id)>(?,?,?) AND due<?)", search+"sqlite_autoindex_totpflow_accounts_1 (tenant=? AND user_id=?)"
	require.Positive(t, plans[byDue], plans)
	require.Equal(t, len(spy.queries()), plans[byDue]+plans[byID], plans)
}

// reads counts the records that a store returns.
type reads struct {
	store.Store
	records atomic.Int64
}

func (r *reads) Get(ctx context.Context, id store.AccountID) (store.Record, error) {
	r.records.Add(1)
	return r.Store.Get(ctx, id)
}

func (r *reads) List(ctx context.Context, q store.Query) (store.Page, error) {
	page, err := r.Store.List(ctx, q)
	r.records.Add(int64(len(page.Records)))
	return page, err
}
