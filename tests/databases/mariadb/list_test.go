package mariadb_test

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
)

// A page in the middle of 100,000 records reads as many of them as it returns, in the
// order of an index, and sorts nothing. The server itself counts the reads.
func TestListReadsAPage(t *testing.T) {
	dsn := database(t)
	_, db := open(t, dsn)
	fill(t, db, 100_000)
	middle := store.Cursor(store.AccountID{Tenant: "acme", User: "user-0050000"})
	overdue := store.Place{ID: store.AccountID{Tenant: "beta", User: "user-0050000"}, Due: time.UnixMilli(50_000)}.Cursor()
	for _, parameters := range []string{"", "interpolateParams=true"} {
		one := dial(t, dsn+parameters) // a single connection, whose counters are read
		one.SetMaxOpenConns(1)
		s := sqlstore.New(one, sqlstore.MySQL)
		for name, q := range map[string]store.Query{
			"first":            {Tenant: "acme"},
			"tenant":           {Tenant: "acme", Cursor: middle},
			"everywhere":       {AllTenants: true, Cursor: middle},
			"state of tenant":  {Tenant: "acme", State: "reset", Cursor: middle},
			"state everywhere": {AllTenants: true, State: "reset", Cursor: middle},
			"due, first":       {AllTenants: true, DueBefore: time.UnixMilli(90_000)},
			"due":              {AllTenants: true, DueBefore: time.UnixMilli(90_000), Cursor: overdue},
			"heads":            {AllTenants: true, Heads: true, Cursor: middle},
		} {
			t.Run(parameters+" "+name, func(t *testing.T) {
				_, err := one.Exec("FLUSH STATUS")
				require.NoError(t, err)
				page, err := s.List(t.Context(), q)
				require.NoError(t, err)
				require.Len(t, page.Records, store.DefaultLimit)
				require.NotEmpty(t, page.Next)
				reads, sorts := counters(t, one)
				require.LessOrEqual(t, reads, store.DefaultLimit+3)
				require.Zero(t, sorts)
			})
		}
		_, err := one.Exec("FLUSH STATUS")
		require.NoError(t, err)
		_, err = s.Get(t.Context(), store.AccountID{Tenant: "acme", User: "user-0050001"})
		require.NoError(t, err)
		reads, _ := counters(t, one)
		require.LessOrEqual(t, reads, 3)
	}
}

// Counts equal the number of records, for one tenant and for all.
func TestCount(t *testing.T) {
	s, db := open(t, database(t))
	fill(t, db, 100_000)
	kind.Counts(t, s)
}

func TestListToTheEnd(t *testing.T) { kind.ListToTheEnd(t, database(t), fill) }

// fill makes records with the numbers of package paging, of which one in fifty is in
// state "reset".
func fill(t *testing.T, db *sql.DB, records int) {
	_, err := db.Exec(fmt.Sprintf(`INSERT INTO totpflow_accounts
SELECT IF(seq %% 10 = 0, 'beta', 'acme'), CONCAT('user-', LPAD(seq, 7, '0')), UNHEX(MD5(seq)),
	IF(seq %% 47 = 0, 'reset', 'active'), REPEAT(MD5(seq), 10), seq, IF(seq %% 100 = 0, seq, NULL)
FROM seq_1_to_%d`, records))
	require.NoError(t, err)
	_, err = db.Exec("ANALYZE TABLE totpflow_accounts")
	require.NoError(t, err)
}

// counters returns how many rows and index entries the connection has read
// since FLUSH STATUS, and how many rows it has sorted.
func counters(t *testing.T, db *sql.DB) (reads, sorts int) {
	rows, err := db.Query("SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%' OR Variable_name = 'Sort_rows'")
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var name string
		var n int
		require.NoError(t, rows.Scan(&name, &n))
		if name == "Sort_rows" {
			sorts += n
		} else {
			reads += n
		}
	}
	require.NoError(t, rows.Err())
	require.NotZero(t, reads)
	return reads, sorts
}
