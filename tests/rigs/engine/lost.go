package engine

import (
	"database/sql"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// Losses are the tests of tables and indexes that somebody drops.
type Losses struct {
	Dialect   sqlstore.Dialect
	Open      func(t *testing.T) (*sqlstore.Store, *sql.DB) // a migrated store on a new database
	Indexes   string                                        // a query of one column: the definitions of the indexes
	DropIndex []string
	Remakes   bool // Migrate makes a lost ledger again if the table of accounts is there
}

// Tables drops them one by one, and both. A Store that has migrated reports that they are
// lost, and makes no new ones.
func (l Losses) Tables(t *testing.T) {
	for name, c := range map[string]struct {
		statements  []string
		same, other error // of Migrate by this Store, and by a new one
		get         error
	}{
		"a column": {[]string{`ALTER TABLE totpflow_accounts RENAME COLUMN due TO overdue`}, sqlstore.ErrTableLost, sqlstore.ErrTableLost, sqlstore.ErrTableLost},
		"accounts": {[]string{`DROP TABLE totpflow_accounts`}, sqlstore.ErrTableLost, sqlstore.ErrTableLost, sqlstore.ErrTableLost},
		"accounts and the ledger's rows": {[]string{`DROP TABLE totpflow_accounts`, `DELETE FROM totpflow_schema`},
			sqlstore.ErrTableLost, sqlstore.ErrLedgerLost, sqlstore.ErrTableLost},
		"both":       {[]string{`DROP TABLE totpflow_accounts`, `DROP TABLE totpflow_schema`}, sqlstore.ErrTableLost, nil, sqlstore.ErrTableLost},
		"the ledger": {[]string{`DROP TABLE totpflow_schema`}, sqlstore.ErrLedgerLost, sqlstore.ErrLedgerLost, nil},
		"its rows":   {[]string{`DELETE FROM totpflow_schema`}, sqlstore.ErrLedgerLost, sqlstore.ErrLedgerLost, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, db := l.Open(t)
			require.NoError(t, race.Step(t.Context(), s))
			l.define(t, db, c.statements...)
			get := func() {
				_, err := s.Get(t.Context(), race.Alice)
				require.ErrorIs(t, err, c.get)
			}
			get()
			if c.get != nil {
				_, err := s.List(t.Context(), store.Query{AllTenants: true})
				require.ErrorIs(t, err, c.get)
				err = race.Step(t.Context(), s)
				require.ErrorIs(t, err, c.get)
				rec := store.Record{ID: race.Alice, Version: store.NewVersion()}
				err = s.Put(t.Context(), rec, store.Version{})
				require.ErrorIs(t, err, c.get)
				require.ErrorIs(t, err, store.ErrNotWritten)
			}
			same, other := c.same, c.other
			if l.Remakes && c.get == nil && other == sqlstore.ErrLedgerLost {
				same, other = nil, nil
			}
			for range 2 {
				migrate(t, s, same)
				get()
			}
			migrate(t, sqlstore.New(db, l.Dialect), other)
		})
	}
}

func migrate(t *testing.T, s *sqlstore.Store, want error) {
	err := s.Migrate(t.Context())
	require.ErrorIs(t, err, want)
	require.NotErrorIs(t, err, store.ErrUnavailable, "trying again does not help")
}

// Remade drops the indexes, one and both, and has Migrate make them as they were.
func (l Losses) Remade(t *testing.T) {
	s, db := l.Open(t)
	require.NoError(t, race.Step(t.Context(), s))
	want := Column(t, db, l.Indexes)
	for _, drop := range [][]string{l.DropIndex[:1], l.DropIndex[1:], l.DropIndex} {
		l.define(t, db, drop...)
		require.NotEqual(t, want, Column(t, db, l.Indexes))
		require.NoError(t, s.Migrate(t.Context()))
		require.Equal(t, want, Column(t, db, l.Indexes))
	}
	require.NoError(t, sqlstore.New(db, l.Dialect).Migrate(t.Context()))
	require.Equal(t, want, Column(t, db, l.Indexes))
	require.Equal(t, uint64(1), Stored(t, s))

	// An index of the column alone does not serve a list; one with the id does, whatever
	// its name.
	l.define(t, db, l.DropIndex...)
	l.define(t, db, `CREATE INDEX narrow ON totpflow_accounts (state, user_id)`, `CREATE INDEX wide ON totpflow_accounts (due, tenant, user_id, updated)`)
	before := Column(t, db, l.Indexes)
	require.NoError(t, s.Migrate(t.Context()))
	after := Column(t, db, l.Indexes)
	require.Subset(t, after, before)
	var made []string
	for _, line := range after {
		if !slices.Contains(before, line) {
			made = append(made, line)
		}
	}
	require.NotEmpty(t, made)
	for _, line := range made {
		require.Contains(t, line, "totpflow_accounts_state")
		require.Contains(t, want, line)
	}
}

// Warned returns what f logs to slog.Default. No other test may log at the same time.
func Warned(f func()) string {
	var log strings.Builder
	was := slog.Default()
	defer slog.SetDefault(was)
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	f()
	return log.String()
}

func (l Losses) define(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		_, err := db.ExecContext(t.Context(), statement)
		require.NoError(t, err, statement)
	}
}
