package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A page that asks for a code sends it to this site, even behind a router that passes on a
// path with two slashes, which a browser reads as another site's name.
func TestStepUpSendsTheCodeToThisSite(t *testing.T) {
	s := newSite(t)
	p := s.signedIn()
	remove := s.pages.StepUp("delete backup", nil)(http.NotFoundHandler())
	for address, to := range map[string]string{
		"/backups/42?a=b":               "/backups/42?a=b",
		"//evil.example/x?a=b":          "/evil.example/x?a=b",
		"///evil.example/x":             "/evil.example/x",
		`/\evil.example/x`:              "/%5Cevil.example/x",
		"http://evil.example//x":        "/x",
		"/" + strings.Repeat("x", 3000): "/" + strings.Repeat("x", 3000),
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, address, nil)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		for _, c := range p.Cookies() {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		remove.ServeHTTP(w, r)
		require.Equal(t, http.StatusForbidden, w.Code, address)
		require.Contains(t, w.Body.String(), `action="`+to+`"`, address)
	}
}
