package postgres_test

import (
	"database/sql"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
)

// A page in the middle of 100,000 records reads as many of them as it returns, in the
// order of an index, and sorts nothing, with plans for known values and with plans that
// were made before. PostgreSQL itself reports the plan of each statement that the store
// sends (auto_explain).
func TestListReadsAPage(t *testing.T) {
	dsn := database(t)
	_, db := open(t, dsn)
	fill(t, db, 100_000)
	middle := store.Cursor(store.AccountID{Tenant: "acme", User: "user-0050000"})
	overdue := store.Place{ID: store.AccountID{Tenant: "beta", User: "user-0050000"}, Due: time.UnixMilli(50_000)}.Cursor()
	for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
		s, plan := explaining(t, dsn+"&plan_cache_mode="+mode)
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
			t.Run(mode+" "+name, func(t *testing.T) {
				*plan = ""
				page, err := s.List(t.Context(), q)
				require.NoError(t, err)
				require.Len(t, page.Records, store.DefaultLimit)
				require.NotEmpty(t, page.Next)
				requireIndexScan(t, *plan)
			})
		}
		*plan = ""
		_, err := s.Get(t.Context(), store.AccountID{Tenant: "acme", User: "user-0050001"})
		require.NoError(t, err)
		require.Contains(t, *plan, `"totpflow_accounts_pkey"`)
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
	_, err := db.Exec(`INSERT INTO totpflow_accounts
SELECT CASE WHEN n % 10 = 0 THEN 'beta' ELSE 'acme' END, 'user-' || lpad(n::text, 7, '0'), decode(md5(n::text), 'hex'),
	CASE WHEN n % 47 = 0 THEN 'reset' ELSE 'active' END, convert_to(repeat(md5(n::text), 10), 'UTF8'), n, CASE WHEN n % 100 = 0 THEN n END
FROM generate_series(1, $1::int) n`, records)
	require.NoError(t, err)
	_, err = db.Exec("ANALYZE totpflow_accounts")
	require.NoError(t, err)
}

// explaining returns a store on one connection that writes the plan of the last
// statement.
func explaining(t *testing.T, dsn string) (*sqlstore.Store, *string) {
	config, err := pgx.ParseConfig(dsn + "&session_preload_libraries=auto_explain&auto_explain.log_min_duration=0" +
		"&auto_explain.log_analyze=on&auto_explain.log_format=json&auto_explain.log_level=notice")
	require.NoError(t, err)
	plan := new(string)
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if _, text, found := strings.Cut(n.Message, "plan:\n"); found {
			*plan = text
		}
	}
	db := stdlib.OpenDB(*config)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	db.SetMaxOpenConns(1)
	return sqlstore.New(db, sqlstore.PostgreSQL), plan
}

// A node is a step of a plan.
type node struct {
	Type    string  `json:"Node Type"`
	Rows    float64 `json:"Actual Rows"`
	Removed float64 `json:"Rows Removed by Filter"`
	Plans   []node
}

func requireIndexScan(t *testing.T, plan string) {
	var top struct{ Plan node }
	require.NoError(t, json.Unmarshal([]byte(plan), &top), plan)
	require.Equal(t, "Limit", top.Plan.Type, plan)
	require.Len(t, top.Plan.Plans, 1, plan)
	scan := top.Plan.Plans[0]
	require.Equal(t, "Index Scan", scan.Type, plan)
	require.Equal(t, float64(store.DefaultLimit+1), scan.Rows, plan)
	require.Zero(t, scan.Removed, plan)
}
