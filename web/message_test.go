package web_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

// Where the store does not answer, a page says that nothing was changed only if that is
// certain: misled by a wrong message, a person does a thing twice, or leaves a thief's
// session open.
func TestUnavailable(t *testing.T) {
	const certain, uncertain = "Nothing was changed.", "do not know whether this was done"
	down := errors.New("down")
	for name, c := range map[string]struct {
		fail func(*site)
		says string
		done bool
	}{
		"before the write": {func(s *site) {
			s.store.SetFaults(totptest.Faults{Put: fmt.Errorf("%w: disk full", store.ErrNotWritten)})
		}, certain, false},
		"at the write":                   {func(s *site) { s.store.SetFaults(totptest.Faults{Put: down}) }, uncertain, false},
		"after the write":                {func(s *site) { s.line.set(true) }, uncertain, true},
		"after it, and seen to be there": {func(s *site) { s.store.SetFaults(totptest.Faults{Lost: down}) }, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			p, _ := s.user(ana)
			other := s.browser()
			for _, b := range []*person{p, other} {
				b.password(ana)
				b.Page.Submit("/2fa/code", "code", p.phone.Code())
			}
			p.Get("/2fa/security")
			c.fail(s)
			p.Page.Submit("/2fa/security/end-sessions")
			if c.says == "" {
				require.Equal(t, []any{http.StatusOK, "/2fa/security"}, []any{p.Page.Status, p.Page.Path})
			} else {
				require.Equal(t, http.StatusServiceUnavailable, p.Page.Status)
				for _, text := range []string{certain, uncertain} {
					require.Equal(t, text == c.says, strings.Contains(p.Page.Text("main"), text), p.Page.Text("main"))
				}
			}
			s.store.SetFaults(totptest.Faults{})
			s.line.set(false)
			require.Equal(t, c.done, other.Get("/").Status != http.StatusOK, "the other session has ended")
		})
	}
}

// A code that a form has used up is a change: where the call after it writes nothing, the
// page does not say that nothing was changed.
func TestUnavailableAfterTheCode(t *testing.T) {
	s := newSite(t)
	p := s.signedIn()
	s.heard = func(e event.Event) {
		if e.Kind == event.Reauthenticated {
			s.store.SetFaults(totptest.Faults{Get: errors.New("down")})
		}
	}
	p.Get("/backups/42")
	p.Page.Submit("/backups/42/delete")
	p.Page.Submit("/backups/42/delete", "totpflow_code", p.phone.Code())
	require.Equal(t, http.StatusServiceUnavailable, p.Page.Status)
	require.Contains(t, p.Page.Text("main"), "do not know whether this was done")
	require.Empty(t, s.deleted)
}

// The code of a sign-in whose answer is lost was used nevertheless, and the page does not
// say otherwise.
func TestUnavailableAtSignIn(t *testing.T) {
	s := newSite(t)
	p, _ := s.user(ana)
	p.password(ana)
	s.line.set(true)
	code := p.phone.Code()
	p.Page.Submit("/2fa/code", "code", code)
	require.Equal(t, http.StatusServiceUnavailable, p.Page.Status)
	require.Contains(t, p.Page.Text("main"), "do not know whether this was done")
	s.line.set(false)
	require.Equal(t, "/signin", p.Get("/").Path)
	p.password(ana)
	p.Page.Submit("/2fa/code", "code", code)
	require.Contains(t, p.Page.Text("error"), "This code has been used already.")
}

// A page that could not be read promises nothing about changes, since it would have made
// none.
func TestUnavailablePage(t *testing.T) {
	s := newSite(t)
	p := s.browser()
	p.password(ana)
	s.store.SetFaults(totptest.Faults{Get: errors.New("down")})
	p.Get("/2fa/security")
	require.Equal(t, http.StatusServiceUnavailable, p.Page.Status)
	require.Contains(t, p.Page.Text("main"), "We cannot reach our database at the moment. Please try again in a minute.")
}
