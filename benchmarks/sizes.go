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
	n := l.accounts(5_000)
	for _, on := range []struct {
		name, query string
		db          *sql.DB
		store       store.Store
		goal        int
		rest        string // what the other bytes are
	}{
		{"SQLite", `SELECT page_count * page_size FROM pragma_page_count, pragma_page_size`, lite, s, 2_100,
			"a page of 4 KiB has room for two such rows"},
		{"PostgreSQL", `SELECT pg_total_relation_size('totpflow_accounts')`, server, sqlstore.New(server, sqlstore.PostgreSQL), 4_000,
			"rows that were overwritten stay until the server vacuums, which it had no time for here"},
	} {
		before, err := integer(on.db, on.query)
		if err != nil {
			return nil, err
		}
		if err := writeAll(on.store, typical, n); err != nil {
			return nil, err
		}
		after, err := integer(on.db, on.query)
		if err != nil {
			return nil, err
		}
		each, mark := (after-before)/n, "reached"
		if each > on.goal {
			mark = fmt.Sprintf("missed: %d bytes of it are the sealed record; %s", len(typical.Sealed), on.rest)
		}
		sizes = append(sizes, size{fmt.Sprintf("%s, %d typical accounts, each updated %d times", on.name, n, updates), fmt.Sprintf("%d bytes", each), fmt.Sprintf("≤ %d bytes", on.goal), mark})
	}
	return sizes, nil
}

func integer(db *sql.DB, query string) (n int, err error) {
	err = db.QueryRowContext(context.Background(), query).Scan(&n)
	return n, err
}

// writeAll creates and updates n accounts with the bytes of one, which are never opened.
func writeAll(s store.Store, of store.Record, n int) error {
	const writers = 8
	failed := make([]error, writers)
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := w; i < n && failed[w] == nil; i += writers {
				rec := of
				rec.ID = store.AccountID{Tenant: "sizes", User: fmt.Sprintf("user-%07d", i)}
				was := store.Version{}
				for range 1 + updates {
					rec.Version = store.NewVersion()
					if failed[w] = s.Put(context.Background(), rec, was); failed[w] != nil {
						return
					}
					was = rec.Version
				}
			}
		})
	}
	all.Wait()
	return errors.Join(failed...)
}
