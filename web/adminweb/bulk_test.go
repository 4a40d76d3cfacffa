package adminweb_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/web/adminweb"
	"github.com/totpflow/totpflow/web/webtest"
)

// cutting hangs up once it has deleted a record.
type cutting struct {
	store.Store
	then func()
}

func (c cutting) Delete(ctx context.Context, id store.AccountID, was store.Version) error {
	err := c.Store.Delete(ctx, id, was)
	c.then()
	return err
}

// A browser that hangs up once the first part is done: a code or a request that is used up
// is carried out for everybody, and a person whose record was deleted is deleted from the
// host as well.
func TestBrowserHangsUp(t *testing.T) {
	var s *site
	hangUp := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.hangUp()
	}
	s = newSite(t, func(c *totpflow.Config) {
		c.Store = cutting{store.NewMemory(), hangUp}
		c.Observer = event.ObserverFunc(func(_ context.Context, e event.Event) {
			if e.Kind == event.Reset {
				hangUp()
			}
		})
	})
	submit := func(b *person) { b.Page.Submit(b.Page.Path, "totpflow_code", b.phone.Code()) }
	b := s.as(root)
	b.Post("/2fa-admin/people/change", "person", key(mika), "person", key(gil), "scope", "authenticators", "do", "reset")
	submit(b)
	require.Equal(t, admin.StateRequired, s.member(mika).State)
	require.Equal(t, admin.StateRequired, s.member(gil).State)
	require.NotContains(t, s.logged.String(), "a window was not closed")

	b.open(gil)
	b.Page.Submit("/2fa-admin/person/forget")
	submit(b)
	require.Equal(t, []string{"gil"}, s.erased)

	s.setPolicy("acme", policy.Policy{Mode: policy.Optional, TwoAdministrators: true})
	d := s.as(deputy)
	d.open(mika)
	d.Page.Submit("/2fa-admin/person/forget")
	d.confirm()
	b = s.as(boss)
	b.Get("/2fa-admin/requests")
	b.Page.Submit(action(t, b, "/2fa-admin/requests/*approve"))
	submit(b)
	require.Equal(t, []string{"gil", "mika"}, s.erased)
}

// After a change of several people, the page does not say that it is done for all of them
// where some were left out.
func TestDoneExceptForSome(t *testing.T) {
	s := newSite(t)
	_, err := s.admin.Exempt(context.Background(), ops, gil.ID, "nightly backup")
	require.NoError(t, err)
	b := s.as(root)
	const all, some = "It is done for all of them.", "It is done, except for the people who were left out."
	for _, c := range []struct {
		do, notice string
		people     []adminweb.Person
	}{
		{"issue", some, []adminweb.Person{mika, nora}},
		{"remind", some, []adminweb.Person{mika, nora}},
		{"reset", some, []adminweb.Person{mika, nora}},
		{"reset", some, []adminweb.Person{deputy, gil}}, // a machine
		{"reset", all, []adminweb.Person{mika, deputy}},
		{"reset", all, []adminweb.Person{mika, boss}},
		{"remind", all, []adminweb.Person{nora}},
	} {
		form := []string{"scope", "all", "do", c.do}
		for _, one := range c.people {
			form = append(form, "person", key(one))
		}
		b.Get("/2fa-admin/people")
		b.Post("/2fa-admin/people/change", form...)
		if fields := b.Page.Fields(b.Page.Path); fields.Has("totpflow_confirm") {
			b.Page.Submit(b.Page.Path)
		} else {
			b.confirm()
		}
		require.Contains(t, b.Page.Text("main"), c.notice, "%s %v", c.do, c.people)
	}
}

// A counting directory counts the people that it lists.
type counting struct {
	adminweb.Directory
	listed *int
}

func (c counting) People(ctx context.Context, q adminweb.Query) (adminweb.People, error) {
	page, err := c.Directory.People(ctx, q)
	*c.listed += len(page.People)
	return page, err
}

// A form for everyone who was found looks at no more people than a page of the list does,
// and the page that confirms says that there are others: otherwise one request opens the
// records of a million people.
func TestEveryoneWhoWasFound(t *testing.T) {
	s := newSite(t)
	s.freeze(deputy)
	for i := range 1100 {
		s.directory.Add(one("acme", fmt.Sprint("n", i), fmt.Sprint("New ", i)))
	}
	last := one("acme", "zoe", "Zoe Zett")
	s.directory.Add(last)
	s.hire(last)
	s.freeze(last)
	listed := 0
	s.office.Directory = counting{s.directory, &listed}
	b := s.as(boss)
	everyone := func(filter, search string) *webtest.Page {
		listed = 0
		return b.Post("/2fa-admin/people/change", "all", "yes", "tenant", "*", "filter", filter, "q", search, "do", "reset", "scope", "all")
	}
	page := everyone("frozen", "")
	require.Equal(t, 1000, listed)
	require.Contains(t, page.Text("doing"), "“Dee Puty” Only the first 1000 people of the list were searched.")
	require.Contains(t, b.confirm().Text("main"), "It is done, except for the people who were left out.")
	require.Equal(t, admin.StateRequired, s.member(deputy).State)
	require.Equal(t, admin.StateFrozen, s.member(last).State)

	page = everyone("frozen", "")
	require.Contains(t, page.Text("error"), "At most 1000 people at once.", "nobody among the first 1000")
	page = everyone("frozen", "zoe")
	require.Contains(t, page.Text("doing"), "“Zoe Zett”")
	require.NotContains(t, page.Text("doing"), "Only the first")
	page = everyone("", "")
	require.Contains(t, page.Text("error"), "At most 1000 people at once.")
	page = everyone("phone", "zoe")
	require.Contains(t, page.Text("error"), "Choose somebody first.")
}
