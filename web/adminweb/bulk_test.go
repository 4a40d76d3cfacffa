package adminweb_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
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
