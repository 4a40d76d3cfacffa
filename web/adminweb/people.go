package adminweb

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
)

// A PeoplePage lists people with their state. Its form posts to "people/change" with the
// field person for each person who is ticked, or all, and with do.
type PeoplePage struct {
	Frame
	Tenants []Tenant
	Tenant  string // the chosen one; empty: all of them
	Search  string
	Filter  string
	Filters []string
	Rows    []Row
	Next    string // where the next page is; empty at the end
	Partly  bool   // the filter has covered only a part of the list
	Set, Of int    // "Set of Of have set it up"
	Tally   admin.Tally
	Alerts  []alertRow
	Unread  string // the names of tenants that could not be counted
	Races   int    // lost in the last 24 hours
	Mails   bool   // codes can be issued
	Reminds bool
	Scope   string // the scope of a reset, as chosen
	All     bool
	Ticked  map[string]bool
	Several bool // Error says for how many people it was done, and for whom not
}

// A Row is one person of a list.
type Row struct {
	Person
	Key    string
	Tenant string
	Member admin.Member
	Self   bool
}

// State returns the word that the list shows. A person who has only a phone, and one who is
// locked out by wrong codes, have words of their own.
func (r Row) State() string {
	m := r.Member
	switch {
	case m.State == admin.StateEnabled && m.Throttled != nil:
		return "suspended"
	case m.State == admin.StateEnabled && m.Authenticators == 0:
		return "phone"
	}
	return string(m.State)
}

// filters are the filters of the list. Each is a question about a member.
var filters = map[string]func(admin.Member) bool{
	"missing":   missing,
	"grace":     func(m admin.Member) bool { return m.State == admin.StateGrace },
	"phone":     func(m admin.Member) bool { return m.State == admin.StateEnabled && m.Authenticators == 0 },
	"frozen":    func(m admin.Member) bool { return m.State == admin.StateFrozen },
	"suspended": func(m admin.Member) bool { return m.Throttled != nil },
	"exempt":    func(m admin.Member) bool { return m.State == admin.StateExempt },
}

var filterNames = []string{"missing", "grace", "phone", "frozen", "suspended", "exempt"}

// missing reports whether a person still has to set up.
func missing(m admin.Member) bool {
	return m.State == admin.StateRequired || m.State == admin.StateGrace || m.State == admin.StateDisabled
}

const (
	perPage = 10
	// maxLooks is how many people a filter looks at for one request, so that it stays
	// bounded in a tenant of a million people.
	maxLooks = 1000
	perLook  = 200 // of them, at once, where a form asks for everyone who was found
)

// A listing is the part of the list that an address or a form asks for.
type listing struct {
	tenant, search, filter, cursor string
	of                             []string // tenants
}

func (v visitor) listing(form url.Values) (listing, bool) {
	l := listing{tenant: form.Get("tenant"), search: form.Get("q"), filter: form.Get("filter"), cursor: form.Get("from"), of: v.tenantIDs()}
	if !form.Has("tenant") {
		l.tenant = allTenants
	}
	if l.tenant != allTenants {
		t, ok := v.tenant(l.tenant)
		if !ok {
			return l, false
		}
		l.of = []string{t.ID}
	}
	return l, true
}

// allTenants is the choice of all: the empty text is the ID of a tenant.
const allTenants = "*"

// scan yields the people of a listing that its filter lets through, and a zero Row with the
// cursor of the next page at the end of each page of the directory.
func (p *Pages) scan(ctx context.Context, v visitor, l listing, limit int, yield func(Row, string) bool) error {
	q := Query{Tenants: l.of, Search: l.search, Cursor: l.cursor, Limit: limit}
	for {
		page, err := p.Directory.People(ctx, q)
		if err != nil {
			return err
		}
		rows, err := p.rows(ctx, v, page.People)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if is := filters[l.filter]; is != nil && !is(row.Member) {
				continue
			}
			if !yield(row, page.Next) {
				return nil
			}
		}
		if q.Cursor = page.Next; !yield(Row{}, page.Next) || q.Cursor == "" {
			return nil
		}
	}
}

// rows returns people with their state. The list comes from the host: a person who has
// never signed in is not in the store. A person whose tenant cannot be read, or whom the rule
// refuses, is shown as one who cannot be read: the other people stay within reach.
func (p *Pages) rows(ctx context.Context, v visitor, people []Person) (rows []Row, err error) {
	var ids []totpflow.AccountID
	for _, one := range people {
		t, ok := v.tenant(one.ID.Tenant)
		if !ok { // the directory returned more than the query asked for
			continue
		}
		ids = append(ids, one.ID)
		rows = append(rows, Row{Person: one, Key: personKey(one.ID), Tenant: t.Name, Self: one.ID == v.User.ID})
	}
	unread, first := 0, error(nil)
	for i := 0; i < len(ids); {
		for m, err := range p.Admin.Status(ctx, v.looks(), ids[i:]...) {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err != nil { // of the tenant, or of the rule: Status ends, and continues with the next one
				m = admin.Member{ID: ids[i], State: admin.StateUnreadable}
				unread, first = unread+1, cmp.Or(first, fmt.Errorf("tenant %q: %w", ids[i].Tenant, err))
			}
			rows[i].Member = m
			i++
		}
	}
	p.logUnread(ctx, "people", unread, first)
	return rows, nil
}

// page reads the rows of one page of the list.
func (p *Pages) page(ctx context.Context, v visitor, l listing) (rows []Row, next string, partly bool, err error) {
	looked := 0
	err = p.scan(ctx, v, l, perPage, func(row Row, after string) bool {
		if row.Key != "" {
			rows = append(rows, row)
			return true
		}
		// A page of the list ends where one of the directory ends, so that its cursor is
		// the next one's.
		looked, next = looked+perPage, after
		partly = looked >= maxLooks && next != ""
		return len(rows) <= perPage/5 && looked < maxLooks
	})
	return rows, next, partly, err
}

func (p *Pages) getPeople(w http.ResponseWriter, r *http.Request, v visitor) error {
	return p.peoplePage(w, r, v, r.URL.Query(), nil)
}

// peoplePage shows the list that the form asks for, and why a form of it was refused, with
// everything as it was chosen.
func (p *Pages) peoplePage(w http.ResponseWriter, r *http.Request, v visitor, form url.Values, refused error) (err error) {
	l, ok := v.listing(form)
	if !ok {
		return errForm
	}
	page := &PeoplePage{
		Tenants: v.tenants, Tenant: l.tenant, Search: l.search, Filter: l.filter, Filters: filterNames, Scope: form.Get("scope"),
		All: form.Get("all") != "", Several: isSeveral(refused), Mails: p.Deliver != nil, Reminds: p.Remind != nil, Ticked: map[string]bool{},
	}
	for _, key := range form["person"] {
		page.Ticked[key] = true
	}
	if page.Frame, err = p.frame(w, r, v); err != nil {
		return err
	}
	var next string
	if page.Rows, next, page.Partly, err = p.page(r.Context(), v, l); err != nil {
		return err
	}
	if next != "" {
		page.Next = p.Path("people") + "?" + l.query(next).Encode()
	}
	if err := p.count(r, v, l, page); err != nil {
		return err
	}
	if page.Alerts, err = p.alerts(r.Context(), v); err != nil {
		return err
	}
	if p.LostRaces != nil {
		page.Races = p.LostRaces(p.now())
	}
	return p.section.Show(w, r, "admin-people", refused, page)
}

func (l listing) query(from string) url.Values {
	q := url.Values{"tenant": {l.tenant}, "from": {from}}
	if l.search != "" {
		q.Set("q", l.search)
	}
	if l.filter != "" {
		q.Set("filter", l.filter)
	}
	return q
}

// count fills in the numbers: how many records say that they are set up, of how many people
// the host has, in the tenants that can be counted.
func (p *Pages) count(r *http.Request, v visitor, l listing, page *PeoplePage) error {
	of := v.tenants
	if l.tenant != allTenants {
		t, _ := v.tenant(l.tenant)
		of = []Tenant{t}
	}
	ctx, counted := r.Context(), []string(nil)
	unread, err := p.each(ctx, of, func(t Tenant) error {
		n, err := p.Admin.Tally(ctx, v.looks(), storeQuery(t.ID))
		if err != nil {
			return err
		}
		counted = append(counted, t.ID)
		page.Tally.Enabled += n.Enabled
		page.Tally.Exempt += n.Exempt
		page.Tally.Frozen += n.Frozen
		page.Tally.Reset += n.Reset
		return nil
	})
	if err != nil {
		return err
	}
	page.Unread = firstOf(p.section.Language(r), unread)
	all, err := p.Directory.People(ctx, Query{Tenants: counted})
	if err != nil {
		return err
	}
	page.Set, page.Of = page.Tally.Enabled, max(page.Tally.Enabled, all.Total-page.Tally.Exempt)
	return nil
}

// everyone returns the people of the list that a form asks for. Where the filter has covered
// only a part of it, the page that confirms says so.
func (p *Pages) everyone(r *http.Request, v visitor) (rows []Row, err error) {
	l, ok := v.listing(r.PostForm)
	if !ok {
		return nil, errForm
	}
	l.cursor = ""
	looked, partly := 0, false
	err = p.scan(r.Context(), v, l, perLook, func(row Row, after string) bool {
		switch {
		case row.Key == "": // the end of a page
			looked += perLook
			partly = l.filter != "" && looked >= maxLooks && after != ""
		case !row.Self:
			rows = append(rows, row)
		}
		return len(rows) <= admin.MaxAccounts && !partly
	})
	if r.PostForm.Del(partlyField); partly {
		r.PostForm.Set(partlyField, "yes")
		if len(rows) == 0 && err == nil {
			err = admin.ErrBulk
		}
	}
	return rows, err
}

// chosen returns the people that a form of the list names: those who are ticked, or all of the
// filter.
func (p *Pages) chosen(r *http.Request, v visitor) (rows []Row, err error) {
	if r.PostForm.Get("all") != "" {
		rows, err = p.everyone(r, v)
	} else {
		var people []Person
		for _, key := range r.PostForm["person"] {
			id, err := parseKey(key)
			if err != nil {
				return nil, err
			}
			one, err := p.person(r, v, id)
			if err != nil {
				return nil, err
			}
			people = append(people, one)
		}
		rows, err = p.rows(r.Context(), v, people)
	}
	switch {
	case err != nil:
		return nil, err
	case len(rows) == 0:
		return nil, errNobody
	case len(rows) > admin.MaxAccounts:
		return nil, admin.ErrBulk
	case slices.ContainsFunc(rows, func(x Row) bool { return x.Self }): // before a code is used
		return nil, admin.ErrSelf
	}
	return rows, nil
}
