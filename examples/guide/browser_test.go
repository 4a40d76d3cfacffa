package guide

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totphttp"
	"github.com/totpflow/totpflow/totptest"
)

// A leftOut is a line of the integration that a host has forgotten: a cookie that the
// answer to a path does not set or clear, or a separate call.
type leftOut struct{ path, cookie string }

var integration = []leftOut{
	{},
	{"/signin", "clear challenge"},
	{"/signin", "set challenge"},
	{"/signin", "clear enrollment"},
	{"/code", "clear challenge"},
	{"/other", "clear challenge"},
	{"/setup", "set enrollment"},
	{"/confirm", "clear challenge"},
	{"/confirm", "clear enrollment"},
	{"end", ""},
	{"start", ""},
	{"confirm's look at whose page it is", ""},
}

// RoundTrip sends a request and drops the cookie of the line that is left out.
func (l leftOut) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || r.URL.Path != l.path {
		return answer, err
	}
	set := answer.Header["Set-Cookie"]
	answer.Header["Set-Cookie"] = nil
	what, name, _ := strings.Cut(l.cookie, " ")
	one := false // drop one line only: another one may do the same
	for _, line := range set {
		c, err := http.ParseSetCookie(line)
		if !one && err == nil && strings.HasSuffix(c.Name, "-"+name) && (c.MaxAge < 0) == (what == "clear") {
			one = true
			continue
		}
		answer.Header.Add("Set-Cookie", line)
	}
	return answer, nil
}

// A sharedBrowser was used by Bob, and then by Ana.
type sharedBrowser struct {
	t       *testing.T
	mfa     *totpflow.Service
	clock   *totptest.Clock
	out     leftOut
	typed   totpflow.User // whose name and password are in the form
	user    totpflow.User // the user of the session
	mark    totpflow.SessionMark
	proof   totpflow.Proof
	shown   map[string]any
	browser *http.Client
	url     string

	optional bool // whether Bob may skip the set-up
}

type optionalForBob struct{ optional *bool }

// Policy implements [policy.Source].
func (o optionalForBob) Policy(_ context.Context, id store.AccountID) (policy.Policy, error) {
	if id == bob.ID && *o.optional {
		return policy.Policy{Mode: policy.Optional}, nil
	}
	return policy.Policy{Mode: policy.Required}, nil
}

var bob = totpflow.User{ID: totpflow.AccountID{User: "41"}, Name: "bob@acme.example"}

func share(t *testing.T, out leftOut) *sharedBrowser {
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	s := &sharedBrowser{t: t, out: out, clock: totptest.NewClock(time.Date(2026, 1, 2, 15, 4, 0, 0, time.UTC)), shown: map[string]any{}}
	s.mfa, err = totpflow.New(totpflow.Config{
		Issuer: "Acme Backup", Store: store.NewMemory(), Keys: keys, Policy: optionalForBob{&s.optional}, Now: s.clock.Now, Observer: event.Slog(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	p := &product{
		mfa:      s.mfa,
		password: func(*http.Request) (totpflow.User, error) { return s.typed, nil },
		start: func(_ http.ResponseWriter, d totpflow.Decision) {
			if out.path != "start" {
				s.user, s.mark, s.proof = totpflow.User{ID: d.ID}, d.Mark, d.Proof
			}
		},
		end: func(http.ResponseWriter, *http.Request) {
			if out.path != "end" {
				s.user, s.mark, s.proof = totpflow.User{}, "", ""
			}
		},
		current: func(*http.Request) (totpflow.User, totpflow.SessionMark, totpflow.Proof) {
			return s.user, s.mark, s.proof
		},
		show: func(_ http.ResponseWriter, page string, data any) { s.shown[page] = data },
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/signin", p.signIn)
	mux.HandleFunc("/code", p.code)
	mux.HandleFunc("/setup", p.setUp)
	mux.HandleFunc("/other", p.otherWays)
	mux.HandleFunc("/confirm", func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(out.path, "confirm's") {
			if done, err := s.mfa.ConfirmEnrollment(r.Context(), totphttp.Enrollment(r), r.PostFormValue("code")); err == nil {
				totphttp.ClearChallenge(w)
				totphttp.ClearEnrollment(w)
				p.start(w, done.Decision)
			}
			return
		}
		p.confirm(w, r)
	})
	mux.HandleFunc("/{$}", func(http.ResponseWriter, *http.Request) {})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	s.url, s.browser = server.URL, &http.Client{Jar: jar, Transport: out}
	return s
}

func (s *sharedBrowser) post(path string, form url.Values) {
	answer, err := s.browser.PostForm(s.url+path, form)
	require.NoError(s.t, err)
	require.NoError(s.t, answer.Body.Close())
}

// qr returns the app of a person who scans the QR code on the page, or nil if there is
// none.
func (s *sharedBrowser) qr() *totptest.Authenticator {
	page, ok := s.shown["setup"].(totpflow.PendingEnrollment)
	if !ok {
		return nil
	}
	app, err := totptest.ScanURI(page.Offer.URI(), s.clock)
	require.NoError(s.t, err)
	return app
}

// has returns the ids of a person's authenticators.
func (s *sharedBrowser) has(u totpflow.User) (ids []string) {
	st, err := s.mfa.Account(u).Status(s.t.Context())
	require.NoError(s.t, err)
	for _, a := range st.Authenticators {
		ids = append(ids, a.ID)
	}
	return ids
}

// enrolls sets up u in their own browser.
func (s *sharedBrowser) enrolls(u totpflow.User) (*totptest.Authenticator, []string) {
	next, err := s.mfa.SignIn(s.t.Context(), u)
	require.NoError(s.t, err)
	page, err := s.mfa.BeginEnrollment(s.t.Context(), next.Challenge)
	require.NoError(s.t, err)
	app, err := totptest.ScanURI(page.Offer.URI(), s.clock)
	require.NoError(s.t, err)
	done, err := s.mfa.ConfirmEnrollment(s.t.Context(), page.Token, app.Code())
	require.NoError(s.t, err)
	s.clock.Advance(time.Minute)
	return app, done.Sheet.Codes
}

// Whichever line of the integration is left out, an authenticator is bound to nobody but
// the person whose password was right last in this browser. Bob has walked away from a
// page; Ana types her password, and then any code of any page.
func TestSharedBrowserBindsToTheLastPassword(t *testing.T) {
	for _, out := range integration {
		for _, bobs := range []string{"must set up", "may set up", "has lost the phone", "is signed in by a lost phone, and asked again"} {
			for _, anas := range []string{"must set up", "is asked for a code", "signs in by a code", "signs in by a recovery code", "has a trusted browser"} {
				t.Run(out.path+" "+out.cookie+"/bob "+bobs+"/ana "+anas, func(t *testing.T) {
					s := share(t, out)
					var app *totptest.Authenticator
					var codes []string
					if anas != "must set up" {
						app, codes = s.enrolls(ana)
					}
					if anas == "has a trusted browser" {
						s.typed = ana
						s.post("/signin", nil)
						s.post("/code", url.Values{"code": {app.Code()}, "trust": {"yes"}})
					}
					s.typed = bob
					switch bobs {
					case "must set up":
						s.post("/signin", nil)
					case "may set up":
						s.optional = true
						s.post("/signin", nil)
						s.post("/setup", nil)
					default:
						_, recoveryCodes := s.enrolls(bob)
						s.post("/signin", nil)
						s.post("/other", url.Values{"recovery_code": {recoveryCodes[0]}})
						if bobs != "has lost the phone" {
							s.post("/signin", nil)
						}
					}
					left := s.qr() // Bob's page, in another tab
					before := s.has(bob)

					s.typed = ana
					delete(s.shown, "setup")
					s.post("/signin", nil)
					switch anas {
					case "signs in by a code":
						s.post("/code", url.Values{"code": {app.Code()}})
					case "signs in by a recovery code":
						s.post("/other", url.Values{"recovery_code": {codes[0]}})
					}
					s.typesEveryCode(left)
					s.post("/setup", nil)
					if page, ok := s.shown["setup"].(totpflow.PendingEnrollment); ok {
						require.Equal(t, ana.ID, page.ID)
						require.Equal(t, ana.Name, page.Name)
					}
					s.typesEveryCode(left)
					require.Equal(t, before, s.has(bob))
					if out == (leftOut{}) && anas == "must set up" {
						require.Len(t, s.has(ana), 1)
						require.Equal(t, ana.ID, s.user.ID)
						require.Len(t, s.shown["recovery codes"].(recovery.Sheet).Codes, recovery.Codes)
					}
				})
			}
		}
	}
}

func (s *sharedBrowser) typesEveryCode(left *totptest.Authenticator) {
	for _, app := range []*totptest.Authenticator{left, s.qr()} {
		if app != nil {
			s.post("/confirm", url.Values{"code": {app.Code()}})
		}
	}
}
