package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // "pgx"
	peerotp "github.com/pquerna/otp"
	peer "github.com/pquerna/otp/totp"
	"github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite" // "sqlite"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/redisstore"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/tools/servers"
)

// bareCheck is what most Go programs do for a second step, without store, queue and seal.
var bareCheck = always("pquerna", func() {
	opts := peer.ValidateOpts{Period: 30, Skew: 1, Digits: peerotp.DigitsSix, Algorithm: peerotp.AlgorithmSHA1}
	if ok, _ := peer.ValidateCustom("000000", secret, noon, opts); ok {
		panic("accepted")
	}
})

// inMemory are the flows over the store in memory: what the library itself costs.
func inMemory() []work {
	return []work{
		{name: "SignIn", variant: "memory", title: "SignIn, typical record, store in memory, against pquerna's bare check of a code", base: bareCheck, goal: slower(6),
			ours: arm{"totpflow", func(l *lab) (calls, error) {
				h, err := typicalPerson(store.NewMemory())
				return calls{call: func(int) {
					d, err := h.p.SignIn(context.Background(), h.user)
					check(err)
					if d.Step != totpflow.AskCode {
						panic(d.Step)
					}
				}}, err
			}}},
		{name: "VerifyCode", variant: "memory", title: "VerifyCode, the same", base: bareCheck, goal: slower(10),
			ours: arm{"totpflow", verifyOnly}},
		{name: "SessionValid", variant: "memory", title: "SessionValid, store in memory",
			ours: arm{"totpflow", func(l *lab) (calls, error) {
				h, err := typicalPerson(store.NewMemory())
				return calls{call: func(int) { h.valid() }}, err
			}}},
	}
}

func typicalPerson(s store.Store) (*person, error) {
	p, err := newProduct(s, nil)
	if err != nil {
		return nil, err
	}
	h, err := p.enroll(1)
	if err != nil {
		return nil, err
	}
	return h, h.typical()
}

func (h *person) valid() {
	ok, err := h.p.Account(h.user).SessionValid(context.Background(), h.mark)
	check(err)
	if !ok {
		panic("not valid")
	}
}

// verifyOnly verifies codes for challenges that were made before, each at the time at
// which it is answered: a challenge serves one success.
func verifyOnly(*lab) (calls, error) {
	h, err := typicalPerson(store.NewMemory())
	if err != nil {
		return calls{}, err
	}
	type answer struct {
		at        int64
		challenge totpflow.Challenge
		code      string
	}
	var answers []answer
	return calls{
		before: func(n int) {
			for range n {
				code := h.code()
				next, err := h.p.SignIn(context.Background(), h.user)
				check(err)
				answers = append(answers, answer{h.at, next.Challenge, code})
			}
		},
		call: func(int) {
			h.p.now.Store(answers[0].at)
			d, err := h.p.VerifyCode(context.Background(), answers[0].challenge, answers[0].code)
			check(err)
			if d.Step != totpflow.Passed {
				panic(d.Step)
			}
			answers = answers[1:]
		},
	}, nil
}

// A database is a store under test, with the bare statements on the same server.
type database struct {
	name    string
	open    func(*lab) (*opened, error)
	session float64         // goals
	signIn  map[int]float64 // by clients
	tail    map[int]time.Duration
}

// opened is a store with one product and one person for each client.
type opened struct {
	store   store.Store
	persons []*person
	get     func(client int) // reads the client's record, bare
	swap    func(client int) // writes it conditionally, bare
}

var databases = []database{
	{name: "SQLite", open: openSQLite, session: 0.8, signIn: map[int]float64{1: 0.85, 16: 1.2},
		tail: map[int]time.Duration{16: 15 * time.Millisecond, 64: 100 * time.Millisecond, 256: 400 * time.Millisecond}},
	{name: "PostgreSQL", open: openPostgreSQL, session: 0.8, signIn: map[int]float64{1: 0.85, 16: 0.85}},
	{name: "Redis", open: openRedis, signIn: map[int]float64{1: 0.85, 16: 0.85}},
}

const maxClients = 256

func (d database) opened(l *lab) (*opened, error) {
	return once(l, d.name, func() (*opened, error) {
		o, err := d.open(l)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.name, err)
		}
		first, err := newProduct(store.NewMemory(), nil)
		if err != nil {
			return nil, err
		}
		for i := range maxClients {
			// A product each, since the clock of one must not run away from another's.
			p, err := productWith(o.store, nil, first.ring, nil)
			if err != nil {
				return nil, err
			}
			if l.small && i >= 4 {
				break
			}
			h, err := p.enroll(i)
			if err != nil {
				return nil, err
			}
			for range 3 {
				if _, err := h.signIn(context.Background()); err != nil {
					return nil, err
				}
			}
			o.persons = append(o.persons, h)
		}
		return o, nil
	})
}

// onServers are whole sign-ins and looks at sessions, over databases that wait for
// their disk, against the bare statements of the same bytes with the same driver.
func onServers() (works []work) {
	for _, d := range databases {
		for _, clients := range []int{1, 16, 64, 256} {
			w := work{name: "WholeSignIn", variant: d.name, clients: clients, goal: goal{ratio: d.signIn[clients]},
				title: fmt.Sprintf("whole sign-in on %s, %s, against SELECT, SELECT, conditional UPDATE", d.name, plural(clients, "client")),
				ours:  d.arm("totpflow", func(o *opened, c int) { _, err := o.persons[c].signIn(context.Background()); check(err) }),
				base:  d.arm("bare", func(o *opened, c int) { o.get(c); o.get(c); o.swap(c) }),
			}
			if tail := d.tail[clients]; tail > 0 && w.goal.ratio == 0 {
				w.goal = goal{time: tail, p99: true}
			}
			works = append(works, w)
		}
		for _, clients := range []int{1, 16} {
			works = append(works, work{name: "Session", variant: d.name, clients: clients, goal: goal{ratio: d.session},
				title: fmt.Sprintf("SessionValid on %s, %s, against a bare SELECT", d.name, plural(clients, "client")),
				ours:  d.arm("totpflow", func(o *opened, c int) { o.persons[c].valid() }),
				base:  d.arm("bare", func(o *opened, c int) { o.get(c) }),
			})
		}
	}
	return works
}

func (d database) arm(name string, call func(o *opened, client int)) arm {
	return arm{name, func(l *lab) (calls, error) {
		o, err := d.opened(l)
		if err != nil {
			return calls{}, err
		}
		return calls{call: func(c int) { call(o, c%len(o.persons)) }}, nil
	}}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// durable are the settings that package sqlstore documents.
const durable = "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate"

func (l *lab) sqlite() (*sql.DB, *sqlstore.Store, error) {
	db, err := sql.Open("sqlite", "file:"+l.file()+durable)
	if err != nil {
		return nil, nil, err
	}
	l.closers = append(l.closers, db.Close)
	db.SetMaxOpenConns(8)
	s := sqlstore.New(db, sqlstore.SQLite)
	return db, s, s.Migrate(context.Background())
}

func openSQLite(l *lab) (*opened, error) {
	db, s, err := l.sqlite()
	if err != nil {
		return nil, err
	}
	return bareSQL(db, s, "?", "?", "?", "?", "?")
}

func openPostgreSQL(l *lab) (*opened, error) {
	server, err := servers.StartPostgreSQL()
	if err != nil {
		return nil, err
	}
	l.closers = append(l.closers, server.Close)
	db, err := sql.Open("pgx", server.DSN("postgres"))
	if err != nil {
		return nil, err
	}
	l.closers = append(l.closers, db.Close)
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	s := sqlstore.New(db, sqlstore.PostgreSQL)
	if err := s.Migrate(context.Background()); err != nil {
		return nil, err
	}
	return bareSQL(db, s, "$1", "$2", "$3", "$4", "$5")
}

// bareSQL are prepared statements on rows of a table beside ours, that have the same
// bytes: what a program that writes by hand would pay.
func bareSQL(db *sql.DB, s *sqlstore.Store, p1, p2, p3, p4, p5 string) (*opened, error) {
	ctx := context.Background()
	kind := "BLOB"
	if p1 == "$1" {
		kind = "bytea"
	}
	if _, err := db.ExecContext(ctx, `CREATE TABLE bare (tenant VARCHAR(190), id VARCHAR(190), version `+kind+`, sealed `+kind+`, PRIMARY KEY (tenant, id))`); err != nil {
		return nil, err
	}
	insert := fmt.Sprintf(`INSERT INTO bare VALUES (%s, %s, %s, %s)`, p1, p2, p3, p4)                                          //nolint:gosec // of placeholders only
	read, err := db.PrepareContext(ctx, fmt.Sprintf(`SELECT version, sealed FROM bare WHERE tenant = %s AND id = %s`, p1, p2)) //nolint:sqlclosecheck // the statements end with the database
	if err != nil {
		return nil, err
	}
	write, err := db.PrepareContext(ctx, fmt.Sprintf(`UPDATE bare SET version = %s, sealed = %s WHERE tenant = %s AND id = %s AND version = %s`, p1, p2, p3, p4, p5))
	if err != nil {
		return nil, err
	}
	o := &opened{store: s}
	var first sync.Once
	rows := make([]struct{ version, sealed []byte }, maxClients)
	ready := func() {
		for i := range maxClients {
			rec, err := s.Get(ctx, o.persons[i%len(o.persons)].user.ID)
			check(err)
			rows[i].version, rows[i].sealed = bytes.Clone(rec.Version[:]), rec.Sealed
			_, err = db.ExecContext(ctx, insert, "acme", strconv.Itoa(i), rec.Version[:], rec.Sealed)
			check(err)
		}
	}
	o.get = func(c int) {
		first.Do(ready)
		var version, sealed []byte
		check(read.QueryRowContext(ctx, "acme", strconv.Itoa(c)).Scan(&version, &sealed))
	}
	o.swap = func(c int) {
		first.Do(ready)
		v := store.NewVersion()
		res, err := write.ExecContext(ctx, v[:], rows[c].sealed, "acme", strconv.Itoa(c), rows[c].version)
		check(err)
		rows[c].version = v[:]
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			panic(fmt.Sprint(n, err))
		}
	}
	return o, nil
}

func openRedis(l *lab) (*opened, error) {
	server, err := servers.StartRedis()
	if err != nil {
		return nil, err
	}
	l.closers = append(l.closers, server.Close)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), PoolSize: 16, ReadTimeout: time.Minute, PoolTimeout: time.Minute})
	l.closers = append(l.closers, client.Close)
	ctx := context.Background()
	s := redisstore.New(client, redisstore.Options{})
	if err := s.Create(ctx); err != nil {
		return nil, err
	}
	o := &opened{store: s}
	swap := redis.NewScript(`if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'sealed', ARGV[3])
return 1`)
	var first sync.Once
	rows := make([]struct {
		version atomic.Pointer[string]
		sealed  string
	}, maxClients)
	key := func(c int) string { return "bare:" + strconv.Itoa(c) }
	ready := func() {
		for i := range maxClients {
			rec, err := s.Get(ctx, o.persons[i%len(o.persons)].user.ID)
			check(err)
			version := string(rec.Version[:])
			rows[i].version.Store(&version)
			rows[i].sealed = string(rec.Sealed)
			check(client.HSet(ctx, key(i), "version", version, "sealed", rows[i].sealed).Err())
		}
	}
	o.get = func(c int) {
		first.Do(ready)
		check(client.HMGet(ctx, key(c), "version", "sealed").Err())
	}
	o.swap = func(c int) {
		first.Do(ready)
		v := store.NewVersion()
		next := string(v[:])
		n, err := swap.EvalSha(ctx, client, []string{key(c)}, *rows[c].version.Load(), next, rows[c].sealed).Int()
		if redis.HasErrorPrefix(err, "NOSCRIPT") {
			n, err = swap.Eval(ctx, client, []string{key(c)}, *rows[c].version.Load(), next, rows[c].sealed).Int()
		}
		check(err)
		if n != 1 {
			panic("lost")
		}
		rows[c].version.Store(&next)
	}
	return o, nil
}

// hot are many guessers of one account, and notifiers that hang.
func hot() []work {
	return []work{
		{name: "HotAccount", variant: "memory", clients: 1, title: "sign-in of the owner while 256 guess at the account, store in memory", goal: goal{time: 15 * time.Millisecond, p50: true},
			ours: arm{"totpflow", hotAccount}},
		{name: "Notifier", variant: "hanging", clients: 16, title: "whole sign-in, 16 clients, with a notifier that hangs, against none", goal: goal{ratio: 0.9},
			ours: arm{"hanging", func(l *lab) (calls, error) {
				return notified(event.NotifierFunc(func(ctx context.Context, _ event.Notification) error { <-ctx.Done(); return ctx.Err() }))
			}},
			base: arm{"none", func(l *lab) (calls, error) { return notified(nil) }}},
	}
}

func notified(n event.Notifier) (calls, error) {
	s := store.NewMemory()
	first, err := newProduct(s, nil)
	if err != nil {
		return calls{}, err
	}
	var persons []*person
	for i := range 16 {
		p, err := productWith(s, n, first.ring, nil)
		if err != nil {
			return calls{}, err
		}
		h, err := p.enroll(i)
		if err != nil {
			return calls{}, err
		}
		persons = append(persons, h)
	}
	return calls{call: func(c int) { _, err := persons[c].signIn(context.Background()); check(err) }}, nil
}

// hotAccount is the owner's sign-in by two codes in a row while 256 others who know the
// password send one wrong code after the other.
func hotAccount(l *lab) (calls, error) {
	h, err := typicalPerson(store.NewMemory())
	if err != nil {
		return calls{}, err
	}
	guessers := 256
	if l.small {
		guessers = 4
	}
	ctx := context.Background()
	var running atomic.Bool
	var all sync.WaitGroup
	guess := func() {
		for running.Load() {
			next, err := h.p.SignIn(ctx, h.user)
			check(err)
			for err = nil; running.Load() && !errors.Is(err, totpflow.ErrChallenge); {
				_, err = h.p.VerifyCode(ctx, next.Challenge, "000000")
				runtime.Gosched() // as a request that has come over a network would have done
			}
		}
	}
	return calls{
		before: func(int) {
			running.Store(true)
			for range guessers {
				all.Go(guess)
			}
			time.Sleep(50 * time.Millisecond)
		},
		after: func() { running.Store(false); all.Wait() },
		call: func(int) {
			runtime.Gosched() // behind the guessers that have come before
			first, second := h.code(), h.code()
			next, err := h.p.SignIn(ctx, h.user)
			check(err)
			_, err = h.p.VerifyPair(ctx, next.Challenge, first, second)
			check(err)
		},
	}, nil
}
