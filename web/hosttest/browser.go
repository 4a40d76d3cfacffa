package hosttest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/web"
)

// A browser is a client with a jar.
type browser struct {
	t      *testing.T
	x      *trial
	client *http.Client
}

func (x *trial) browser(t *testing.T) *browser {
	jar, err := cookiejar.New(nil)
	check(t, err)
	client := &http.Client{
		Transport:     x.transport(),
		Jar:           jar,
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &browser{t, x, client}
}

func (x *trial) transport() http.RoundTripper {
	// The certificate is the test server's own.
	return insecure()
}

// copy returns another browser with the same cookies, as a thief would have it.
func (b *browser) copy() *browser {
	c := b.x.browser(b.t)
	u, err := url.Parse(b.x.url)
	check(b.t, err)
	c.client.Jar.SetCookies(u, secure(b.client.Jar.Cookies(u)))
	return c
}

// secure gives cookies that a jar returned the attributes that a jar asks for.
func secure(cookies []*http.Cookie) []*http.Cookie {
	for _, c := range cookies {
		c.Path, c.Secure = "/", true
	}
	return cookies
}

// cookies returns the browser's cookies, as name and value.
func (b *browser) cookies() map[string]string {
	u, err := url.Parse(b.x.url)
	check(b.t, err)
	all := map[string]string{}
	for _, c := range b.client.Jar.Cookies(u) {
		all[c.Name] = c.Value
	}
	return all
}

func (b *browser) do(method, path string) string {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.x.url+path, strings.NewReader(""))
	check(b.t, err)
	res, err := b.client.Do(req)
	check(b.t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	check(b.t, err)
	if res.StatusCode >= 400 {
		b.t.Fatalf("%s %s: %s: %s", method, path, res.Status, body)
	}
	return string(body)
}

func (b *browser) session() (s web.Session) {
	b.t.Helper()
	check(b.t, json.Unmarshal([]byte(b.do(http.MethodGet, "/session")), &s))
	return s
}

func (b *browser) is(u totpflow.User, when string) {
	b.t.Helper()
	if got := b.session().User.ID; got != u.ID {
		b.t.Fatalf("%s: the session is of %v instead of %v", when, got, u.ID)
	}
}

func (b *browser) isNobody(when string) {
	b.t.Helper()
	if s := b.session(); !s.IsZero() {
		b.t.Fatalf("%s: the session is of %v instead of nobody", when, s.User.ID)
	}
}
