package adminweb_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/web/adminweb"
)

// A broken store does not return the record of a tenant.
type broken struct {
	store.Store

	mu     sync.Mutex
	tenant string
}

func (b *broken) set(tenant string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tenant = tenant
}

func (b *broken) Get(ctx context.Context, id store.AccountID) (store.Record, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tenant != "" && id.Tenant == b.tenant && id.Reserved() {
		return store.Record{}, errors.New("the page of the table is damaged")
	}
	return b.Store.Get(ctx, id)
}

// A tenant whose record cannot be read, or that the rule refuses, closes the pages of no other
// one: they say which is missing, and the log says why. It gets no positive answer itself.
func TestOneTenantThatCannotBeRead(t *testing.T) {
	for name, breaks := range map[string]func(*site, *broken){
		"the page of the table is damaged": func(_ *site, records *broken) { records.set(globex.ID) },
		errRule.Error():                    func(s *site, _ *broken) { s.refused = globex.ID },
	} {
		t.Run(name, func(t *testing.T) {
			records := &broken{Store: store.NewMemory()}
			s := newSite(t, func(c *totpflow.Config) { c.Store = records })
			s.directory.Appoint(root.ID, globex, acme)
			s.askTwo()
			breaks(s, records)
			b := s.as(root)
			b.Get("/2fa-admin/people")
			require.Equal(t, http.StatusOK, b.Page.Status, b.Page.Text("main"))
			require.Equal(t, "1", b.Page.Text("waiting"))
			require.ElementsMatch(t, []string{"Set up", "Set up", "Set up", "Not set up", "Cannot be read"}, cells(b))
			b.Get("/2fa-admin/requests")
			require.Equal(t, http.StatusOK, b.Page.Status)
			require.Contains(t, b.Page.Text("unread"), "missing here: “Globex”.")
			require.Len(t, b.Page.Texts("request"), 1)
			b.Get("/2fa-admin/policy")
			require.Equal(t, []any{http.StatusOK, "Policy of Acme"}, []any{b.Page.Status, b.Page.Text("h1")}, "the first that can be read")
			require.Equal(t, http.StatusOK, b.open(mika).Status)
			n, err := s.office.Waiting(t.Context(), totpflow.User{ID: root.ID})
			require.NoError(t, err)
			require.Equal(t, 1, n)
			require.Contains(t, s.logged.String(), name)

			for _, path := range []string{"policy", "requests", "people"} {
				b.Get("/2fa-admin/" + path + "?tenant=globex")
				if path != "people" || s.refused != "" { // the counts need no record of the tenant
					require.GreaterOrEqual(t, b.Page.Status, 400, path)
				}
				require.NotContains(t, b.Page.Text("main"), "Set up", path)
			}
			require.GreaterOrEqual(t, b.Post("/2fa-admin/requests/x/approve", "tenant", "globex", "totpflow_code", b.phone.Code()).Status, 400)
		})
	}
}

// A page without requests does not say that there are none where some could not be read, and
// the numbers of a list are of the same tenants.
func TestNothingIsSaidOfWhatWasNotRead(t *testing.T) {
	s := newSite(t)
	s.directory.Appoint(root.ID, acme, globex)
	b := s.as(root)
	b.Get("/2fa-admin/people")
	require.Equal(t, "4 of 5 have set it up.", b.Page.Text("counts"))
	require.Empty(t, b.Page.Text("unread"))
	require.Contains(t, b.Get("/2fa-admin/requests").Text("main"), "No requests are pending.")
	s.refused = acme.ID
	b.Get("/2fa-admin/people")
	require.Equal(t, "1 of 1 has set it up.", b.Page.Text("counts"))
	require.Contains(t, b.Page.Text("unread"), "missing here: “Acme”.")
	require.NotContains(t, b.Get("/2fa-admin/requests").Text("main"), "No requests are pending.")
}

// A nameless directory cannot read one person.
type nameless struct {
	adminweb.Directory
	id totpflow.AccountID
}

func (n nameless) Person(ctx context.Context, id totpflow.AccountID) (adminweb.Person, error) {
	if id == n.id {
		return adminweb.Person{}, errors.New("the directory is down")
	}
	return n.Directory.Person(ctx, id)
}

// A person whom the directory cannot read does not hide an open window, which then could not
// be closed.
func TestWindowForAPersonWithoutAName(t *testing.T) {
	s := newSite(t)
	b := s.as(boss)
	b.Post("/2fa-admin/people/change", "person", key(mika), "do", "help")
	b.confirm()
	s.office.Directory = nameless{s.directory, mika.ID}
	b.Get("/2fa-admin/people")
	require.Equal(t, http.StatusOK, b.Page.Status)
	require.Contains(t, b.Page.Text("window"), "“mika”")
	require.Contains(t, s.logged.String(), "the directory is down")
	b.Page.Submit("/2fa-admin/window/close")
	require.Empty(t, b.Page.Text("window"))
}

// The administrators' navigation says which of its pages is shown.
func TestCurrentPage(t *testing.T) {
	s := newSite(t)
	b := s.as(boss)
	for _, page := range []string{"people", "policy", "requests"} {
		b.Get("/2fa-admin/" + page)
		require.Contains(t, b.Page.HTML, `<a href="/2fa-admin/`+page+`" aria-current="page">`)
		require.Equal(t, 1, strings.Count(b.Page.HTML, `aria-current="page"`), page)
	}
}
