package etcdstore

import (
	"context"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/totpflow/totpflow/store"
)

// List implements [store.Store]. A record that cannot be read has the zero
// version and no other field but its id, and is in no list by state.
func (s *Store) List(ctx context.Context, q store.Query) (store.Page, error) {
	after, limit, err := q.Start()
	if err != nil {
		return store.Page{}, err
	}
	if !q.DueBefore.IsZero() {
		return s.listDue(ctx, q, after, limit)
	}
	// Few records of a large tenant may be in the state, so more are looked at
	// than are wanted.
	look := limit
	if q.State != "" {
		look = max(limit, store.DefaultLimit)
	}
	first, end := s.span(q, after)
	found, err := s.read(ctx, first, clientv3.WithRange(end), clientv3.WithLimit(int64(look)))
	if err != nil {
		return store.Page{}, err
	}
	var page store.Page
	var last store.AccountID
	for _, kv := range found.Kvs {
		if len(page.Records) == limit {
			page.Next = store.Cursor(last)
			return page, nil
		}
		rec, err := s.listed(q, kv)
		if err != nil {
			return store.Page{}, err
		}
		if last = rec.ID; q.Selects(rec) {
			page.Records = append(page.Records, rec)
		}
	}
	if found.More && len(found.Kvs) > 0 {
		page.Next = store.Cursor(last)
	}
	return page, nil
}

// listed returns the record of a key in a list. One that cannot be read must not
// hide the others, and must not look like one that can.
func (s *Store) listed(q store.Query, kv *mvccpb.KeyValue) (store.Record, error) {
	id, err := s.parseKey(string(kv.Key))
	if err != nil { // perhaps somebody's record under a damaged key, which Get reports as missing
		return store.Record{}, named(string(kv.Key), err)
	}
	rec, err := decode(id, kv.Value)
	if err != nil {
		return store.Record{ID: id}, nil
	}
	if q.Heads {
		rec.Sealed = nil
	}
	return rec, nil
}

// batch is how many records one transaction reads, fewer than the 128 operations
// that a server allows by default.
const batch = 100

// listDue reads entries by due time, and then their records. A record that was written
// meanwhile has another entry, and belongs to the page of that entry.
func (s *Store) listDue(ctx context.Context, q store.Query, after store.Place, limit int) (store.Page, error) {
	first, end := s.span(q, after)
	entries, err := s.read(ctx, first, clientv3.WithRange(end), clientv3.WithLimit(int64(limit)), clientv3.WithKeysOnly())
	if err != nil {
		return store.Page{}, err
	}
	var page store.Page
	var places []store.Place
	for _, kv := range entries.Kvs {
		place, err := s.parseDueKey(string(kv.Key))
		if err != nil {
			return store.Page{}, named(string(kv.Key), err)
		}
		places = append(places, place)
	}
	for from := 0; from < len(places); from += batch {
		records, err := s.at(ctx, q, places[from:min(from+batch, len(places))])
		if err != nil {
			return store.Page{}, err
		}
		page.Records = append(page.Records, records...)
	}
	if entries.More && len(places) > 0 {
		page.Next = places[len(places)-1].Cursor()
	}
	return page, nil
}

// at reads the records that are still at these places.
func (s *Store) at(ctx context.Context, q store.Query, places []store.Place) ([]store.Record, error) {
	var gets []clientv3.Op
	for _, p := range places {
		gets = append(gets, clientv3.OpGet(s.key(p.ID)))
	}
	done, err := s.client.Txn(clientv3.WithRequireLeader(ctx)).Then(gets...).Commit()
	if err != nil {
		return nil, err
	}
	var records []store.Record
	for i, response := range done.Responses {
		for _, kv := range response.GetResponseRange().Kvs {
			rec, err := s.listed(q, kv)
			if err != nil {
				return nil, err
			}
			if q.Place(rec).Compare(places[i]) == 0 {
				records = append(records, rec)
			}
		}
	}
	return records, nil
}
