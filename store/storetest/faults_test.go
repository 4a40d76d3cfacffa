package storetest_test

import (
	"errors"
	"maps"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/totpflow/totpflow/store"
)

// fault is one way to go wrong and the case that must detect it.
type fault struct {
	name   string
	caught string
	make   func() *broken
}

var recordFaults = []fault{
	{"no record read as an empty one", "absent", func() *broken {
		return &broken{read: func(b *broken, id store.AccountID) (store.Record, bool) {
			rec, _ := b.lookup(id)
			return rec, true
		}}
	}},
	{"lost update: read, compare, then write", "one writer", func() *broken {
		return &broken{swap: func(b *broken, rec store.Record, was store.Version) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.records[rec.ID].Version != was {
				return store.ErrConflict
			}
			b.letOthers() // the network between two statements
			b.file(rec)
			return nil
		}}
	}},
	{"a conflict that is ErrNotWritten as well", "one writer", func() *broken {
		return &broken{swap: func(b *broken, rec store.Record, was store.Version) error {
			err := b.honestSwap(rec, was)
			if errors.Is(err, store.ErrConflict) { // which Update then takes for a database that is down
				return errors.Join(store.ErrNotWritten, err)
			}
			return err
		}}
	}},
	{"a Delete of nothing that is ErrNotWritten as well", "delete", func() *broken {
		return &broken{erase: func(b *broken, id store.AccountID, was store.Version) error {
			err := b.honestErase(id, was)
			if errors.Is(err, store.ErrConflict) {
				return errors.Join(store.ErrNotWritten, err)
			}
			return err
		}}
	}},
	{"create without looking", "create once", func() *broken {
		return &broken{swap: func(b *broken, rec store.Record, was store.Version) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			if !was.IsZero() && b.records[rec.ID].Version != was {
				return store.ErrConflict
			}
			b.file(rec)
			return nil
		}}
	}},
	{"stale read: a replica one write behind", "read your write", func() *broken {
		return &broken{read: func(b *broken, id store.AccountID) (store.Record, bool) {
			if rec := b.previous[id]; !rec.Version.IsZero() {
				return rec, true
			}
			return b.lookup(id)
		}}
	}},
	{"phantom success: rows affected not looked at", "stale version", func() *broken {
		return &broken{swap: func(b *broken, rec store.Record, was store.Version) error {
			_ = b.honestSwap(rec, was)
			return nil
		}}
	}},
	{"phantom success under contention only", "one writer", func() *broken {
		return &broken{swap: func(b *broken, rec store.Record, was store.Version) error {
			err := b.honestSwap(rec, was)
			b.mu.Lock()
			defer b.mu.Unlock()
			// for example a lock timeout that is taken for success now and then
			if b.counter++; errors.Is(err, store.ErrConflict) && b.counter%50 == 0 {
				return nil
			}
			return err
		}}
	}},
	{"written although refused", "stale version", func() *broken {
		return &broken{swap: func(b *broken, rec store.Record, was store.Version) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			now, ok := b.records[rec.ID]
			if !ok && !was.IsZero() {
				return store.ErrConflict
			}
			b.file(rec)
			if now.Version != was {
				return store.ErrConflict
			}
			return nil
		}}
	}},
	{"forgotten tenant", "tenants", func() *broken {
		return &broken{key: func(id store.AccountID) store.AccountID { return store.AccountID{User: id.User} }}
	}},
	{"forgotten tenant in Delete", "tenants", func() *broken {
		return &broken{erase: func(b *broken, id store.AccountID, was store.Version) error {
			if err := b.honestErase(id, was); err != nil {
				return err
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			maps.DeleteFunc(b.records, func(other store.AccountID, _ store.Record) bool { return other.User == id.User })
			return nil
		}}
	}},
	{"tenant and user joined by a separator", "border of tenant and user", func() *broken {
		return &broken{key: func(id store.AccountID) store.AccountID { return store.AccountID{User: id.Tenant + "/" + id.User} }}
	}},
	{"case folding", "hostile users", func() *broken {
		return &broken{key: func(id store.AccountID) store.AccountID {
			return store.AccountID{Tenant: id.Tenant, User: strings.ToLower(id.User)}
		}}
	}},
	{"trailing spaces trimmed", "hostile users", func() *broken {
		return &broken{key: func(id store.AccountID) store.AccountID {
			return store.AccountID{Tenant: id.Tenant, User: strings.TrimRight(id.User, " ")}
		}}
	}},
	{"tenants with trailing spaces trimmed", "hostile tenants", func() *broken {
		return &broken{key: func(id store.AccountID) store.AccountID {
			return store.AccountID{Tenant: strings.TrimRight(id.Tenant, " "), User: id.User}
		}}
	}},
	{"ids that look like numbers", "hostile users", func() *broken {
		return &broken{key: func(id store.AccountID) store.AccountID {
			if f, err := strconv.ParseFloat(id.User, 64); err == nil {
				id.User = strconv.FormatFloat(f, 'g', -1, 64)
			}
			return id
		}}
	}},
	{"aliasing on the way in", "copies in", func() *broken {
		return &broken{keep: func(rec store.Record) store.Record { rec.Updated = whole(rec).Updated; return rec }}
	}},
	{"aliasing on the way out", "copies out", func() *broken {
		return &broken{give: func(rec store.Record) store.Record { return rec }}
	}},
	{"resurrected version: a deleted record can be written over", "deleted and created again", func() *broken {
		return &broken{swap: func(b *broken, rec store.Record, was store.Version) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			now, ok := b.records[rec.ID]
			if _, written := b.previous[rec.ID]; !ok && !was.IsZero() && !written || ok && now.Version != was {
				return store.ErrConflict
			}
			b.file(rec)
			return nil
		}}
	}},
	{"absent written over any version", "absent under a version", func() *broken {
		return &broken{swap: func(b *broken, rec store.Record, was store.Version) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			if now, ok := b.records[rec.ID]; ok && now.Version != was {
				return store.ErrConflict
			}
			b.file(rec)
			return nil
		}}
	}},
	{"half of the version compared", "near versions", func() *broken {
		return &broken{swap: func(b *broken, rec store.Record, was store.Version) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			if now := b.records[rec.ID].Version; string(now[:8]) != string(was[:8]) {
				return store.ErrConflict
			}
			b.file(rec)
			return nil
		}}
	}},
	{"same version accepted", "version must move", func() *broken {
		return &broken{check: func(rec store.Record, _ store.Version) error { return rec.Validate() }}
	}},
	{"Delete without the version", "delete", func() *broken {
		return &broken{erase: func(b *broken, id store.AccountID, _ store.Version) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			if _, ok := b.records[id]; !ok {
				return store.ErrConflict
			}
			delete(b.records, id)
			return nil
		}}
	}},
	{"Delete of nothing succeeds", "delete", func() *broken {
		return &broken{erase: func(b *broken, id store.AccountID, was store.Version) error {
			b.mu.Lock()
			_, ok := b.records[id]
			b.mu.Unlock()
			if !ok {
				return nil
			}
			return b.honestErase(id, was)
		}}
	}},
	{"Delete that reads first", "one of writers and erasers", func() *broken {
		return &broken{erase: func(b *broken, id store.AccountID, was store.Version) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			rec, ok := b.records[id]
			if !ok || rec.Version != was {
				return store.ErrConflict
			}
			b.letOthers()
			delete(b.records, id)
			return nil
		}}
	}},
	{"invalid id is not found", "invalid ids", func() *broken {
		return &broken{valid: func(store.AccountID) error { return nil }}
	}},
	{"cut bytes", "sizes up to the limit", func() *broken {
		return &broken{keep: func(rec store.Record) store.Record {
			rec = whole(rec)
			rec.Sealed = rec.Sealed[:min(len(rec.Sealed), 65535)] // MySQL's BLOB
			return rec
		}}
	}},
	{"bytes as text", "bytes as they are", func() *broken {
		return &broken{keep: func(rec store.Record) store.Record {
			rec = whole(rec)
			rec.Sealed = []byte(strings.ToValidUTF8(string(rec.Sealed), "\ufffd"))
			return rec
		}}
	}},
	{"no limit", "too large", func() *broken {
		return &broken{check: func(rec store.Record, was store.Version) error {
			if err := store.CheckPut(rec, was); !errors.Is(err, store.ErrTooLarge) {
				return err
			}
			return nil
		}}
	}},
	{"whole seconds", "round trip", func() *broken {
		return &broken{keep: func(rec store.Record) store.Record {
			rec = whole(rec)
			rec.Updated = rec.Updated.Truncate(time.Second)
			return rec
		}}
	}},
	{"state not replaced", "whole record", func() *broken {
		return &broken{swap: func(b *broken, rec store.Record, was store.Version) error {
			b.mu.Lock()
			if old, ok := b.records[rec.ID]; ok && rec.State == "pending" {
				rec.State = old.State
			}
			b.mu.Unlock()
			return b.honestSwap(rec, was)
		}}
	}},
	{"one lock for all, taken for a conflict", "no false conflicts", func() *broken {
		var busy sync.Mutex
		return &broken{swap: func(b *broken, rec store.Record, was store.Version) error {
			if !busy.TryLock() {
				return store.ErrConflict
			}
			defer busy.Unlock()
			runtime.Gosched()
			return b.honestSwap(rec, was)
		}}
	}},
	{"two columns read apart", "no way back", func() *broken {
		return &broken{read: func(b *broken, id store.AccountID) (store.Record, bool) {
			rec, ok := b.lookup(id)
			b.letOthers()
			if later, still := b.lookup(id); ok && still {
				rec.State = later.State
			}
			return rec, ok
		}}
	}},
}
