package etcdstore

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/totpflow/totpflow/store"
)

// What [Store.Check] finds. Reads go on without space, and nothing does in a
// corrupt cluster; operators end both.
var (
	ErrNoSpace = errors.New("etcdstore: the database has reached its quota")
	ErrCorrupt = errors.New("etcdstore: members of the cluster disagree about its data")
)

// Store is a [store.Store] in an etcd cluster. It is safe for concurrent use by
// goroutines and, on the same cluster, by processes. It keeps nothing in memory,
// and its errors are the client's unless the contract names another.
type Store struct {
	client *clientv3.Client
	prefix string // of every record's key
}

var _ store.Store = (*Store)(nil)

// New returns a Store whose keys begin with prefix, "totpflow/" if that is
// empty, and belong to nobody else. client stays the caller's to configure and
// close; it should know all members.
//
// New asks nothing of the cluster.
func New(client *clientv3.Client, prefix string) *Store {
	if prefix == "" {
		prefix = "totpflow/"
	}
	return &Store{client, prefix + "account/"}
}

// Check looks whether a majority of the members answers, and whether the cluster
// takes writes. A program calls it when it starts; it is no protection, since
// every operation asks the majority itself.
//
// It returns [ErrNoSpace], [ErrCorrupt], or [store.ErrUnavailable] wrapping the
// client's error.
func (s *Store) Check(ctx context.Context) error {
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
	records, _, err := s.read(ctx, s.key(id))
	switch {
	case err != nil:
		return store.Record{}, err
	case len(records) == 0:
		return store.Record{}, store.ErrNotFound
	}
	return records[0], nil
}

// Put implements [store.Store].
func (s *Store) Put(ctx context.Context, rec store.Record, was store.Version) error {
	if err := store.CheckPut(rec, was); err != nil {
		return err
	}
	key := s.key(rec.ID)
	if was.IsZero() {
		return s.swap(ctx, absent(key), clientv3.OpPut(key, encode(rec)))
	}
	return s.swap(ctx, stored(key, was), clientv3.OpPut(key, encode(rec)))
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, id store.AccountID, was store.Version) error {
	if err := id.Validate(); err != nil {
		return err
	}
	key := s.key(id)
	return s.swap(ctx, stored(key, was), clientv3.OpDelete(key)) // nothing is stored under the zero version
}

// List implements [store.Store].
func (s *Store) List(ctx context.Context, q store.Query) (store.Page, error) {
	after, limit, err := q.Start()
	if err != nil {
		return store.Page{}, err
	}
	// Few records of a large tenant may be in the state, so more are looked at
	// than are wanted.
	look := limit
	if q.State != "" {
		look = max(limit, store.DefaultLimit)
	}
	first, end := s.span(q, after)
	records, more, err := s.read(ctx, first, clientv3.WithRange(end), clientv3.WithLimit(int64(look)))
	if err != nil {
		return store.Page{}, err
	}
	var page store.Page
	for _, rec := range records {
		if len(page.Records) == limit {
			page.Next = store.Cursor(page.Records[limit-1].ID)
			return page, nil
		}
		if q.State == "" || rec.State == q.State {
			page.Records = append(page.Records, rec)
		}
	}
	if more && len(records) > 0 {
		page.Next = store.Cursor(records[len(records)-1].ID)
	}
	return page, nil
}

// read returns the records of a range, and whether it was cut short. Only here
// is etcd read, and never with WithSerializable.
func (s *Store) read(ctx context.Context, key string, opts ...clientv3.OpOption) (records []store.Record, more bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	found, err := s.client.Get(clientv3.WithRequireLeader(ctx), key, opts...)
	if err != nil {
		return nil, false, err
	}
	for _, kv := range found.Kvs {
		id, err := s.parseKey(string(kv.Key))
		if err != nil {
			return nil, false, err
		}
		rec, err := decode(id, kv.Value)
		if err != nil {
			return nil, false, err
		}
		records = append(records, rec)
	}
	return records, found.More, nil
}

// swap writes if all comparisons hold, in one transaction. It is the only place
// that tells a won race from a lost one.
func (s *Store) swap(ctx context.Context, when []clientv3.Cmp, then clientv3.Op) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	done, err := s.client.Txn(clientv3.WithRequireLeader(ctx)).If(when...).Then(then).Commit()
	if err != nil {
		return err
	}
	if !done.Succeeded {
		return store.ErrConflict
	}
	return nil
}

// absent holds where there is no record.
func absent(key string) []clientv3.Cmp {
	return []clientv3.Cmp{clientv3.Compare(clientv3.CreateRevision(key), "=", 0)}
}

// stored holds where the value begins with was. etcd compares whole values only,
// but byte by byte: what begins with was, and goes on, comes after was and before
// the version that follows it.
func stored(key string, was store.Version) []clientv3.Cmp {
	when := []clientv3.Cmp{clientv3.Compare(clientv3.Value(key), ">", string(was[:]))}
	for i := len(was) - 1; i >= 0; i-- {
		if was[i]++; was[i] != 0 {
			return append(when, clientv3.Compare(clientv3.Value(key), "<", string(was[:])))
		}
	}
	return when // nothing follows the last version
}
