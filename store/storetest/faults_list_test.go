package storetest_test

import (
	"slices"
	"strconv"
	"strings"

	"github.com/totpflow/totpflow/store"
)

var faults = slices.Concat(recordFaults, contextFaults, listFaults, dueFaults, moveFaults, damageFaults, countFaults)

var listFaults = []fault{
	{"list of nothing not found", "empty list", func() *broken {
		return &broken{list: func(b *broken, q store.Query) (store.Page, error) {
			page, err := b.honestList(q)
			if err == nil && len(page.Records) == 0 {
				return page, store.ErrNotFound
			}
			return page, err
		}}
	}},
	{"forgotten tenant in List", "list of one tenant", func() *broken {
		return &broken{list: func(b *broken, q store.Query) (store.Page, error) {
			page, err := b.honestList(q)
			if err != nil || q.AllTenants {
				return page, err
			}
			after, limit, _ := q.Start()
			return b.page(store.Query{AllTenants: true, State: q.State}, limit, func(p store.Place) bool { return p.Compare(after) > 0 }), nil
		}}
	}},
	{"cursor that counts", "paging over a hole", func() *broken {
		return &broken{list: func(b *broken, q store.Query) (store.Page, error) {
			after, limit, err := q.Start()
			if err != nil {
				return store.Page{}, err
			}
			skip, _ := strconv.Atoi(after.ID.User)
			page := b.page(q, skip+limit, func(store.Place) bool { return true })
			page.Records = page.Records[min(skip, len(page.Records)):]
			if page.Next != "" {
				page.Next = store.Cursor(store.AccountID{Tenant: q.Tenant, User: strconv.Itoa(skip + limit)})
			}
			return page, nil
		}}
	}},
	{"no cap on a page", "page sizes", func() *broken {
		return &broken{list: func(b *broken, q store.Query) (store.Page, error) {
			after, limit, err := q.Start()
			if err != nil {
				return store.Page{}, err
			}
			return b.page(q, max(limit, q.Limit), func(p store.Place) bool { return p.Compare(after) > 0 }), nil
		}}
	}},
	{"last page lost", "paging while writing", func() *broken {
		return &broken{list: func(b *broken, q store.Query) (store.Page, error) {
			page, err := b.honestList(q)
			if page.Next != "" && len(page.Records) > 1 {
				page.Next = store.Cursor(page.Records[len(page.Records)-2].ID)
			}
			return page, err
		}}
	}},
	{"order by user first", "list order", func() *broken {
		return &broken{list: func(b *broken, q store.Query) (store.Page, error) {
			page, err := b.honestList(q)
			slices.SortFunc(page.Records, func(x, y store.Record) int { return strings.Compare(x.ID.User, y.ID.User) })
			return page, err
		}}
	}},
	{"state not filtered", "list by state", func() *broken {
		return &broken{list: func(b *broken, q store.Query) (store.Page, error) {
			q.State = ""
			return b.honestList(q)
		}}
	}},
	{"list without the bytes", "list is whole", func() *broken {
		return &broken{list: func(b *broken, q store.Query) (store.Page, error) {
			page, err := b.honestList(q)
			for i := range page.Records {
				page.Records[i].Sealed = nil
			}
			return page, err
		}}
	}},
	{"cursor of another tenant accepted", "bad queries", func() *broken {
		return &broken{list: func(b *broken, q store.Query) (store.Page, error) {
			if after, err := store.ParseCursor(q.Cursor); err == nil && after.ID.Tenant != q.Tenant && !q.AllTenants {
				q.Cursor = ""
			}
			return b.honestList(q)
		}}
	}},
}
