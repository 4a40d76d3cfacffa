package storetest_test

import (
	"github.com/totpflow/totpflow/store"
)

// showing is a store that shows a damaged record of a list in its own way.
func showing(show func(q store.Query, id store.AccountID, place store.Place) (store.Record, bool, store.Place)) func() *broken {
	return func() *broken { return &broken{show: show} }
}

var damageFaults = []fault{
	{"a damaged record read as none", "damaged record", func() *broken {
		return &broken{read: func(b *broken, id store.AccountID) (store.Record, bool) {
			rec, ok := b.lookup(id)
			return rec, ok && !b.damaged[id]
		}}
	}},
	{"a damaged record created again", "damaged record", func() *broken {
		return &broken{swap: func(b *broken, rec store.Record, was store.Version) error {
			b.mu.Lock()
			if b.damaged[rec.ID] && was.IsZero() {
				delete(b.records, rec.ID)
				delete(b.damaged, rec.ID)
			}
			b.mu.Unlock()
			return b.honestSwap(rec, was)
		}}
	}},
	{"a damaged record deleted under the zero version", "damaged record", func() *broken {
		return &broken{erase: func(b *broken, id store.AccountID, was store.Version) error {
			b.mu.Lock()
			damaged := b.damaged[id]
			b.mu.Unlock()
			if damaged && was.IsZero() {
				return nil
			}
			return b.honestErase(id, was)
		}}
	}},
	{"a damaged record in every list, whose cursor is its id", "damaged record", showing(func(_ store.Query, id store.AccountID, _ store.Place) (store.Record, bool, store.Place) {
		return store.Record{ID: id}, true, store.Place{ID: id}
	})},
	{"a damaged record with the due time of its entry", "damaged record", showing(func(q store.Query, id store.AccountID, place store.Place) (store.Record, bool, store.Place) {
		return store.Record{ID: id, Due: place.Due}, q.State == "", place
	})},
	{"a damaged record in no list", "damaged record", showing(func(_ store.Query, id store.AccountID, place store.Place) (store.Record, bool, store.Place) {
		return store.Record{ID: id}, false, place
	})},
	{"a damaged record that looks whole", "damaged record", showing(func(q store.Query, id store.AccountID, place store.Place) (store.Record, bool, store.Place) {
		return store.Record{ID: id, Version: store.Version{1}}, q.State == "" && q.DueBefore.IsZero(), place
	})},
	{"damaged records counted in the empty state", "damaged record", func() *broken {
		return &broken{count: func(b *broken, q store.Query) (map[string]int, error) {
			counts, err := b.honestCount(q)
			for id := range b.damaged {
				counts[b.records[id].State]--
				counts[""]++
			}
			return counts, err
		}}
	}},
}
