package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/redisstore"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/tools/servers"
)

// A database is a store under test, with the bare statements on the same server.
type database struct {
	name    string
	open    func(*lab) (*opened, error)
	session float64         // goals
	signIn  map[int]float64 // by clients
	tail    map[int]time.Duration
}

// An opened is a store with one product and one person for each client.
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

// durable are the settings that package sqlstore documents.
const durable = "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate"

func openSQLite(l *lab) (*opened, error) {
	db, s, err := l.sqlite()
	if err != nil {
		return nil, err
	}
	return bareSQL(db, s, "?", "?", "?", "?", "?")
}

func openPostgreSQL(l *lab) (*opened, error) {
	db, err := l.postgres()
	if err != nil {
		return nil, err
	}
	return bareSQL(db, sqlstore.New(db, sqlstore.PostgreSQL), "$1", "$2", "$3", "$4", "$5")
}

// bareSQL returns prepared statements on rows of a table beside ours, with the same
// bytes: the cost for a program with hand-written SQL.
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

// postgres is a database with our schema on a server of its own.
func (l *lab) postgres() (*sql.DB, error) {
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
	return db, sqlstore.New(db, sqlstore.PostgreSQL).Migrate(context.Background())
}

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
			// A product for each, since the clock of one must not run ahead of another's.
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
