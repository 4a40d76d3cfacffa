package adminweb_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/web/adminweb"
)

// The list contains the host's people: people who have never signed in, how many have set
// up, and who has only a phone, is closed or is locked.
func TestPeople(t *testing.T) {
	s := newSite(t)
	s.setPolicy("acme", policy.Policy{Mode: policy.Required, Grace: 14 * 24 * time.Hour})
	s.freeze(deputy)
	u := totpflow.User{ID: mika.ID}
	for range 6 {
		_, _ = s.service.Account(u).VerifyCode(context.Background(), totpflow.Action("look").On(""), s.phones[mika.ID].WrongCode())
	}
	b := s.as(boss)
	b.Get("/2fa-admin/people")
	require.Equal(t, http.StatusOK, b.Page.Status)
	require.Equal(t, "2 of 4 have set it up.", b.Page.Text("counts"))
	require.Equal(t, []string{"Set up", "Closed after a report", "Locked by wrong codes", "Has to set up soon"}, cells(b))
	for filter, want := range map[string][]string{
		"missing": {"Nora Nord"}, "grace": {"Nora Nord"}, "frozen": {"Dee Puty"}, "suspended": {"Mika Berg"}, "exempt": nil, "phone": nil,
	} {
		b.Get("/2fa-admin/people?filter=" + filter)
		require.ElementsMatch(t, want, names(b), filter)
		require.Equal(t, "2 of 4 have set it up.", b.Page.Text("counts"), "of all, whatever is shown")
	}
	for search, want := range map[string][]string{"MIKA": {"Mika Berg"}, "nora@acme": {"Nora Nord"}, "acme": {"Bo Singh", "Dee Puty", "Mika Berg", "Nora Nord"}, "gil": nil, "%": nil} {
		b.Get("/2fa-admin/people?" + url.Values{"q": {search}}.Encode())
		require.ElementsMatch(t, want, names(b), search)
	}
}

func cells(b *person) []string { return b.Page.Texts("state") }

func names(b *person) []string { return b.Page.Texts("name") }

// Many people are on several pages; each is on one of them, even with a filter.
func TestPeopleOnPages(t *testing.T) {
	s := newSite(t)
	for i := range 60 {
		p := one("acme", fmt.Sprint("n", i), fmt.Sprintf("New %02d", i))
		s.directory.Add(p)
		if i%3 == 0 {
			s.hire(p)
		}
	}
	b := s.as(boss)
	for filter, want := range map[string]int{"": 64, "missing": 41, "frozen": 0} {
		seen := map[string]int{}
		b.Get("/2fa-admin/people?filter=" + filter)
		for range 20 {
			for _, name := range names(b) {
				seen[name]++
			}
			require.LessOrEqual(t, len(names(b)), 12)
			next := ""
			for _, link := range b.Page.Links() {
				if u, err := url.Parse(link); err == nil && u.Query().Has("from") {
					next = link
				}
			}
			if next == "" {
				break
			}
			b.Get(next)
		}
		require.Len(t, seen, want, filter)
		for name, times := range seen {
			require.Equal(t, 1, times, name)
		}
	}
}

// For a person who administers nothing the page does not exist, and an administrator
// finds neither people nor forms of another tenant.
func TestOnlyOwnTenants(t *testing.T) {
	s := newSite(t)
	none := s.as(mika)
	for _, path := range []string{"/2fa-admin/people", "/2fa-admin/policy", "/2fa-admin/requests", "/2fa-admin/person?tenant=acme&user=boss", "/2fa-admin/"} {
		require.Equal(t, http.StatusNotFound, none.Get(path).Status, path)
	}
	require.Equal(t, http.StatusNotFound, none.Post("/2fa-admin/person/reset", "tenant", "acme", "user", "boss", "scope", "all").Status)
	b := s.as(boss)
	require.Equal(t, http.StatusNotFound, b.Get("/2fa-admin/person?tenant=globex&user=gil").Status)
	require.Equal(t, http.StatusNotFound, b.Get("/2fa-admin/person?tenant=acme&user=nobody").Status)
	require.Equal(t, http.StatusNotFound, b.Get("/2fa-admin/policy?tenant=globex").Status)
	require.Equal(t, http.StatusNotFound, b.Get("/2fa-admin/requests?tenant=globex").Status)
	require.Equal(t, http.StatusBadRequest, b.Get("/2fa-admin/people?tenant=globex").Status)
	for path, fields := range map[string][]string{
		"/2fa-admin/person/reset":       {"tenant", "globex", "user", "gil", "scope", "all", "totpflow_code", b.phone.Code()},
		"/2fa-admin/policy/set":         {"tenant", "globex", "mode", "off", "totpflow_code", b.phone.Code()},
		"/2fa-admin/requests/x/approve": {"tenant", "globex", "totpflow_code", b.phone.Code()},
		"/2fa-admin/people/change":      {"person", key(gil), "do", "reset", "scope", "all", "totpflow_code", b.phone.Code()},
	} {
		require.Equal(t, http.StatusNotFound, b.Post(path, fields...).Status, path)
	}
	require.Equal(t, admin.StateEnabled, s.member(gil).State)
	// One's own account, before a code is used.
	page := b.Post("/2fa-admin/person/reset", "tenant", "acme", "user", "boss", "scope", "all", "totpflow_code", b.phone.WrongCode())
	require.Equal(t, http.StatusForbidden, page.Status)
	require.Contains(t, page.Text("error"), "cannot do this to your own account")
	require.Empty(t, page.Actions(), "there is no form for it")
}

// For a change to people of several organisations, the page first says how many belong to
// each. One code then covers at most twenty of them.
func TestSeveralOrganisations(t *testing.T) {
	s := newSite(t)
	b := s.as(root)
	b.Get("/2fa-admin/people")
	b.Page.Submit("/2fa-admin/people/change", "person", key(mika), "scope", "authenticators", "do", "reset")
	require.NotContains(t, b.Page.Text("doing"), "organisations")

	b.Post("/2fa-admin/people/change", "person", key(mika), "person", key(gil), "scope", "authenticators", "do", "reset")
	require.Equal(t, "Reset authenticators of 2 people", b.Page.Text("h1"))
	require.Contains(t, b.Page.Text("doing"), "This affects people of 2 organisations: Acme: 1 Globex: 1 “Mika Berg” and “Gil Bex”")
	before := s.clock.Now()
	b.confirm()
	require.Less(t, s.clock.Now().Sub(before), 31*time.Second, "one code")
	require.Equal(t, admin.StateRequired, s.member(mika).State)
	require.Equal(t, admin.StateRequired, s.member(gil).State)

	b.Post("/2fa-admin/people/change", "person", key(mika), "person", key(gil), "do", "require")
	require.Contains(t, b.Page.Text("error"), "one organisation at a time")
	b.Post("/2fa-admin/people/change", "person", key(gil), "do", "require")
	require.Equal(t, "/2fa-admin/policy?mode=required&tenant=globex", b.Page.Path)
	require.Equal(t, "required", b.Page.Fields("/2fa-admin/policy/set").Get("mode"))

	twin, second := one("globex", "m2", mika.Name), one("globex", "m3", mika.Name)
	for _, p := range []adminweb.Person{twin, second} {
		s.directory.Add(p)
		s.hire(p)
	}
	b.Post("/2fa-admin/people/change", "person", key(mika), "person", key(twin), "scope", "authenticators", "do", "reset")
	require.Contains(t, b.Page.Text("doing"), "“Mika Berg, Acme” and “Mika Berg, Globex”")
	require.Contains(t, b.Page.Text("doing"), "These people have to set up again.")

	b.Post("/2fa-admin/people/change", "person", key(mika), "person", key(twin), "person", key(second), "scope", "authenticators", "do", "reset")
	require.Contains(t, b.Page.Text("doing"), "“Mika Berg, Acme”, “Mika Berg, m2@globex.example” and “Mika Berg, m3@globex.example”")

	for i := range 21 {
		x := one("globex", fmt.Sprint("x", i), fmt.Sprint("X ", i))
		s.directory.Add(x)
		s.hire(x)
	}
	b.Post("/2fa-admin/people/change", "all", "yes", "tenant", "*", "scope", "all", "do", "reset")
	require.Contains(t, b.Page.Text("error"), "at most 20 people")
	require.True(t, b.Page.Fields("/2fa-admin/people/change").Has("all"), "as it was chosen")
}

// The page names the people for whom it failed; the others are done.
func TestSomeFail(t *testing.T) {
	s := newSite(t)
	s.hire(nora)
	s.bounces = nora.Name
	b := s.as(boss)
	b.Post("/2fa-admin/people/change", "person", key(mika), "person", key(nora), "do", "issue")
	to := b.Page.Path
	b.Page.Submit(to, "totpflow_code", b.phone.Code())
	require.Equal(t, http.StatusConflict, b.Page.Status)
	require.Contains(t, b.Page.Text("error"), "Done for 1 of 2. Not for “Nora Nord”: The mail could not be sent")
	require.NotContains(t, b.Page.Text("main"), "Not accepted.", "one of them was")
	require.Len(t, s.mails, 1)
	require.Equal(t, mika.ID, s.mails[0].ID)

	namesake := one("acme", "nora2", nora.Name)
	s.directory.Add(namesake)
	s.hire(namesake)
	s.clock.Advance(time.Hour)
	b = s.as(boss)
	b.Post("/2fa-admin/people/change", "person", key(nora), "person", key(namesake), "do", "issue")
	b.Page.Submit(to, "totpflow_code", b.phone.Code())
	require.Contains(t, b.Page.Text("error"), "Not for “Nora Nord, nora@acme.example” and “Nora Nord, nora2@acme.example”:")

	s.bounces = ""
	s.mailDown = true
	s.clock.Advance(time.Hour)
	b = s.as(boss)
	b.Post("/2fa-admin/people/change", "person", key(mika), "person", key(deputy), "do", "issue")
	b.Page.Submit(to, "totpflow_code", b.phone.Code())
	require.Contains(t, b.Page.Text("error"), "Done for 0 of 2.")
	require.Contains(t, b.Page.Text("error"), "the code is void")
	require.Contains(t, s.logged.String(), "the mail server is down", "for the operator")
}

// A store that fails for one of them leaves it open whether the change took place, unless it
// is certain that nothing was written.
func TestSomeAreUncertain(t *testing.T) {
	for says, err := range map[string]error{
		"Done for 1 of 2. For “Mika Berg” it is not certain":             errors.New("the line is broken"),
		"Done for 1 of 2. Not for “Mika Berg”: it could not be done now": fmt.Errorf("%w: disk full", store.ErrNotWritten),
	} {
		records := &failing{Store: store.NewMemory()}
		s := newSite(t, func(c *totpflow.Config) { c.Store = records })
		b := s.as(boss)
		b.Post("/2fa-admin/people/change", "person", key(mika), "person", key(deputy), "do", "issue")
		records.set(mika.ID, err)
		b.Page.Submit(b.Page.Path, "totpflow_code", b.phone.Code())
		require.Equal(t, http.StatusConflict, b.Page.Status)
		require.Contains(t, b.Page.Text("error"), says)
	}
}

// Where every change was made and only the window could not be closed, the page does not
// say that nothing was changed: otherwise the administrator would mail a second code to
// everybody.
func TestWindowThatCannotBeClosed(t *testing.T) {
	records, issued := &failing{Store: store.NewMemory()}, 0
	s := newSite(t, func(c *totpflow.Config) {
		c.Store = records
		c.Observer = event.ObserverFunc(func(_ context.Context, e event.Event) {
			if e.Kind == event.RecoveryIssued {
				if issued++; issued == 2 {
					records.set(boss.ID, fmt.Errorf("%w: disk full", store.ErrNotWritten))
				}
			}
		})
	})
	b := s.as(boss)
	b.Post("/2fa-admin/people/change", "person", key(mika), "person", key(deputy), "do", "issue")
	b.Page.Submit(b.Page.Path, "totpflow_code", b.phone.Code())
	require.Equal(t, 2, issued)
	require.Equal(t, http.StatusOK, b.Page.Status)
	require.NotContains(t, b.Page.Text("main"), "Nothing was changed")
	require.Len(t, s.mails, 2)
}

// A failing store refuses the writes of one account.
type failing struct {
	store.Store

	mu  sync.Mutex
	id  store.AccountID
	err error
}

func (f *failing) set(id store.AccountID, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.id, f.err = id, err
}

func (f *failing) Put(ctx context.Context, rec store.Record, was store.Version) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil && rec.ID == f.id {
		return f.err
	}
	return f.Store.Put(ctx, rec, was)
}

// A reminder removes nothing: it needs a click on a page that names the recipients, and
// goes to nobody who has set up.
func TestRemind(t *testing.T) {
	s := newSite(t)
	b := s.as(boss)
	b.Get("/2fa-admin/people")
	b.Page.Submit("/2fa-admin/people/change", "all", "yes", "do", "remind")
	require.Equal(t, "Remind 1 person", b.Page.Text("button"))
	require.Empty(t, s.reminded)
	b.Page.Submit("/2fa-admin/people/change")
	require.Equal(t, []string{nora.Address + " by " + boss.ID.User}, s.reminded)
	b.Get("/2fa-admin/people?q=mika")
	b.Page.Submit("/2fa-admin/people/change", "all", "yes", "do", "remind")
	require.Contains(t, b.Page.Text("error"), "None of them has to set up")
	b.Get("/2fa-admin/people?filter=missing")
	b.Page.Submit("/2fa-admin/people/change", "all", "yes", "do", "remind")
	require.Contains(t, b.Page.Links(), "/2fa-admin/people?filter=missing&tenant=%2A", "cancelled, the list is as it was")
	b.Page.Submit("/2fa-admin/people/change")
	require.Equal(t, "/2fa-admin/people?filter=missing&tenant=%2A", b.Page.Path)
}

// What the spray detector has found is shown by name, for a day, to those who administer
// one of the accounts.
func TestAlerts(t *testing.T) {
	s := newSite(t)
	detector := &event.SprayDetector{Refusals: 2, Accounts: 2, Alarm: s.alerts.Alarm}
	for i, p := range []adminweb.Person{mika, gil, mika} {
		detector.Observe(context.Background(), event.Event{Kind: event.CodeRejected, At: s.clock.Now().Add(time.Duration(i) * time.Second), Tenant: p.ID.Tenant, User: p.ID.User})
	}
	b := s.as(boss)
	b.Get("/2fa-admin/people")
	require.Len(t, b.Page.Texts("alert"), 1)
	require.Contains(t, b.Page.Texts("alert")[0], "3 wrong codes")
	require.Contains(t, b.Page.Texts("alert")[0], "Mika Berg (mika@acme.example)")
	require.NotContains(t, b.Page.HTML, "Gil")
	r := s.as(root)
	r.Get("/2fa-admin/people")
	require.Contains(t, r.Page.Texts("alert")[0], "Gil Bex")
	s.clock.Advance(25 * time.Hour)
	b.Get("/2fa-admin/people")
	require.Empty(t, b.Page.Texts("alert"))
}

// The prefix alone, which a product mounts and links, leads to the list; for a person who
// administers nothing the page does not exist.
func TestPrefixLeadsToPeople(t *testing.T) {
	s := newSite(t)
	b := s.as(boss)
	b.Get("/2fa-admin/")
	require.Equal(t, []any{http.StatusOK, "/2fa-admin/people"}, []any{b.Page.Status, b.Page.Path})
	b = s.as(mika)
	b.Get("/2fa-admin/")
	require.Equal(t, http.StatusNotFound, b.Page.Status)
}

// A generous directory lists people of an organisation that it was not asked about, and
// answers with somebody else.
type generous struct{ adminweb.Directory }

func (g generous) People(ctx context.Context, q adminweb.Query) (adminweb.People, error) {
	q.Tenants = append(q.Tenants, gil.ID.Tenant)
	return g.Directory.People(ctx, q)
}

func (g generous) Person(ctx context.Context, _ totpflow.AccountID) (adminweb.Person, error) {
	return g.Directory.Person(ctx, gil.ID)
}

// No page shows what a directory returns beyond the visitor's organisations.
func TestGenerousDirectory(t *testing.T) {
	s := newSite(t)
	b := s.as(boss)
	s.office.Directory = generous{s.directory}
	b.Get("/2fa-admin/people")
	require.ElementsMatch(t, []string{"Bo Singh", "Dee Puty", "Mika Berg", "Nora Nord"}, names(b))
	b.Get("/2fa-admin/people?q=gil")
	require.Empty(t, names(b))
	require.Equal(t, http.StatusNotFound, b.Get("/2fa-admin/person?tenant=acme&user=mika").Status)
}
