package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
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

// crowd is made once for each number.
func (l *lab) crowd(n int) (*crowd, error) {
	return once(l, fmt.Sprint("crowd ", n), func() (*crowd, error) { return l.newCrowd(l.accounts(n)) })
}

// newCrowd enrolls in memory, and writes all of it in one transaction.
func (l *lab) newCrowd(n int) (*crowd, error) {
	memory := store.NewMemory()
	// Without recovery codes, of which each set takes milliseconds to make.
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
}

// enrolled is how many accounts of a filled crowd have enrolled, and frozen how many of
// them are frozen, the last ones.
const (
	enrolled = 1_000
	frozen   = 20
)

// filled is a crowd of which only the first ones have enrolled. The others are the bytes
// of the first one under other ids: nothing that is measured opens them.
func (l *lab) filled(n int) (*crowd, error) {
	return once(l, fmt.Sprint("filled ", n), func() (*crowd, error) {
		c, err := l.newCrowd(l.accounts(enrolled))
		if err != nil {
			return nil, err
		}
		for i := c.n - frozen; i < c.n; i++ {
			id := c.userOf(i).ID
			token := c.NewDisownToken(event.Event{Tenant: id.Tenant, User: id.User, At: c.clock(), Number: 1, Kind: event.EnrollmentConfirmed})
			if _, err := c.Disown(context.Background(), token); err != nil {
				return nil, err
			}
		}
		others := l.accounts(n)
		_, err = c.db.ExecContext(context.Background(), `WITH RECURSIVE other (i) AS (SELECT ? UNION ALL SELECT i + 1 FROM other WHERE i + 1 < ?)
INSERT INTO totpflow_accounts (tenant, user_id, version, state, updated, due, sealed)
SELECT tenant, printf('user-%07d', i), randomblob(16), state, updated, due, sealed FROM other, totpflow_accounts
WHERE i < ? AND tenant = 'acme' AND user_id = 'user-0000000'`, c.n, others, others)
		c.n = max(c.n, others)
		return c, err
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
		{name: "Frozen", variant: "SQLite", cpu: true, title: fmt.Sprintf("list state=frozen, %d of %d accounts", frozen, million), goal: within(5 * time.Millisecond),
			ours: arm{"totpflow", func(l *lab) (calls, error) {
				c, err := l.filled(million)
				if err != nil {
					return calls{}, err
				}
				return calls{call: func(int) {
					page, err := admin.New(c.Service, nil).ListPage(ctx, operator, store.Query{Tenant: "acme", State: "frozen"})
					check(err)
					if len(page.Members) != frozen {
						panic(len(page.Members))
					}
				}}, nil
			}}},
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
		{name: "Reseal", variant: "all-stale", title: "reseal 2,000 accounts, all of them stale, on SQLite, against SELECT and conditional UPDATE", goal: rate(stale, 5_000), heavy: true,
			ours: arm{"totpflow", resealStale}, base: arm{"bare", bareReseal}},
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

// bareReseal reads and writes as many rows by bare statements.
func bareReseal(l *lab) (calls, error) {
	o, err := databases[0].opened(l)
	return calls{call: func(int) {
		for i := range stale {
			o.get(i % maxClients)
			o.swap(i % maxClients)
		}
	}}, err
}

// besideReseal signs in while one reseal after the other writes every account.
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
				// The clocks of the persons run fast. To one that is behind them, what they
				// have just been granted would be of the future, and it would take it away.
				r.product.now.Store(max(r.product.now.Load(), h.at+int64(10*24*time.Hour/time.Second)))
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

// million is how many accounts the largest database has.
const million = 1_000_000

// overAccounts are calls whose cost should not depend on the number of accounts.
func overAccounts() (works []work) {
	ctx := context.Background()
	for _, on := range []struct {
		name, title string
		call        func(c *crowd)
	}{
		{"SignIn", "whole sign-in", func(c *crowd) { _, err := c.persons[0].signIn(ctx); check(err) }},
		{"SessionValid", "SessionValid", func(c *crowd) { c.persons[0].valid() }},
		{"Page", "a page of 100 members", func(c *crowd) {
			_, err := admin.New(c.Service, nil).ListPage(ctx, operator, store.Query{Tenant: "acme"})
			check(err)
		}},
	} {
		over := func(name string, n int) arm {
			return arm{name, func(l *lab) (calls, error) {
				c, err := l.filled(n)
				return calls{call: func(int) { on.call(c) }}, err
			}}
		}
		for _, n := range []int{enrolled, million / 10, million} {
			w := work{name: "OverAccounts", variant: fmt.Sprint(on.name, "-", n), title: on.title, accounts: n, ours: over("totpflow", n)}
			if n == million {
				w.base, w.goal = over("few", enrolled), goal{ratio: 1 / 1.1}
			}
			works = append(works, w)
		}
	}
	return works
}
