package sqlstore_test

import (
	"database/sql/driver"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
)

// words are the errors of each database for a missing table, a missing column, a missing
// right, and a lock that another statement holds.
var words = map[sqlstore.Dialect]struct{ absent, strange, denied, busy error }{
	sqlstore.SQLite: {
		errors.New("SQL logic error: no such table: totpflow_accounts (1)"), errors.New("SQL logic error: no such column: due (1)"),
		errors.New("attempt to write a readonly database (8)"), errors.New("database is locked (5) (SQLITE_BUSY)"),
	},
	sqlstore.PostgreSQL: {pgError("42P01"), pgError("42703"), pgError("42501"), pgError("55P03")},
	sqlstore.MySQL: {
		errors.New("Error 1146 (42S02): Table 'app.totpflow_accounts' doesn't exist"), errors.New("Error 1054 (42S22): Unknown column 'due' in 'field list'"),
		errors.New("Error 1142 (42000): INDEX command denied to user"), errors.New("Error 1205 (HY000): Lock wait timeout exceeded"),
	},
}

// A held database answers from the tables and indexes that it has, and its statements make
// them.
type held struct {
	*fake
	accounts, ledger, empty bool // whether there is the table; whether the ledger has no row
	indexes                 map[string]bool
}

func hold(d sqlstore.Dialect) *held {
	h := &held{fake: reading(d), indexes: make(map[string]bool)}
	h.query["SELECT GET_LOCK"] = value(int64(1))
	h.query["SELECT count(*)"] = func() (driver.Rows, error) {
		args := h.last()
		name, _ := args[len(args)-1].Value.(string)
		there := h.indexes[name]
		switch {
		case strings.HasSuffix(name, "schema"):
			there = h.ledger
		case strings.HasSuffix(name, "accounts"):
			there = h.accounts
		}
		return value(map[bool]int64{true: 1}[there])()
	}
	h.query["SELECT coalesce(max"] = func() (driver.Rows, error) { return value(map[bool]int64{false: 1}[h.empty])() }
	h.exec = map[string]func() (driver.Result, error){"": func() (driver.Result, error) {
		statement := h.asked[len(h.asked)-1]
		switch has := func(part string) bool { return strings.Contains(statement, part) }; {
		case has("CREATE TABLE") && has("accounts ("):
			h.accounts = true
			if has("KEY totpflow_accounts_state") {
				h.indexes["state"], h.indexes["due"] = true, true
			}
		case has("CREATE TABLE"):
			h.ledger, h.empty = true, true
		case has("totpflow_schema (number)"):
			h.empty = false
		case has("CREATE INDEX totpflow_accounts_state"):
			h.indexes["state"] = true
		case has("CREATE INDEX totpflow_accounts_due"):
			h.indexes["due"] = true
		}
		return driver.RowsAffected(1), nil
	}}
	return h
}

// made returns the statements that make something.
func (h *held) made() (all []string) {
	for _, statement := range h.asked {
		if strings.Contains(statement, "CREATE ") {
			all = append(all, statement)
		}
	}
	return all
}

// After a Migrate that has found the table, a call that does not find it, or one of its
// columns, reports that it is lost. Before that, nobody has called Migrate.
func TestTableLostAfterMigrate(t *testing.T) {
	for d, says := range words {
		for _, lost := range []error{says.absent, says.strange} {
			for name := range calls(nil) {
				answer := error(nil)
				f := failing(func() error { return answer })
				for question, ask := range reading(d).query { // Migrate's
					if f.query[question] == nil {
						f.query[question] = ask
					}
				}
				s := sqlstore.New(f.open(t), d)

				answer = lost
				require.NotErrorIs(t, calls(s)[name](t.Context()), sqlstore.ErrTableLost, "%v %s", d, name)
				require.Error(t, s.Migrate(t.Context()))
				require.NotErrorIs(t, calls(s)[name](t.Context()), sqlstore.ErrTableLost, "%v %s: Migrate has not found it", d, name)
				answer = nil
				require.NoError(t, s.Migrate(t.Context()))
				answer = lost
				err := calls(s)[name](t.Context())
				require.ErrorIs(t, err, sqlstore.ErrTableLost, "%v %s", d, name)
				require.ErrorIs(t, err, lost)
				require.NotErrorIs(t, err, store.ErrNotFound)
				require.NotContains(t, err.Error(), "call Migrate first")
				if writes(s)[name] != nil {
					require.ErrorIs(t, err, store.ErrNotWritten)
				}
			}
		}
	}
}

// A new table would make everybody look as if they had never enrolled: a Store that has
// migrated does not make one. Nor does any Store make one of the two tables if the other
// is there; only MySQL's migrations, which make the ledger last, continue where one
// stopped.
func TestMigrateMakesNothingAgain(t *testing.T) {
	lose := map[string]func(h *held){
		"both":              func(h *held) { h.accounts, h.ledger, h.indexes = false, false, map[string]bool{} },
		"accounts":          func(h *held) { h.accounts = false },
		"the ledger":        func(h *held) { h.ledger = false },
		"its rows":          func(h *held) { h.empty = true },
		"accounts and rows": func(h *held) { h.accounts, h.empty = false, true },
	}
	first := map[string]error{ // of a Store that has not migrated
		"accounts": sqlstore.ErrTableLost, "the ledger": sqlstore.ErrLedgerLost, "its rows": sqlstore.ErrLedgerLost, "accounts and rows": sqlstore.ErrLedgerLost,
	}
	again := maps.Clone(first)
	again["both"], again["accounts and rows"] = sqlstore.ErrTableLost, sqlstore.ErrTableLost
	for _, d := range dialects() {
		for name, lose := range lose {
			for _, same := range []bool{true, false} {
				h := hold(d)
				s := sqlstore.New(h.open(t), d)
				require.NoError(t, s.Migrate(t.Context()))
				require.NoError(t, s.Migrate(t.Context()))
				lose(h)
				h.asked = nil
				want := again[name]
				if !same {
					want, s = first[name], sqlstore.New(h.open(t), d)
				}
				if d == sqlstore.MySQL && want == sqlstore.ErrLedgerLost && h.accounts {
					want = nil
				}
				err := s.Migrate(t.Context())
				requireRefusal(t, err, want, []any{d, name, same})
				if want == nil {
					require.True(t, h.accounts && h.ledger && !h.empty && h.indexes["due"], "%v %s", d, name)
					continue
				}
				require.ErrorIs(t, s.Migrate(t.Context()), want, "again")
				require.Empty(t, h.made(), "%v %s", d, name)
			}
		}
	}
}

// A Migrate that was rolled back has made nothing, so the next one makes the tables.
func TestMigrateAfterARollback(t *testing.T) {
	for _, d := range []sqlstore.Dialect{sqlstore.SQLite, sqlstore.PostgreSQL} {
		h := hold(d)
		h.exec["COMMIT"] = func() (driver.Result, error) {
			h.accounts, h.ledger, h.indexes = false, false, map[string]bool{}
			return nil, errWire
		}
		s := sqlstore.New(h.open(t), d)
		require.ErrorIs(t, s.Migrate(t.Context()), errWire)
		delete(h.exec, "COMMIT")
		require.NoError(t, s.Migrate(t.Context()))
	}
}

// An index that somebody has dropped is made again, alone, and nothing else is.
func TestMigrateMakesIndexesAgain(t *testing.T) {
	for _, d := range dialects() {
		for _, missing := range [][]string{{"state"}, {"due"}, {"state", "due"}} {
			h := hold(d)
			s := sqlstore.New(h.open(t), d)
			require.NoError(t, s.Migrate(t.Context()))
			for _, column := range missing {
				delete(h.indexes, column)
			}
			h.asked = nil
			require.NoError(t, s.Migrate(t.Context()), "%v %v", d, missing)
			require.Equal(t, map[string]bool{"state": true, "due": true}, h.indexes)
			require.Len(t, h.made(), len(missing), "%v", d)

			h.asked = nil
			require.NoError(t, s.Migrate(t.Context()))
			require.Empty(t, h.made())
		}
	}
}

// Where the indexes cannot be made, Migrate succeeds, since a program that does not start
// lets nobody sign in; the log names each one and the reason. The next Migrate tries again.
func TestMigrateCannotMakeIndexes(t *testing.T) {
	const state, due = "CREATE INDEX totpflow_accounts_state ON totpflow_accounts (state, tenant, user_id)", "CREATE INDEX totpflow_accounts_due ON totpflow_accounts (due, tenant, user_id)"
	for d, says := range words {
		for _, reason := range []error{says.denied, says.busy, errWire} {
			for _, c := range []struct {
				missing []string
				fails   string // the statement
				named   []string
			}{
				{[]string{"state"}, state, []string{state}},
				{[]string{"due"}, due, []string{due}},
				{[]string{"state", "due"}, state, []string{state, due}},
				{[]string{"state", "due"}, due, []string{due}}, // the other one is there, in this database without transactions
			} {
				h := hold(d)
				s := sqlstore.New(h.open(t), d)
				require.NoError(t, s.Migrate(t.Context()))
				for _, column := range c.missing {
					delete(h.indexes, column)
				}
				h.exec[c.fails] = func() (driver.Result, error) { return nil, reason }
				log := warned(t, func() { require.NoError(t, s.Migrate(t.Context()), d) })
				require.Contains(t, log, "level=WARN")
				require.Contains(t, log, reason.Error())
				for _, statement := range []string{state, due} {
					require.Equal(t, slices.Contains(c.named, statement), strings.Contains(log, statement), "%v %v: %s", d, c, log)
				}
				require.NoError(t, calls(s)["Get"](t.Context()), "the store works")

				delete(h.exec, c.fails)
				require.Empty(t, warned(t, func() { require.NoError(t, s.Migrate(t.Context()), d) }))
				require.True(t, h.indexes["state"] && h.indexes["due"])
			}
		}
	}
}

// An index that another process makes meanwhile is not missing.
func TestMigrateIndexMadeMeanwhile(t *testing.T) {
	for d, says := range words {
		h := hold(d)
		s := sqlstore.New(h.open(t), d)
		require.NoError(t, s.Migrate(t.Context()))
		delete(h.indexes, "due")
		h.exec["CREATE INDEX"] = func() (driver.Result, error) {
			h.indexes["due"] = true
			return nil, says.busy
		}
		require.Empty(t, warned(t, func() { require.NoError(t, s.Migrate(t.Context()), d) }))
	}
}

// warned returns what f logs.
func warned(t *testing.T, f func()) string {
	var log strings.Builder
	was := slog.Default()
	defer slog.SetDefault(was)
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	f()
	return log.String()
}
