package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/totpflow/totpflow/store"
)

// Check checks that the server keeps acknowledged writes, and that this is the store's
// database. A program calls it when it starts, and must not continue if it fails. A
// quarantine is not a failure: the operations report it.
//
// It returns [ErrNotDurable], [ErrReplica], [ErrCluster], [ErrNotCreated],
// [ErrFormat] or [ErrOptions], or [store.ErrUnavailable] wrapping the
// client's error. The server may change later, by a failover or by CONFIG SET.
// After a failover the new server is checked in the same way before the store answers; a
// CONFIG SET goes unnoticed.
func (s *Store) Check(ctx context.Context) error {
	err := s.open(ctx, adoptScript)
	var quarantine *QuarantineError
	if errors.As(err, &quarantine) {
		return nil
	}
	return err
}

// Create makes the store in a database that has none, after the checks of [Store.Check].
// Call it once in the life of a database, during its setup, and never when the product
// starts: a database that has come up empty must be noticed ([ErrNotCreated]).
//
// It returns [ErrExists] if there is a store, [ErrLost] if there are accounts without
// one, and otherwise Check's errors.
func (s *Store) Create(ctx context.Context) error { return s.open(ctx, createScript) }

// Release ends a quarantine before its time. It is for an operator who knows that no
// acknowledged write is missing: a server with [Always] was restarted on its own files,
// or a coordinated FAILOVER took place. A program that calls it automatically makes every
// accepted code valid a second time.
//
// Errors are those of [Store.Check].
func (s *Store) Release(ctx context.Context) error { return s.open(ctx, releaseScript) }

// open is take for the exported methods.
func (s *Store) open(ctx context.Context, sc script) error {
	if s.fault != nil {
		return s.fault
	}
	_, err := prompt(ctx, &s.fuse, func() (struct{}, error) { return struct{}{}, s.take(ctx, sc) })
	if err == nil {
		return nil
	}
	for _, own := range []error{
		ErrNotDurable, ErrReplica, ErrCluster, ErrNotCreated, ErrExists, ErrFormat, ErrLost, store.ErrUnavailable,
	} {
		if errors.Is(err, own) {
			return err
		}
	}
	return fmt.Errorf("%w: check: %w", store.ErrUnavailable, err)
}

// take checks the server's settings, and then runs a script that may make it the store's
// server, if it is still the same one.
func (s *Store) take(ctx context.Context, sc script) error {
	run, err := s.inspect(ctx)
	if err != nil {
		return err
	}
	now := s.options.Now()
	_, err = s.run(ctx, sc, s.keys(), now.UnixMilli(), now.Add(s.options.Quarantine).UnixMilli(), run)
	return err
}

// inspect returns the server's run_id, or the reason why the server is unsuitable. It
// asks everything on one connection, and so of one server.
func (s *Store) inspect(ctx context.Context) (run string, err error) {
	pipe := s.client.Pipeline()
	answer := pipe.Info(ctx)
	settings := make(map[string]*redis.MapStringStringCmd)
	if s.options.Durability != Vouched {
		for _, name := range []string{"appendonly", "appendfsync", "no-appendfsync-on-rewrite", "repl-backlog-ttl"} {
			settings[name] = pipe.ConfigGet(ctx, name)
		}
	}
	_, failed := pipe.Exec(ctx) // each command has its error, unless none was sent
	switch {
	case answer.Err() != nil:
		return "", answer.Err()
	case answer.Val() == "" && failed != nil: // such as a wrong password
		return "", failed
	}
	info := fields(answer.Val())
	switch {
	case info["run_id"] == "" || info["master_replid2"] == "":
		return "", errors.New("redisstore: INFO does not say which server this is")
	case info["cluster_enabled"] == "1":
		return "", ErrCluster
	case info["role"] != "master":
		return "", ErrReplica
	case info["maxmemory_policy"] != "noeviction":
		return "", fmt.Errorf("%w: maxmemory-policy is %s, which throws records away when memory is full; set noeviction",
			ErrNotDurable, info["maxmemory_policy"])
	}
	values := make(map[string]string)
	for name, setting := range settings {
		if err := setting.Err(); err != nil {
			return "", fmt.Errorf("CONFIG GET failed, and only a store with Durability Vouched can do without it: %w", err)
		}
		values[name] = setting.Val()[name]
	}
	if s.options.Durability == Vouched {
		return info["run_id"], nil
	}
	return info["run_id"], s.options.durable(values)
}

// durable refuses settings under which an acknowledged write may be lost.
func (o Options) durable(values map[string]string) error {
	refuse := func(name, why string) error {
		return fmt.Errorf("%w: %s is %s%s", ErrNotDurable, name, values[name], why)
	}
	fsync := values["appendfsync"]
	switch {
	case values["appendonly"] != "yes":
		return refuse("appendonly", "; set yes")
	case fsync != "always" && (fsync != "everysec" || o.Durability != EverySecond):
		return refuse("appendfsync", "; set always")
	case values["no-appendfsync-on-rewrite"] != "no" && o.Durability != EverySecond:
		return refuse("no-appendfsync-on-rewrite", "; set no")
	}
	// A server that was a replica for a while, and is promoted again, shows it
	// by the second replication id, which it forgets after this time.
	ttl, err := strconv.ParseInt(values["repl-backlog-ttl"], 10, 64)
	if err != nil || ttl != 0 && ttl < int64((o.Quarantine+time.Second-1)/time.Second) {
		return refuse("repl-backlog-ttl", fmt.Sprintf(" seconds, after which a server forgets that it was a replica; set 0, or %.0f and more", o.Quarantine.Seconds()))
	}
	return nil
}

// fields reads the lines of INFO.
func fields(info string) map[string]string {
	all := make(map[string]string)
	for line := range strings.Lines(info) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			all[name] = value
		}
	}
	return all
}
