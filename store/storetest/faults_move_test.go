package storetest_test

import (
	"maps"
	"time"

	"github.com/totpflow/totpflow/store"
)

// indexed is a store that reads an index, and then the records that it names. Each writer
// that runs at that time writes in between. keep reports whether a record still belongs in
// the list.
func indexed(which func(store.Query) bool, keep func(q store.Query, was, now store.Record) bool) func() *broken {
	return func() *broken {
		return &broken{list: func(b *broken, q store.Query) (store.Page, error) {
			page, err := b.honestList(q)
			if err != nil || !which(q) {
				return page, err
			}
			b.letOthers()
			entries := page.Records
			page.Records = nil
			for _, was := range entries {
				now, ok := b.records[was.ID]
				if !ok || !keep(q, was, now) {
					continue
				}
				if q.Heads {
					now.Sealed = nil
				}
				page.Records = append(page.Records, now)
			}
			return page, nil
		}}
	}
}

// remembering is a store whose lists show, on every page, what was there when the first
// one was read.
func remembering(which func(store.Query) bool) func() *broken {
	return func() *broken {
		var then map[store.AccountID]store.Record
		return &broken{list: func(b *broken, q store.Query) (store.Page, error) {
			if !which(q) {
				return b.honestList(q)
			}
			if q.Cursor == "" {
				then = maps.Clone(b.records)
			}
			now := b.records
			defer func() { b.records = now }()
			b.records = then
			return b.honestList(q)
		}}
	}
}

func byDue(q store.Query) bool { return !q.DueBefore.IsZero() }

func byState(q store.Query) bool { return q.State != "" }

var moveFaults = []fault{
	{"due time not looked at again", "due while moving", indexed(byDue, func(store.Query, store.Record, store.Record) bool { return true })},
	{"due, but not at the place of its entry", "due while moving", indexed(byDue, func(q store.Query, _, now store.Record) bool { return q.Selects(now) })},
	{"state not looked at again", "state while moving", indexed(byState, func(store.Query, store.Record, store.Record) bool { return true })},
	{"state not looked at again in a list of heads", "state while moving", indexed(func(q store.Query) bool { return byState(q) && q.Heads },
		func(store.Query, store.Record, store.Record) bool { return true })},
	{"pages by due time of one moment", "moved between pages", remembering(byDue)},
	{"pages by state of one moment", "moved between pages", remembering(byState)},
	{"due once, then never again in this list", "moved between pages", func() *broken {
		var seen map[store.AccountID]bool
		return listing(func(_ *broken, q store.Query, page *store.Page) {
			if q.Cursor == "" {
				seen = make(map[store.AccountID]bool)
			}
			var fresh []store.Record
			for _, rec := range page.Records {
				if !seen[rec.ID] {
					fresh = append(fresh, rec)
				}
				seen[rec.ID] = true
			}
			page.Records = fresh
		})()
	}},
	{"due time of the entry in place of the record's", "due while moving", func() *broken {
		return &broken{list: func(b *broken, q store.Query) (store.Page, error) {
			page, err := b.honestList(q)
			for i, rec := range page.Records {
				if old := b.previous[rec.ID]; byDue(q) && !old.Due.IsZero() && q.Selects(old) {
					page.Records[i].Due = old.Due.Truncate(time.Millisecond)
				}
			}
			return page, err
		}}
	}},
}
