package history

import (
	"context"
	"errors"

	"github.com/totpflow/totpflow/store"
)

// Wrap returns a store that writes down every request to s except lists.
func Wrap(s store.Store, l *Log) store.Store { return recorder{s, l} }

type recorder struct {
	store.Store
	log *Log
}

// Get implements [store.Store].
func (r recorder) Get(ctx context.Context, id store.AccountID) (store.Record, error) {
	op := r.log.call(Op{Of: name(id), Do: get})
	rec, err := r.Store.Get(ctx, id)
	if err == nil {
		op.Saw = text(rec.Version)
	}
	r.log.end(op, answered(err))
	return rec, err
}

// Put implements [store.Store].
func (r recorder) Put(ctx context.Context, rec store.Record, was store.Version) error {
	op := r.log.call(Op{Of: name(rec.ID), Do: put, Was: text(was), New: text(rec.Version)})
	err := r.Store.Put(ctx, rec, was)
	r.log.end(op, answered(err))
	return err
}

// Delete implements [store.Store].
func (r recorder) Delete(ctx context.Context, id store.AccountID, was store.Version) error {
	op := r.log.call(Op{Of: name(id), Do: remove, Was: text(was)})
	err := r.Store.Delete(ctx, id, was)
	r.log.end(op, answered(err))
	return err
}

// answered returns what the error of a store decides.
func answered(err error) answer {
	switch {
	case err == nil:
		return done
	case errors.Is(err, store.ErrNotFound):
		return absent
	case errors.Is(err, store.ErrConflict):
		return conflict
	}
	return open
}

func name(id store.AccountID) string { return id.Tenant + "/" + id.User }

// text returns an empty text for no record.
func text(v store.Version) string {
	if v.IsZero() {
		return ""
	}
	return v.String()
}
