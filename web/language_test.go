package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Anybody can send a long Accept-Language header: the work for it is bounded, and there is
// none where a cookie decides. The tags at its beginning count.
func TestLongAcceptLanguage(t *testing.T) {
	s := newSite(t)
	request := func(header string, cookies ...string) *http.Request {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/2fa/code", nil)
		r.Header.Set("Accept-Language", header)
		for _, tag := range cookies {
			r.AddCookie(&http.Cookie{Name: "__Host-totpflow-language", Value: tag})
		}
		return r
	}
	work := func(r *http.Request) float64 { return testing.AllocsPerRun(3, func() { s.pages.LanguageOf(r) }) }
	many := strings.Repeat("aa,", 300_000) // 900 kB
	require.LessOrEqual(t, work(request(many)), work(request(many[:256])))
	require.LessOrEqual(t, work(request(many, "es")), work(request("", "es")))
	require.Equal(t, "es", s.pages.LanguageOf(request(many, "es")).Tag())

	require.Equal(t, "de", s.pages.LanguageOf(request("de,"+many)).Tag())
	require.Equal(t, "de", s.pages.LanguageOf(request(many[:252]+"de,"+many)).Tag(), "the last whole tag")
	require.Equal(t, "en", s.pages.LanguageOf(request(many[:246]+"abk,abk,del,"+many)).Tag(), "Delaware is cut off, and not to German")
	require.Equal(t, "en", s.pages.LanguageOf(request(strings.Repeat("a", 300)+",de")).Tag(), "not one tag")
}
