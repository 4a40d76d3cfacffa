package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
)

// A size is what an account takes on a disk, with its indexes.
type size struct{ Title, Size, Goal, Mark string }

const tableSize = `SELECT pg_total_relation_size('totpflow_accounts')`

// updates is how often each account is written after it was created.
const updates = 5

// sizesOf measures databases of typical accounts, each of which was updated.
func sizesOf(l *lab) (sizes []size, err error) {
	h, err := typicalPerson(store.NewMemory())
	if err != nil {
		return nil, err
	}
	typical, err := h.p.store.Get(context.Background(), h.user.ID)
	if err != nil {
		return nil, err
	}
	lite, s, err := l.sqlite()
	if err != nil {
		return nil, err
	}
	server, err := l.postgres()
	if err != nil {
		return nil, err
	}
	vacuumed, err := l.postgres()
	if err != nil {
		return nil, err
	}
	n := l.accounts(5_000)
	for _, on := range []disk{
		{"SQLite", `SELECT page_count * page_size FROM pragma_page_count, pragma_page_size`, lite, s, 2_100, "",
			"a page of 4 KiB has room for two such rows"},
		{"PostgreSQL", tableSize, server, sqlstore.New(server, sqlstore.PostgreSQL), 4_000, "",
			"rows that were overwritten stay until the server vacuums, which it had no time for here (the next row)"},
		{"PostgreSQL with a VACUUM after each round, as autovacuum does", tableSize, vacuumed, sqlstore.New(vacuumed, sqlstore.PostgreSQL), 4_000, "VACUUM totpflow_accounts",
			"the table keeps the room of one more version of each row"},
	} {
		each, err := on.measure(typical, n)
		if err != nil {
			return nil, err
		}
		mark := "reached"
		if each > on.goal {
			mark = fmt.Sprintf("missed: %d bytes of it are the sealed record; %s", len(typical.Sealed), on.rest)
		}
		sizes = append(sizes, size{fmt.Sprintf("%s, %d typical accounts, each updated %d times", on.name, n, updates), fmt.Sprintf("%d bytes", each), fmt.Sprintf("≤ %d bytes", on.goal), mark})
	}
	return sizes, nil
}

// A disk is a database whose size is measured.
type disk struct {
	name, query string
	db          *sql.DB
	store       store.Store
	goal        int
	vacuum      string // a statement after each round of updates; may be empty
	rest        string // the reason for the other bytes
}

// measure returns the bytes that each of n accounts takes.
func (d disk) measure(typical store.Record, n int) (each int, err error) {
	before, err := integer(d.db, d.query)
	if err != nil {
		return 0, err
	}
	vacuum := func() error {
		if d.vacuum == "" {
			return nil
		}
		_, err := d.db.ExecContext(context.Background(), d.vacuum)
		return err
	}
	if err := writeAll(d.store, typical, n, vacuum); err != nil {
		return 0, err
	}
	after, err := integer(d.db, d.query)
	return (after - before) / n, err
}

func integer(db *sql.DB, query string) (n int, err error) {
	err = db.QueryRowContext(context.Background(), query).Scan(&n)
	return n, err
}

// writeAll creates n accounts with the bytes of one, which are never opened, and updates all of them, round by round.
func writeAll(s store.Store, of store.Record, n int, after func() error) error {
	versions := make([]store.Version, n)
	for range 1 + updates {
		if err := errors.Join(writeRound(s, of, versions), after()); err != nil {
			return err
		}
	}
	return nil
}

func writeRound(s store.Store, of store.Record, versions []store.Version) error {
	const writers = 8
	failed := make([]error, writers)
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := w; i < len(versions) && failed[w] == nil; i += writers {
				rec := of
				rec.ID, rec.Version = store.AccountID{Tenant: "sizes", User: fmt.Sprintf("user-%07d", i)}, store.NewVersion()
				failed[w] = s.Put(context.Background(), rec, versions[i])
				versions[i] = rec.Version
			}
		})
	}
	all.Wait()
	return errors.Join(failed...)
}
