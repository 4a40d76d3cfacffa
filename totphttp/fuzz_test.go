package totphttp_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/totphttp"
)

// Whatever headers a request has: only our cookies are read, each under its own name, and
// the texts that are kept of a request are bounded and printable.
func FuzzRequest(f *testing.F) {
	f.Add("__Host-totpflow-challenge=abc; __Host-totpflow-trust-AAAA=t1; __Host-totpflow-trust-BBBB=t2", "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0", "192.0.2.7:4711")
	f.Add(`__host-totpflow-challenge=no; __Host-totpflow-enrollment="q"; totpflow-trust-x=1`, "\x1b[31mEdg/\r\n", "[2001:db8::1%eth0]:1")
	f.Add("__Host-totpflow-trust-=;;;=;__Host-totpflow-challenge", "", "")
	f.Add(strings.Repeat("__Host-totpflow-trust-a=b;", 1000), strings.Repeat("\xff", 5000), strings.Repeat("9", 500))
	f.Fuzz(func(t *testing.T, cookies, agent, from string) {
		r := httptest.NewRequest(http.MethodPost, "/code", nil)
		r.Header = http.Header{"Cookie": {cookies}, "User-Agent": {agent}}
		r.RemoteAddr = from

		c, e, tokens := totphttp.Challenge(r), totphttp.Enrollment(r), totphttp.TrustTokens(r)
		require.LessOrEqual(t, len(c)+len(e), len(cookies))
		require.LessOrEqual(t, len(tokens), strings.Count(cookies, "__Host-totpflow-trust-"))
		if !strings.Contains(cookies, "__Host-totpflow-challenge") {
			require.Empty(t, string(c))
		}
		if !strings.Contains(cookies, "__Host-totpflow-enrollment") {
			require.Empty(t, string(e))
		}
		for _, token := range tokens {
			require.Contains(t, cookies, string(token))
		}

		source := event.SourceOf(totphttp.Context(r))
		require.Equal(t, source.Clean(), source)
		require.Regexp(t, `^[A-Za-z ]{4,40}$`, totphttp.BrowserLabel(r))
	})
}

// A token comes back from the browser as it was sent, or the browser was given none.
func FuzzCookies(f *testing.F) {
	f.Add("eyJhbGciOiJub25lIn0_-")
	f.Add("a;b=c")
	f.Add(`"quoted"`)
	f.Add("\r\nSet-Cookie: x=y")
	f.Fuzz(func(t *testing.T, value string) {
		w := httptest.NewRecorder()
		totphttp.SetChallenge(w, totpflow.Challenge(value))
		totphttp.SetEnrollment(w, totpflow.EnrollmentToken(value))
		require.Len(t, w.Header(), 1, "no header but Set-Cookie")
		require.Len(t, w.Header().Values("Set-Cookie"), 2)
		r := requestWith(w.Result().Cookies()...)
		require.Equal(t, string(totphttp.Challenge(r)), string(totphttp.Enrollment(r)))
		if strings.Trim(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == "" { // base64url, as ours are
			require.Equal(t, value, string(totphttp.Challenge(r)))
		}
	})
}
