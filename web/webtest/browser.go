package webtest

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Serve runs the handler on a server with TLS until the test ends, and returns its
// address. Cookies whose names begin with __Host- need TLS.
func Serve(t testing.TB, h http.Handler) string {
	t.Helper()
	server := httptest.NewTLSServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// A Browser is one person's. It is not safe for concurrent use.
type Browser struct {
	Page   *Page       // the one that was shown last
	Header http.Header // sent with every request, such as Accept-Language

	t      testing.TB
	url    *url.URL
	client *http.Client
}

// NewBrowser returns a browser without cookies at the address of [Serve].
func NewBrowser(t testing.TB, address string) *Browser {
	t.Helper()
	u, err := url.Parse(address)
	must(t, err)
	jar, err := cookiejar.New(nil)
	must(t, err)
	return &Browser{
		t: t, url: u, Header: http.Header{"Accept": {"text/html"}},
		client: &http.Client{
			Jar: jar, Timeout: time.Minute,
			Transport: &http.Transport{
				TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // a test server of this process
				DisableKeepAlives: true,                                  // so that the server can close at the end of the test
			},
		},
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Copy returns a browser with the same cookies: a second window, or a thief who copied
// them.
func (b *Browser) Copy() *Browser {
	b.t.Helper()
	c := NewBrowser(b.t, b.url.String())
	c.Header = b.Header.Clone()
	cookies := b.client.Jar.Cookies(b.url)
	for _, k := range cookies {
		k.Path, k.Secure = "/", true
	}
	c.client.Jar.SetCookies(b.url, cookies)
	return c
}

// Cookies returns the browser's cookies.
func (b *Browser) Cookies() []*http.Cookie { return b.client.Jar.Cookies(b.url) }

// Get opens a path, with its query.
func (b *Browser) Get(path string) *Page {
	b.t.Helper()
	return b.send(b.request(http.MethodGet, path, nil))
}

// Post sends fields, names and values in turn, as a form that is not on any page.
func (b *Browser) Post(path string, fields ...string) *Page {
	b.t.Helper()
	return b.send(b.request(http.MethodPost, path, b.values(fields)))
}

func (b *Browser) values(pairs []string) url.Values {
	b.t.Helper()
	if len(pairs)%2 != 0 {
		b.t.Fatalf("webtest: %q are not names and values", pairs)
	}
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return form
}

func (b *Browser) request(method, path string, form url.Values) *http.Request {
	b.t.Helper()
	to, err := b.url.Parse(path)
	must(b.t, err)
	req, err := http.NewRequestWithContext(b.t.Context(), method, to.String(), strings.NewReader(form.Encode()))
	must(b.t, err)
	for name, values := range b.Header {
		req.Header[name] = values
	}
	if b.Page != nil {
		req.Header.Set("Referer", b.url.Scheme+"://"+b.url.Host+b.Page.Path)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	return req
}

func (b *Browser) send(req *http.Request) *Page {
	b.t.Helper()
	res, err := b.client.Do(req)
	must(b.t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	must(b.t, err)
	b.Page = newPage(b, res, string(body))
	return b.Page
}

// Do sends a request that the test made. It has only the cookies that the test gave it.
func (b *Browser) Do(req *http.Request) *Page {
	b.t.Helper()
	c := NewBrowser(b.t, b.url.String())
	return c.send(req)
}

// SetCookie plants a cookie.
func (b *Browser) SetCookie(name, value string) {
	b.client.Jar.SetCookies(b.url, []*http.Cookie{{Name: name, Value: value, Path: "/", Secure: true}})
}
