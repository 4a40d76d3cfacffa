package storetest_test

import (
	"slices"
	"strings"
	"time"

	"github.com/totpflow/totpflow/store"
)

// keeping is a store that changes what is written.
func keeping(change func(*store.Record)) func() *broken {
	return func() *broken {
		return &broken{keep: func(rec store.Record) store.Record {
			rec = whole(rec)
			change(&rec)
			return rec
		}}
	}
}

// listing is a store that changes a page of a list by due time.
func listing(change func(b *broken, q store.Query, page *store.Page)) func() *broken {
	return func() *broken {
		return &broken{list: func(b *broken, q store.Query) (store.Page, error) {
			page, err := b.honestList(q)
			if err == nil && !q.DueBefore.IsZero() {
				change(b, q, &page)
			}
			return page, err
		}}
	}
}

var dueFaults = []fault{
	{"due time not kept", "round trip", keeping(func(r *store.Record) { r.Due = time.Time{} })},
	{"due time in whole seconds", "round trip", keeping(func(r *store.Record) { r.Due = r.Due.Truncate(time.Second) })},
	{"due in 1970 is none", "round trip", keeping(func(r *store.Record) {
		if r.Due.UnixMilli() == 0 {
			r.Due = time.Time{}
		}
	})},
	{"due time of the old record kept", "due time moves", func() *broken {
		return &broken{swap: func(b *broken, rec store.Record, was store.Version) error {
			b.mu.Lock()
			if old, ok := b.records[rec.ID]; ok && rec.Due.IsZero() {
				rec.Due = old.Due
			}
			b.mu.Unlock()
			return b.honestSwap(rec, was)
		}}
	}},
	{"due list of everything", "list by due time", func() *broken {
		return &broken{list: func(b *broken, q store.Query) (store.Page, error) {
			q.DueBefore = time.Time{}
			return b.honestList(q)
		}}
	}},
	{"due at that moment counts as before it", "list by due time", func() *broken {
		return &broken{list: func(b *broken, q store.Query) (store.Page, error) {
			if q.Cursor == "" && !q.DueBefore.IsZero() {
				q.DueBefore = q.DueBefore.Add(time.Millisecond)
			}
			return b.honestList(q)
		}}
	}},
	{"never due is due at once", "list by due time", listing(func(b *broken, q store.Query, page *store.Page) {
		if q.Cursor == "" {
			for _, rec := range b.records {
				if rec.Due.IsZero() {
					page.Records = slices.Insert(page.Records, 0, rec)
				}
			}
		}
	})},
	{"due times compared as text", "list by due time", listing(func(_ *broken, _ store.Query, page *store.Page) {
		slices.SortFunc(page.Records, func(x, y store.Record) int {
			return strings.Compare(time.Duration(x.Due.UnixMilli()).String(), time.Duration(y.Due.UnixMilli()).String())
		})
	})},
	{"due times as unsigned numbers", "list by due time", listing(func(_ *broken, _ store.Query, page *store.Page) {
		slices.SortFunc(page.Records, func(x, y store.Record) int {
			if a, b := uint64(x.Due.UnixMilli()), uint64(y.Due.UnixMilli()); a != b {
				return map[bool]int{true: -1, false: 1}[a < b]
			}
			return x.ID.Compare(y.ID)
		})
	})},
	{"no second order of due times", "due at the same time", listing(func(_ *broken, _ store.Query, page *store.Page) {
		slices.SortFunc(page.Records, func(x, y store.Record) int {
			if c := x.Due.Compare(y.Due); c != 0 {
				return c
			}
			return strings.Compare(x.ID.User, y.ID.User)
		})
	})},
	{"cursor without the id", "due at the same time", func() *broken {
		return &broken{list: func(b *broken, q store.Query) (store.Page, error) {
			after, limit, err := q.Start()
			if err != nil || q.DueBefore.IsZero() {
				return b.honestList(q)
			}
			return b.page(q, limit, func(p store.Place) bool { return p.Due.After(after.Due) }), nil
		}}
	}},
	{"index by due time behind", "due time moves", func() *broken {
		return &broken{list: func(b *broken, q store.Query) (store.Page, error) {
			if q.DueBefore.IsZero() {
				return b.honestList(q)
			}
			now := b.records
			defer func() { b.records = now }()
			b.records = make(map[store.AccountID]store.Record)
			for id, rec := range now { // as of one write ago
				if old, ok := b.previous[id]; ok && !old.Version.IsZero() {
					rec = old
				}
				b.records[id] = rec
			}
			return b.honestList(q)
		}}
	}},
	{"index by due time keeps the deleted", "due time moves", func() *broken {
		return &broken{list: func(b *broken, q store.Query) (store.Page, error) {
			page, err := b.honestList(q)
			for id, rec := range b.previous {
				if _, ok := b.records[id]; !ok && !q.DueBefore.IsZero() && q.Selects(rec) {
					page.Records = append(page.Records, rec)
				}
			}
			return page, err
		}}
	}},
	{"due list without the bytes", "due list is whole", listing(func(_ *broken, _ store.Query, page *store.Page) {
		for i := range page.Records {
			page.Records[i].Sealed = nil
		}
	})},
	{"due list that leaves one out at the end of a page", "due while writing", listing(func(_ *broken, q store.Query, page *store.Page) {
		if n := len(page.Records); page.Next != "" && n > 1 && q.Limit == 59 {
			page.Records = page.Records[:n-1]
		}
	})},
	{"due list of one tenant", "bad queries", func() *broken {
		return &broken{list: func(b *broken, q store.Query) (store.Page, error) {
			if !q.AllTenants {
				q.DueBefore = time.Time{}
			}
			return b.honestList(q)
		}}
	}},
}

var countFaults = []fault{
	{"heads with the bytes", "heads", func() *broken {
		return &broken{list: func(b *broken, q store.Query) (store.Page, error) {
			q.Heads = false
			return b.honestList(q)
		}}
	}},
	{"heads without the due time", "heads", func() *broken {
		return &broken{list: func(b *broken, q store.Query) (store.Page, error) {
			page, err := b.honestList(q)
			for i := range page.Records {
				if q.Heads && q.DueBefore.IsZero() {
					page.Records[i].Due = time.Time{}
				}
			}
			return page, err
		}}
	}},
	{"counts of every tenant", "counts", func() *broken {
		return &broken{count: func(b *broken, q store.Query) (map[string]int, error) {
			return b.honestCount(store.Query{AllTenants: true})
		}}
	}},
	{"counts without case", "counts", func() *broken {
		return &broken{count: func(b *broken, q store.Query) (map[string]int, error) {
			counts := make(map[string]int)
			for _, rec := range b.records {
				if q.Selects(rec) {
					counts[strings.ToLower(rec.State)]++
				}
			}
			return counts, nil
		}}
	}},
	{"a state of nobody counted", "counts", func() *broken {
		return &broken{count: func(b *broken, q store.Query) (map[string]int, error) {
			counts, err := b.honestCount(q)
			counts["frozen"] += 0
			return counts, err
		}}
	}},
	{"counts that only go up", "counts", func() *broken {
		return &broken{count: func(b *broken, q store.Query) (map[string]int, error) {
			counts, err := b.honestCount(q)
			for id, rec := range b.previous {
				if now, ok := b.records[id]; q.Selects(rec) && (!ok || now.State != rec.State) && rec.State != "" {
					counts[rec.State]++
				}
			}
			return counts, err
		}}
	}},
}
