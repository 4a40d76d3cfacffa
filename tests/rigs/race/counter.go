package race

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/totpflow/totpflow/store"
)

// Alice is the account whose record the rigs use.
var Alice = store.AccountID{Tenant: "acme", User: "alice"}

// Counter returns a record that contains a number, without an id and a version.
func Counter(n uint64) *store.Record {
	return &store.Record{State: "active", Sealed: binary.BigEndian.AppendUint64(nil, n)}
}

// Count returns the number of a record that [Counter] made, 0 if there is none.
func Count(rec store.Record) uint64 {
	if len(rec.Sealed) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(rec.Sealed)
}

// Step adds one to the number in alice's record.
func Step(ctx context.Context, s store.Store) error {
	return store.Update(ctx, s, Alice, func(was store.Record, _ bool) (*store.Record, error) {
		return Counter(Count(was) + 1), nil
	})
}

// stored returns the number in alice's record.
func stored(s store.Store) (uint64, error) {
	rec, err := s.Get(context.Background(), Alice)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return 0, err
	}
	return Count(rec), nil
}

// numbered returns the id of the record with a number; 0 is a writer's counter.
func numbered(round, writer int, n uint64) store.AccountID {
	return store.AccountID{Tenant: "acme", User: fmt.Sprintf("%d-%d-%d", round, writer, n)}
}
