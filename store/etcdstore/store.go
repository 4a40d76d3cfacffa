package etcdstore

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/totpflow/totpflow/store"
)

// Errors of [Store.Check]. Without space reads continue; in a corrupt cluster nothing
// does. Operators must fix both.
var (
	ErrNoSpace = errors.New("etcdstore: the database has reached its quota")
	ErrCorrupt = errors.New("etcdstore: members of the cluster disagree about its data")
)

// ErrPrefix means that the prefix that [New] was given contains a control character.
var ErrPrefix = errors.New("etcdstore: invalid prefix")

// Store is a [store.Store] in an etcd cluster. It is safe for concurrent use by
// goroutines and, on the same cluster, by processes. It keeps nothing in memory,
// and its errors are the client's unless the contract names another.
type Store struct {
	client *clientv3.Client
	prefix string // the beginning of every key
	fault  error  // the error of an invalid prefix
}

var _ store.Store = (*Store)(nil)

// New returns a Store whose keys begin with prefix, "totpflow/" if that is empty, and
// must not be used by others. Stores with different prefixes are separate, even if one
// prefix begins with the other. With a control character in prefix, every method returns
// [ErrPrefix]. The caller configures and closes client; it should know all members.
//
// New does not contact the cluster.
func New(client *clientv3.Client, prefix string) *Store {
	s := &Store{client: client, prefix: cmp.Or(prefix, "totpflow/")}
	if strings.ContainsFunc(prefix, unicode.IsControl) {
		s.fault = ErrPrefix
	}
	return s
}

// Check checks that a majority of the members answers, and that the cluster accepts
// writes. A program calls it when it starts; it is not protection, since every operation
// asks the majority itself.
//
// It returns [ErrNoSpace], [ErrCorrupt] or [ErrPrefix], or [store.ErrUnavailable] wrapping the
// client's error.
func (s *Store) Check(ctx context.Context) error {
	if s.fault != nil {
		return s.fault
	}
	alarms, err := s.client.AlarmList(ctx)
	if err != nil {
		return fmt.Errorf("%w: check: %w", store.ErrUnavailable, err)
	}
	for _, alarm := range alarms.Alarms {
		switch alarm.Alarm {
		case etcdserverpb.AlarmType_NOSPACE:
			return ErrNoSpace
		case etcdserverpb.AlarmType_CORRUPT:
			return ErrCorrupt
		}
	}
	if _, err := s.client.Get(clientv3.WithRequireLeader(ctx), s.prefix, clientv3.WithCountOnly()); err != nil {
		return fmt.Errorf("%w: check: %w", store.ErrUnavailable, err)
	}
	return nil
}

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, id store.AccountID) (store.Record, error) {
	if err := id.Validate(); err != nil {
		return store.Record{}, err
	}
	found, err := s.read(ctx, s.key(id))
	switch {
	case err != nil:
		return store.Record{}, err
	case len(found.Kvs) == 0:
		return store.Record{}, store.ErrNotFound
	}
	return decode(id, found.Kvs[0].Value)
}

// Put implements [store.Store].
func (s *Store) Put(ctx context.Context, rec store.Record, was store.Version) error {
	if err := store.CheckPut(rec, was); err != nil {
		return err
	}
	key, value := s.key(rec.ID), encode(rec)
	return s.swap(ctx, rec.ID, was, func(old time.Time) []clientv3.Op {
		then := []clientv3.Op{clientv3.OpPut(key, value)}
		entry, before := s.entry(rec.ID, rec.Due), s.entry(rec.ID, old)
		if entry != "" && entry != before {
			then = append(then, clientv3.OpPut(entry, ""))
		}
		if before != "" && entry != before {
			then = append(then, clientv3.OpDelete(before))
		}
		return then
	})
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, id store.AccountID, was store.Version) error {
	if err := id.Validate(); err != nil {
		return err
	}
	if was.IsZero() { // nothing is stored under the zero version, so the server need not be asked
		return cmp.Or(s.fault, ctx.Err(), store.ErrConflict)
	}
	return s.swap(ctx, id, was, func(old time.Time) []clientv3.Op {
		then := []clientv3.Op{clientv3.OpDelete(s.key(id))}
		if before := s.entry(id, old); before != "" {
			then = append(then, clientv3.OpDelete(before))
		}
		return then
	})
}

// entry returns the key of a record's entry by due time, empty where it has none.
func (s *Store) entry(id store.AccountID, due time.Time) string {
	if due.UnixMilli() == never {
		return ""
	}
	return s.dueKey(store.Place{ID: id, Due: due})
}

// read asks for a key or a range, linearizably.
func (s *Store) read(ctx context.Context, key string, opts ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	if s.fault != nil {
		return nil, s.fault
	}
	if err := ctx.Err(); err != nil { // before which the client may be done
		return nil, err
	}
	return s.client.Get(clientv3.WithRequireLeader(ctx), key, opts...)
}

// swap writes if the record's version is still was. It is the only place that
// distinguishes a won race from a lost one.
//
// The entry by due time is written in the same transaction, and the old one removed, for
// which the old due time must be known. It is part of the comparison: most records have
// none, and for a record that has one, the transaction returns it instead of writing. A
// version never comes with two due times, so the second transaction is the last.
func (s *Store) swap(ctx context.Context, id store.AccountID, was store.Version, then func(old time.Time) []clientv3.Op) error {
	key, old := s.key(id), time.Time{}
	for range 2 {
		when := stored(key, begin(was, old))
		if was.IsZero() {
			when = absent(key)
		}
		done, err := s.try(ctx, when, then(old), key)
		if err != nil || done.Succeeded {
			return err
		}
		found := done.Responses[0].GetResponseRange().Kvs
		if was.IsZero() || len(found) == 0 || !bytes.HasPrefix(found[0].Value, was[:]) {
			return store.ErrConflict
		}
		rec, err := decode(id, found[0].Value)
		if err != nil {
			return err
		}
		old = rec.Due
	}
	return store.ErrConflict
}

// try sends one transaction, which reads the key where the comparison fails.
func (s *Store) try(ctx context.Context, when []clientv3.Cmp, then []clientv3.Op, key string) (*clientv3.TxnResponse, error) {
	if s.fault != nil {
		return nil, s.fault
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.client.Txn(clientv3.WithRequireLeader(ctx)).If(when...).Then(then...).Else(clientv3.OpGet(key)).Commit()
}

// absent is the condition that the key has no record.
func absent(key string) []clientv3.Cmp {
	return []clientv3.Cmp{clientv3.Compare(clientv3.CreateRevision(key), "=", 0)}
}

// stored is the condition that the value begins with begin and goes on. etcd compares
// whole values only, but byte by byte: such a value sorts after begin and before its
// successor.
func stored(key string, begin []byte) []clientv3.Cmp {
	when := []clientv3.Cmp{clientv3.Compare(clientv3.Value(key), ">", string(begin))}
	next := bytes.Clone(begin)
	for i := len(next) - 1; i >= 0; i-- {
		if next[i]++; next[i] != 0 {
			return append(when, clientv3.Compare(clientv3.Value(key), "<", string(next)))
		}
	}
	return when // nothing follows the last one
}
