package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// many is the number of accounts in the works of administrators.
var many = 100_000

var operator = admin.Operator{Name: "benchmarks", Reason: "measuring"}

// A crowd is a SQLite database of one tenant with many accounts that have set up a
// factor.
type crowd struct {
	*product
	db      *sql.DB
	n       int
	persons []*person // the first ones
}

// crowd is made once: enrolled in memory, and written in one transaction.
func (l *lab) crowd(n int) (*crowd, error) {
	n = l.accounts(n)
	return once(l, fmt.Sprint("crowd ", n), func() (*crowd, error) {
		memory := store.NewMemory()
		// Without recovery codes: a set takes milliseconds to make.
		p, err := productWith(memory, nil, keyring.Generate(), policy.Fixed{Mode: policy.Required, Methods: policy.App})
		if err != nil {
			return nil, err
		}
		c := &crowd{n: n}
		for i := range n {
			h, err := p.enroll(i)
			if err != nil {
				return nil, err
			}
			if i < 16 {
				c.persons = append(c.persons, h)
			}
		}
		db, s, err := l.sqlite()
		if err != nil {
			return nil, err
		}
		if err := copyAll(db, memory, n); err != nil {
			return nil, err
		}
		c.db = db
		if c.product, err = productWith(s, nil, p.ring, nil); err != nil {
			return nil, err
		}
		for _, h := range c.persons {
			h.p = c.product
		}
		return c, nil
	})
}

// copyAll writes every record of the users of package lab into db.
func copyAll(db *sql.DB, from store.Store, n int) error {
	ctx := context.Background()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	insert, err := tx.PrepareContext(ctx, `INSERT INTO totpflow_accounts (tenant, user_id, version, state, updated, due, sealed) VALUES (?, ?, ?, ?, ?, NULL, ?)`)
	if err != nil {
		return err
	}
	defer insert.Close()
	var p product
	for i := range n {
		rec, err := from.Get(ctx, p.userOf(i).ID)
		if err != nil {
			return err
		}
		if _, err := insert.ExecContext(ctx, rec.ID.Tenant, rec.ID.User, rec.Version[:], rec.State, rec.Updated.UnixMicro(), rec.Sealed); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// administration are the works in which administrators and operators act on many
// accounts.
func administration() []work {
	ctx := context.Background()
	with := func(call func(c *crowd, a admin.Admin)) arm {
		return arm{"totpflow", func(l *lab) (calls, error) {
			c, err := l.crowd(many)
			if err != nil {
				return calls{}, err
			}
			a := admin.New(c.Service, nil)
			return calls{call: func(int) { call(c, a) }}, nil
		}}
	}
	return []work{
		{name: "Tally", variant: "SQLite", cpu: true, title: fmt.Sprintf("“N of M have set it up” of %d accounts", many), goal: within(200 * time.Millisecond), heavy: true,
			ours: with(func(c *crowd, a admin.Admin) {
				t, err := a.Tally(ctx, operator, store.Query{Tenant: "acme"})
				check(err)
				if t.Total != c.n {
					panic(t)
				}
			})},
		{name: "Frozen", variant: "SQLite", cpu: true, title: fmt.Sprintf("list state=frozen, of %d accounts", many), goal: within(5 * time.Millisecond),
			ours: with(func(c *crowd, a admin.Admin) {
				_, err := a.ListPage(ctx, operator, store.Query{Tenant: "acme", State: "frozen"})
				check(err)
			})},
		{name: "Page", variant: "SQLite", cpu: true, title: "a page of 1,000 members", goal: within(25 * time.Millisecond),
			ours: with(func(c *crowd, a admin.Admin) {
				page, err := a.ListPage(ctx, operator, store.Query{Tenant: "acme", Limit: 1000})
				check(err)
				if len(page.Members) != min(c.n, 1000) {
					panic(len(page.Members))
				}
			})},
		{name: "CSV", variant: "SQLite", cpu: true, title: fmt.Sprintf("%d members as CSV", many), goal: rate(many, 100_000/1.5), heavy: true,
			ours: with(func(c *crowd, a admin.Admin) {
				check(admin.WriteCSV(io.Discard, a.List(ctx, operator, store.Query{Tenant: "acme", Limit: store.MaxLimit}), nil))
			})},
		{name: "Reseal", variant: "nothing-stale", cpu: true, title: fmt.Sprintf("reseal %d accounts, nothing to do", many), goal: rate(many, 80_000), heavy: true,
			ours: with(func(c *crowd, a admin.Admin) { check(a.Reseal(ctx, operator, "", nil)) })},
		{name: "Reseal", variant: "all-stale", title: "reseal 2,000 accounts, all of them stale, SQLite", goal: rate(stale, 5_000), heavy: true,
			ours: arm{"totpflow", resealStale}},
		{name: "SignInBesideReseal", variant: "SQLite", clients: 4, title: "whole sign-in, 4 clients, beside a reseal on SQLite", goal: tail(10 * time.Millisecond),
			ours: arm{"totpflow", besideReseal}},
	}
}

// stale is the number of accounts that a reseal writes.
const stale = 2000

// resealing is a crowd whose ring gets a new key before each call.
type resealing struct {
	*crowd
	ring string
}

func newResealing(l *lab, n int) (*resealing, error) {
	c, err := l.crowd(n)
	return &resealing{c, c.product.ring}, err
}

func (r *resealing) rotate(int) {
	next, err := keyring.Rotate(r.ring)
	if err != nil { // full
		ring, err := keyring.Parse(r.ring)
		check(err)
		ids := ring.IDs()
		next, err = keyring.Retire(r.ring, ids[len(ids)-1])
		check(err)
		next, err = keyring.Rotate(next)
		check(err)
	}
	r.ring = next
	p, err := productWith(r.store, nil, next, nil)
	check(err)
	p.now.Store(r.product.now.Load())
	r.product = p
}

func (r *resealing) reseal(ctx context.Context) {
	err := admin.New(r.Service, nil).Reseal(ctx, operator, "", nil)
	if err != nil && !errors.Is(err, context.Canceled) {
		panic(err)
	}
}

func resealStale(l *lab) (calls, error) {
	r, err := newResealing(l, stale)
	return calls{before: r.rotate, call: func(int) { r.reseal(context.Background()) }}, err
}

// besideReseal signs in while a reseal of every account runs, again and again.
func besideReseal(l *lab) (calls, error) {
	r, err := newResealing(l, stale+1)
	if err != nil {
		return calls{}, err
	}
	var stop context.CancelFunc
	done := make(chan struct{})
	return calls{
		before: func(int) {
			var ctx context.Context
			ctx, stop = context.WithCancel(context.Background()) //nolint:gosec // the work that comes after calls stop
			r.rotate(0)
			for i, h := range r.persons {
				p, err := productWith(r.store, nil, r.ring, nil)
				check(err)
				p.now.Store(h.at)
				r.persons[i].p = p
			}
			go func() {
				defer func() { done <- struct{}{} }()
				for ctx.Err() == nil {
					r.reseal(ctx)
				}
			}()
		},
		after: func() { stop(); <-done },
		call: func(c int) {
			_, err := r.persons[c].signIn(context.Background())
			check(err)
		},
	}, nil
}

// sizes returns the numbers of accounts in the plot.
func sizes() []int { return []int{many / 100, many / 10, many} }

// overAccounts are calls whose cost should not depend on the number of accounts.
func overAccounts() (works []work) {
	ctx := context.Background()
	for _, n := range sizes() {
		with := func(call func(c *crowd)) arm {
			return arm{"totpflow", func(l *lab) (calls, error) {
				c, err := l.crowd(n)
				return calls{call: func(int) { call(c) }}, err
			}}
		}
		works = append(works,
			work{name: "SignInOver", variant: fmt.Sprint(n), title: "whole sign-in", ours: with(func(c *crowd) { _, err := c.persons[0].signIn(ctx); check(err) })},
			work{name: "SessionOver", variant: fmt.Sprint(n), title: "SessionValid", ours: with(func(c *crowd) { c.persons[0].valid() })},
			work{name: "PageOver", variant: fmt.Sprint(n), title: "a page of 100 members", ours: with(func(c *crowd) {
				_, err := admin.New(c.Service, nil).ListPage(ctx, operator, store.Query{Tenant: "acme"})
				check(err)
			})})
	}
	return works
}
