package web_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/store"
)

// The link of a mail, opened again after it has closed the account, says that it is closed.
// A record that cannot be read hides no button.
func TestClosedAlready(t *testing.T) {
	s := newSite(t)
	s.user(ana)
	change := s.events[slices.IndexFunc(s.events, func(e event.Event) bool { return e.Kind == event.EnrollmentConfirmed })]
	link := "/2fa/not-me?event=" + string(s.service.NewDisownToken(change))
	p := s.browser()
	s.line.hide(ana.ID, store.ErrUnavailable)
	p.Get(link)
	require.Contains(t, p.Page.Actions(), "/2fa/not-me")
	s.line.hide(ana.ID, nil)
	p.Page.Submit("/2fa/not-me")
	p.is(http.StatusOK, "/2fa/not-me", "Your account is closed")
	p.Get(link)
	p.is(http.StatusOK, link, "Your account is closed")
	require.NotContains(t, p.Page.Actions(), "/2fa/not-me")
}
