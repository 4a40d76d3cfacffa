package totphttp_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/totphttp"
	"github.com/totpflow/totpflow/trust"
)

// sent returns the only cookie that f sets.
func sent(t *testing.T, f func(http.ResponseWriter)) *http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	f(w)
	cookies := w.Result().Cookies()
	require.Len(t, cookies, 1)
	require.NoError(t, cookies[0].Valid())
	return cookies[0]
}

func requestWith(cookies ...*http.Cookie) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/code", nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
}

func browser(t *testing.T, user string) totpflow.Browser {
	t.Helper()
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	at := time.Now()
	token, _ := trust.Issue(keys, trust.Scope{User: user, Audience: "test"}, "x", at)
	return totpflow.Browser{Token: token, Expires: at.Add(time.Hour)}
}

// RFC 6265bis §4.1.3.2: a __Host- cookie is Secure, has the path / and no domain; ours
// are also out of reach of scripts and of cross-site posts.
func TestCookieAttributes(t *testing.T) {
	for name, f := range map[string]func(http.ResponseWriter){
		"challenge":        func(w http.ResponseWriter) { totphttp.SetChallenge(w, "c") },
		"challenge ended":  totphttp.ClearChallenge,
		"enrollment":       func(w http.ResponseWriter) { totphttp.SetEnrollment(w, "e") },
		"enrollment ended": totphttp.ClearEnrollment,
		"trust":            func(w http.ResponseWriter) { totphttp.SetTrust(w, browser(t, "42")) },
	} {
		t.Run(name, func(t *testing.T) {
			c := sent(t, f)
			require.True(t, strings.HasPrefix(c.Name, "__Host-totpflow-"), c.Name)
			require.True(t, c.Secure)
			require.True(t, c.HttpOnly)
			require.Equal(t, http.SameSiteLaxMode, c.SameSite)
			require.Equal(t, "/", c.Path)
			require.Empty(t, c.Domain)
			if strings.HasSuffix(name, "ended") {
				require.Negative(t, c.MaxAge)
			} else {
				require.Positive(t, c.MaxAge)
			}
		})
	}
}

// A prefix that a browser would not accept as part of a name costs every sign-in its
// cookie: it is refused when the program starts. Two prefixes are two sign-ins.
func TestPrefixes(t *testing.T) {
	for prefix, good := range map[string]bool{
		"a": true, "z": true, "A": true, "Z": true, "0": true, "9": true, "-": true, "North-2": true, strings.Repeat("x", 32): true,
		"": false, strings.Repeat("x", 33): false, "`": false, "{": false, "@": false, "[": false, "/": false, ":": false, "a=b": false, "a;b": false, "a b": false, "é": false,
	} {
		cookies, err := totphttp.NewCookies(prefix)
		if !good {
			require.ErrorIs(t, err, totphttp.ErrPrefix, "%q", prefix)
			continue
		}
		require.NoError(t, err, "%q", prefix)
		c := sent(t, func(w http.ResponseWriter) { cookies.SetChallenge(w, "c") })
		require.Equal(t, "__Host-"+prefix+"-challenge", c.Name)
		require.Equal(t, "c", string(cookies.Challenge(requestWith(c))))
		require.Empty(t, totphttp.Challenge(requestWith(c)), "it is another product's")
	}
}

// A cookie lives no longer than its content is valid.
func TestCookieAges(t *testing.T) {
	for want, f := range map[time.Duration]func(http.ResponseWriter){
		10 * time.Minute:    func(w http.ResponseWriter) { totphttp.SetChallenge(w, "c") },
		15 * time.Minute:    func(w http.ResponseWriter) { totphttp.SetEnrollment(w, "e") },
		90 * 24 * time.Hour: func(w http.ResponseWriter) { totphttp.SetTrust(w, browser(t, "42")) },
	} {
		require.Equal(t, int(want.Seconds()), sent(t, f).MaxAge)
	}
}

func TestRoundTrips(t *testing.T) {
	r := requestWith(sent(t, func(w http.ResponseWriter) { totphttp.SetChallenge(w, "chal") }),
		sent(t, func(w http.ResponseWriter) { totphttp.SetEnrollment(w, "enr") }))
	require.Equal(t, "chal", string(totphttp.Challenge(r)))
	require.Equal(t, "enr", string(totphttp.Enrollment(r)))
	require.Empty(t, totphttp.Challenge(requestWith()))
	require.Empty(t, totphttp.Enrollment(requestWith()))
	require.Empty(t, totphttp.TrustTokens(requestWith()))
}

// Two people trust the same browser: neither's cookie replaces the other's.
func TestTwoPeopleOneBrowser(t *testing.T) {
	a, b := browser(t, "42"), browser(t, "43")
	ca := sent(t, func(w http.ResponseWriter) { totphttp.SetTrust(w, a) })
	cb := sent(t, func(w http.ResponseWriter) { totphttp.SetTrust(w, b) })
	require.NotEqual(t, ca.Name, cb.Name)
	require.Contains(t, ca.Name, "trust")
	var got []string
	for _, token := range totphttp.TrustTokens(requestWith(ca, cb, &http.Cookie{Name: "other", Value: "x"}, &http.Cookie{Name: "__Host-other", Value: "x"})) {
		got = append(got, string(token))
	}
	require.Equal(t, []string{string(a.Token), string(b.Token)}, got)
}

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 200},
		{totpflow.ErrRejected, 403},
		{fmt.Errorf("%w: %w", totpflow.ErrRejected, totp.ErrMalformedCode), 403},
		{fmt.Errorf("%w: %w", totpflow.ErrRejected, recovery.ErrMalformed), 403},
		{totpflow.ErrAlreadyUsed, 403},
		{totpflow.ErrProof, 403},
		{totpflow.ErrFactorRequired, 403},
		{totpflow.ErrTrustNotOffered, 403},
		{totpflow.ErrNotEnrolled, 403},
		{totpflow.ErrRecordLost, 403},
		{totpflow.ErrNoBrowser, 404},
		{totpflow.ErrFrozen, 403},
		{totpflow.ErrExempt, 403},
		{totpflow.ErrNotExempt, 403},
		{totpflow.ErrMethodNotAllowed, 403},
		{totpflow.ErrPasswordRecent, 403},
		{totpflow.ErrDisownToken, 403},
		{fmt.Errorf("%w: not of this tenant", admin.ErrNotAllowed), 403},
		{admin.ErrSelf, 403},
		{&admin.ApprovalError{}, 202},
		{admin.ErrNoAccount, 404},
		{admin.ErrNoRequest, 404},
		{enroll.ErrUnknown, 404},
		{admin.ErrAlreadyEnrolled, 409},
		{admin.ErrTooManyRequests, 409},
		{&enroll.TransitionError{}, 409},
		{admin.ErrGrace, 400},
		{admin.ErrScope, 400},
		{admin.ErrBulk, 400},
		{admin.ErrMachineName, 400},
		{store.ErrID, 400},
		{totpflow.ErrChallenge, 401},
		{totpflow.ErrEnrollmentExpired, 401},
		{&throttle.Error{Wait: time.Minute}, 429},
		{&throttle.Error{}, 429},
		{fmt.Errorf("%w: %w", store.ErrUnavailable, context.DeadlineExceeded), 503},
		{totpflow.ErrPhoneCode, 403},
		{totpflow.ErrNumberAssigned, 403},
		{fmt.Errorf("%w: %w", totpflow.ErrNoPhone, phone.ErrUnknown), 404},
		{fmt.Errorf("%w: %w", totpflow.ErrPhoneLimit, phone.ErrLimit), 429},
		{phone.ErrKnown, 409},
		{phone.ErrTooManyPhones, 409},
		{phone.ErrNumber, 400},
		{phone.ErrDestination, 400},
		{phone.ErrVia, 400},
		{phone.ErrUndeliverable, 400},
		{phone.ErrUnavailable, 503},
		{phone.ErrProvider, 503},
		{totpflow.ErrPolicy, 500},
		{errors.New("unknown"), 500},
	} {
		w := httptest.NewRecorder()
		require.Equal(t, c.want, totphttp.StatusCode(w, c.err), "%v", c.err)
		if c.want != 429 {
			require.Empty(t, w.Header().Get("Retry-After"))
		}
	}
	w := httptest.NewRecorder()
	totphttp.StatusCode(w, &throttle.Error{Wait: time.Hour - time.Nanosecond})
	require.Equal(t, "3600", w.Header().Get("Retry-After"))
	w = httptest.NewRecorder()
	totphttp.StatusCode(w, &throttle.Error{})
	require.Empty(t, w.Header().Get("Retry-After"), "waiting does not help")
}

// The address is the connection's: a header that anybody can send is not
// believed.
func TestContext(t *testing.T) {
	r := requestWith()
	r.RemoteAddr = "192.0.2.1:1234"
	r.Header.Set("User-Agent", "Test\x1b[31m/1.0")
	r.Header.Set("X-Forwarded-For", "203.0.113.9")
	got := event.SourceOf(totphttp.Context(r))
	require.Equal(t, "192.0.2.1", got.Address)
	require.Contains(t, got.UserAgent, "Test")
	require.NotContains(t, got.UserAgent, "\x1b")
	r.RemoteAddr = "@"
	require.Equal(t, "@", event.SourceOf(totphttp.Context(r)).Address)
}

func TestBrowserLabel(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                                  "Firefox on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0":           "Edge on Windows",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36":                         "Chrome on Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1": "Safari on iPhone",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15":                   "Safari on macOS",
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36":                         "Chrome on Android",
		"curl/8.9":      "Unknown browser",
		"Firefox/1":     "Firefox",
		"agent (Linux)": "Browser on Linux",
		"":              "Unknown browser",
	} {
		r := requestWith()
		r.Header.Set("User-Agent", agent)
		require.Equal(t, want, totphttp.BrowserLabel(r), agent)
	}
}
