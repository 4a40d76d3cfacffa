package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
)

// The versions are drawn before any test: in FIPS 140-3 mode crypto/rand may gather
// entropy from the clock at any draw, and panics where synctest has stopped it.
var (
	alice         = store.AccountID{Tenant: "acme", User: "alice"}
	before, after = store.NewVersion(), store.NewVersion()
	errWire       = errors.New("connection reset")
)

func record() store.Record {
	return store.Record{ID: alice, Version: after, State: "active"}
}

func TestNoDialect(t *testing.T) {
	s := sqlstore.New(new(fake).open(t), sqlstore.Dialect{})
	_, err := s.Get(t.Context(), alice)
	require.ErrorIs(t, err, sqlstore.ErrDialect)
	require.ErrorIs(t, s.Put(t.Context(), record(), store.Version{}), sqlstore.ErrDialect)
	require.ErrorIs(t, s.Delete(t.Context(), alice, before), sqlstore.ErrDialect)
	_, err = s.List(t.Context(), store.Query{})
	require.ErrorIs(t, err, sqlstore.ErrDialect)
	require.ErrorIs(t, s.Migrate(t.Context()), sqlstore.ErrDialect)
	require.Equal(t, "none", sqlstore.Dialect{}.String())
	require.Equal(t, "SQLite", sqlstore.SQLite.String())
	require.Equal(t, "PostgreSQL", sqlstore.PostgreSQL.String())
	require.Equal(t, "MySQL", sqlstore.MySQL.String())
}

// A statement without an error has not necessarily written: only one changed row says so.
func TestOnlyOneRowIsSuccess(t *testing.T) {
	cases := []struct {
		name   string
		answer func() (driver.Result, error)
		want   error // nil: any error but ErrConflict
	}{
		{"no row", func() (driver.Result, error) { return driver.RowsAffected(0), nil }, store.ErrConflict},
		{"two rows", func() (driver.Result, error) { return driver.RowsAffected(2), nil }, nil},
		{"a driver that cannot count", func() (driver.Result, error) { return driver.ResultNoRows, nil }, nil},
		{"failed", func() (driver.Result, error) { return nil, errWire }, errWire},
	}
	require.NotEmpty(t, cases)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := &fake{exec: map[string]func() (driver.Result, error){"INSERT": c.answer, "UPDATE": c.answer, "DELETE": c.answer}}
			s := sqlstore.New(f.open(t), sqlstore.SQLite)
			for _, err := range []error{
				s.Put(t.Context(), record(), store.Version{}),
				s.Put(t.Context(), record(), before),
				s.Delete(t.Context(), alice, before),
			} {
				require.Error(t, err)
				if c.want != nil {
					require.ErrorIs(t, err, c.want)
				} else {
					require.NotErrorIs(t, err, store.ErrConflict, "the outcome is open")
				}
			}
			require.Len(t, f.asked, 3, "an adapter never repeats a write")
		})
	}
}

// Raw errors come through, and none of them reads as "never enrolled".
func TestGetErrors(t *testing.T) {
	row := []driver.Value{"acme", "alice", []byte("only fifteen..."), "active", int64(0), nil, []byte("x")}
	for name, answer := range map[string]func() (driver.Rows, error){
		"connection":       func() (driver.Rows, error) { return nil, errWire },
		"broken off":       func() (driver.Rows, error) { return &fakeRows{columns: 7, end: errWire}, nil },
		"malformed":        func() (driver.Rows, error) { return &fakeRows{columns: 7, rows: [][]driver.Value{row}}, nil },
		"another's schema": func() (driver.Rows, error) { return &fakeRows{columns: 2, rows: [][]driver.Value{row[:2]}}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{query: map[string]func() (driver.Rows, error){"SELECT tenant": answer}}
			_, err := sqlstore.New(f.open(t), sqlstore.SQLite).Get(t.Context(), alice)
			require.Error(t, err)
			require.NotErrorIs(t, err, store.ErrNotFound)
		})
	}
}

// A list that broke off must not pass for a short one: a caller that resets or counts by
// it would miss people.
func TestListBrokenOff(t *testing.T) {
	f := &fake{query: map[string]func() (driver.Rows, error){"SELECT tenant": func() (driver.Rows, error) {
		return &fakeRows{columns: 7, rows: [][]driver.Value{{"acme", "alice", after[:], "active", int64(0), nil, []byte("x")}}, end: errWire}, nil
	}}}
	page, err := sqlstore.New(f.open(t), sqlstore.SQLite).List(t.Context(), store.Query{Tenant: "acme"})
	require.ErrorIs(t, err, errWire)
	require.Empty(t, page)
}

// Nor must one in which a row is not of this schema: a person would be left out. A damaged
// record leaves nobody out: it has its id alone in a list by id, is in no list by state or
// due time, and the list goes on behind it.
func TestListRowThatCannotBeRead(t *testing.T) {
	ben := store.AccountID{Tenant: "acme", User: "ben"}
	whole := []driver.Value{"acme", "alice", after[:], "active", int64(0), int64(4), []byte("x")}
	for _, c := range []struct {
		column  int
		bad     driver.Value
		damaged bool
	}{
		{1, "", false}, {4, "yesterday", false}, {5, "soon", false},
		{2, []byte("short"), true}, {2, make([]byte, 16), true}, {3, strings.Repeat("s", store.MaxState+1), true},
		{4, int64(math.MaxInt64), true}, {6, make([]byte, store.MaxSealed+1), true},
	} {
		row := append([]driver.Value{}, whole...)
		row[1], row[5] = "ben", int64(5)
		row[c.column] = c.bad
		f := &fake{query: map[string]func() (driver.Rows, error){"SELECT tenant": func() (driver.Rows, error) {
			return &fakeRows{columns: 7, rows: [][]driver.Value{whole, row, whole}}, nil
		}}}
		s := sqlstore.New(f.open(t), sqlstore.SQLite)
		for _, q := range []store.Query{{Tenant: "acme"}, {Tenant: "acme", State: "active"}, {AllTenants: true, DueBefore: time.UnixMilli(9)}} {
			q.Limit = 2
			page, err := s.List(t.Context(), q)
			if !c.damaged {
				require.Error(t, err, "column %d", c.column)
				require.Empty(t, page)
				continue
			}
			require.NoError(t, err, "column %d", c.column)
			require.Equal(t, alice, page.Records[0].ID)
			if q.Selects(store.Record{ID: ben}) {
				require.Equal(t, []store.Record{{ID: ben}}, page.Records[1:])
			} else {
				require.Len(t, page.Records, 1)
			}
			require.Equal(t, q.Place(store.Record{ID: ben, Due: time.UnixMilli(5)}).Cursor(), page.Next)
			q.Cursor = page.Next
			_, _, err = q.Start()
			require.NoError(t, err)
		}
	}
}

// healthy answers the questions of Migrate as an empty SQLite file does.
func healthy() *fake {
	f := &fake{query: map[string]func() (driver.Rows, error){
		"PRAGMA busy_timeout":  value(int64(5000)),
		"PRAGMA synchronous":   value(int64(2)),
		"PRAGMA journal_mode":  value("wal"),
		"PRAGMA database_list": row(int64(0), "main", ""),
	}}
	f.query["SELECT count(*)"] = newborn(f)
	return f
}

// Writers that do not wait for each other would refuse most people who sign in at once.
func TestMigrateRefusesWritersThatDoNotWait(t *testing.T) {
	f := healthy()
	f.query["PRAGMA busy_timeout"] = value(int64(0))
	require.ErrorIs(t, sqlstore.New(f.open(t), sqlstore.SQLite).Migrate(t.Context()), sqlstore.ErrBusyTimeout)
	require.False(t, slices.Contains(f.asked, "BEGIN IMMEDIATE"), "refused before anything is written")
}

func TestMigrateRefusesWhatIsNotDurable(t *testing.T) {
	cases := []struct {
		level   int64
		journal string
		ok      bool
	}{
		{0, "wal", false}, {1, "wal", false}, {2, "wal", true}, {3, "wal", true},
		{3, "delete", true}, {3, "truncate", true}, {3, "persist", true}, {2, "delete", false}, {1, "delete", false},
		{2, "memory", false}, {3, "off", false},
	}
	require.NotEmpty(t, cases)
	for _, c := range cases {
		f := healthy()
		f.query["PRAGMA synchronous"] = value(c.level)
		f.query["PRAGMA journal_mode"] = value(c.journal)
		err := sqlstore.New(f.open(t), sqlstore.SQLite).Migrate(t.Context())
		if c.ok {
			require.NoError(t, err, "%+v", c)
			require.Contains(t, f.asked, "BEGIN IMMEDIATE", "one at a time from the first look on")
			continue
		}
		require.ErrorIs(t, err, sqlstore.ErrNotDurable, "%+v", c)
		require.False(t, slices.Contains(f.asked, "BEGIN IMMEDIATE"), "refused before anything is written")
	}
}

// A step that fails rolls all of them back, and a connection that may still be inside the
// transaction does not go back to the pool.
func TestMigrateFails(t *testing.T) {
	fail := func() (driver.Result, error) { return nil, errWire }
	for _, at := range []string{"BEGIN", "-- +goose Up", "CREATE INDEX", "-- The numbers of", "INSERT INTO totpflow_schema", "COMMIT"} {
		for _, rollback := range []bool{true, false} {
			f := healthy()
			f.exec = map[string]func() (driver.Result, error){at: fail}
			if !rollback {
				f.exec["ROLLBACK"] = fail
			}
			err := sqlstore.New(f.open(t), sqlstore.SQLite).Migrate(t.Context())
			require.ErrorIs(t, err, store.ErrUnavailable, at)
			require.ErrorIs(t, err, errWire, at)
			require.Equal(t, "ROLLBACK", f.asked[len(f.asked)-1], at)
			want := 1
			if rollback {
				want = 0
			}
			require.Equal(t, want, f.closed, "%s: connections thrown away", at)
		}
	}
}

// Processes that start together meet: the second one waits, and its wait ends with its
// context. The clock is the test's, so nobody waits for real.
func TestMigrateWaitsWhileBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := errors.New("database is locked (5) (SQLITE_BUSY)")
		tries := 0
		f := healthy()
		f.exec = map[string]func() (driver.Result, error){"BEGIN": func() (driver.Result, error) {
			if tries++; tries <= 5 {
				return nil, busy
			}
			return driver.RowsAffected(0), nil
		}}
		db := sql.OpenDB(f)
		defer db.Close()
		s := sqlstore.New(db, sqlstore.SQLite)
		require.NoError(t, s.Migrate(t.Context()))
		require.Equal(t, 6, tries)

		tries = -1000000 // for ever
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := s.Migrate(ctx)
		require.ErrorIs(t, err, store.ErrUnavailable)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, busy)

		began := time.Now()
		err = s.Migrate(t.Context())
		require.ErrorIs(t, err, store.ErrUnavailable)
		require.ErrorIs(t, err, busy)
		require.Less(t, time.Since(began), time.Minute)
	})
}

// A driver that ignores the context's end (SQLite, waiting for a lock) does not hold up
// the caller; and the driver then still reads a copy of its own.
func TestReturnsWhenTheContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deaf := make(chan struct{})
		f := &fake{
			exec: map[string]func() (driver.Result, error){"": func() (driver.Result, error) { <-deaf; return driver.RowsAffected(1), nil }},
			query: map[string]func() (driver.Rows, error){"": func() (driver.Rows, error) {
				<-deaf
				return &fakeRows{columns: 7}, nil
			}},
		}
		db := sql.OpenDB(f)
		defer db.Close()
		s := sqlstore.New(db, sqlstore.SQLite)
		for name, call := range map[string]func(context.Context) error{
			"Get":     func(ctx context.Context) error { _, err := s.Get(ctx, alice); return err },
			"Put":     func(ctx context.Context) error { return s.Put(ctx, record(), store.Version{}) },
			"Delete":  func(ctx context.Context) error { return s.Delete(ctx, alice, before) },
			"List":    func(ctx context.Context) error { _, err := s.List(ctx, store.Query{}); return err },
			"Migrate": s.Migrate,
		} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			began := time.Now()
			require.ErrorIs(t, call(ctx), context.DeadlineExceeded, name)
			require.Equal(t, time.Second, time.Since(began), name)
			cancel()
		}
		s = sqlstore.New(db, sqlstore.SQLite) // a store whose line is empty
		rec := record()
		rec.Sealed = []byte("mine")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, s.Put(ctx, rec, store.Version{}), context.DeadlineExceeded)
		copy(rec.Sealed, "XXXX")
		require.Equal(t, []byte("mine"), f.last()[6].Value, "the driver still reads it")

		close(deaf)
		synctest.Wait()
		require.Zero(t, db.Stats().InUse, "every connection has come back")
	})
}
