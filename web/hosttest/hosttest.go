// Package hosttest tests a [web.Host]. Begin with [Run] in one test. It stores only
// sessions, in the host that it tests. It defends against sessions that are planted,
// copied or revived. Limiting password guesses is left to you.
//
// It checks that a sign-in gets a new token, that the old one is invalid, that nothing is
// carried over, and that a copied cookie is invalid after the sign-out, even if another
// request with it is under way. It cannot see whether the product calls
// [web.Web.PasswordChanged], has every route below [web.Web.Require], and keeps the
// generation of [web.Config.KeepGeneration].
//
//	func TestHost(t *testing.T) {
//		hosttest.Run(t, func(t *testing.T) hosttest.Fixture { … })
//	}
package hosttest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/web"
)

// A Fixture is a host to test, with two accounts in it.
type Fixture struct {
	Host web.Host

	// Wrap is the host's session middleware. Nil: it has none.
	Wrap func(http.Handler) http.Handler

	User     totpflow.User // an account
	Password string        // the password of User
	Other    totpflow.User // another account

	// Put stores a value in the request's session as the host's own pages do, and Get
	// returns it, empty when there is none. Nil: the host's pages store nothing in
	// sessions. With them, Run checks that nothing is carried over, and that the session
	// library revives no session that a request under way has read.
	Put func(w http.ResponseWriter, r *http.Request, value string) error
	Get func(r *http.Request) string
}

// Run tests the hosts that newFixture returns, a new one for each part.
func Run(t *testing.T, newFixture func(t *testing.T) Fixture) {
	for name, part := range map[string]func(*testing.T, *trial){
		"nobody at first":                          nobody,
		"Begin keeps account and mark":             keeps,
		"Begin makes a new token":                  newToken,
		"Begin ends the session of another person": replaces,
		"Begin refuses a planted token":            planted,
		"Begin alone ends the session":             again,
		"Begin carries nothing over":               nothingOver,
		"End ends a copied cookie":                 copied,
		"End ends it with a request under way":     underWay,
		"End without a session":                    endNothing,
		"a browser's sessions are its own":         apart,
		"CheckPassword":                            passwords,
	} {
		t.Run(name, func(t *testing.T) { part(t, newTrial(t, newFixture(t))) })
	}
}

// A trial is a server with the host's four calls.
type trial struct {
	Fixture
	url  string
	hold chan struct{} // a request to /hold goes on when it is closed
	held chan struct{} // gets one value when it is under way
}

func newTrial(t *testing.T, f Fixture) *trial {
	x := &trial{Fixture: f, hold: make(chan struct{}), held: make(chan struct{}, 1)}
	pages := x.web(t)
	mux := http.NewServeMux()
	handle := func(pattern string, h func(http.ResponseWriter, *http.Request) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := h(w, r); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		})
	}
	// Through AfterPassword, so that the host sees the requests that it will see.
	handle("POST /begin", func(w http.ResponseWriter, r *http.Request) error {
		u := f.User
		if r.FormValue("other") != "" {
			u = f.Other
		}
		pages.AfterPassword(w, r, u)
		return nil
	})
	// A session that goes on after a change begins again, without End before.
	handle("POST /again", func(w http.ResponseWriter, r *http.Request) error { return pages.PasswordChanged(w, r, f.User) })
	handle("POST /end", func(w http.ResponseWriter, r *http.Request) error { return f.Host.End(w, r) })
	handle("GET /session", func(w http.ResponseWriter, r *http.Request) error {
		s, err := f.Host.Session(r)
		if err != nil {
			return err
		}
		return json.NewEncoder(w).Encode(s)
	})
	handle("POST /put", func(w http.ResponseWriter, r *http.Request) error { return f.Put(w, r, "kept") })
	handle("GET /get", func(w http.ResponseWriter, r *http.Request) error {
		_, err := io.WriteString(w, f.Get(r))
		return err
	})
	handle("POST /hold", func(w http.ResponseWriter, r *http.Request) error {
		if _, err := f.Host.Session(r); err != nil {
			return err
		}
		x.held <- struct{}{}
		<-x.hold
		if f.Put != nil {
			return f.Put(w, r, "late") // the session is written once more
		}
		return nil
	})
	var handler http.Handler = mux
	if f.Wrap != nil {
		handler = f.Wrap(handler)
	}
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	x.url = server.URL
	return x
}

// web returns the pages in front of the host, with nothing set up: the password is enough.
func (x *trial) web(t *testing.T) *web.Web {
	t.Helper()
	keys, err := keyring.Parse(keyring.Generate())
	check(t, err)
	service, err := totpflow.New(totpflow.Config{
		Issuer: "hosttest", Store: store.NewMemory(), Keys: keys, Policy: policy.Fixed{Mode: policy.Optional},
		Observer: event.ObserverFunc(func(context.Context, event.Event) {}),
	})
	check(t, err)
	pages, err := web.New(web.Config{
		Service: service, Host: x.Host, Product: "hosttest", Log: slog.New(slog.DiscardHandler),
	})
	check(t, err)
	return pages
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func nobody(t *testing.T, x *trial) { x.browser(t).isNobody("a browser without cookies") }

func keeps(t *testing.T, x *trial) {
	b := x.browser(t)
	b.do(http.MethodPost, "/begin")
	b.is(x.User, "after Begin")
	switch s := b.session(); {
	case s.Mark == "":
		t.Fatal("after Begin: the session has no mark")
	case x.User.Name != "" && s.User.Name != x.User.Name:
		t.Fatalf("after Begin: the name is %q instead of %q", s.User.Name, x.User.Name)
	}
}

func newToken(t *testing.T, x *trial) {
	b := x.browser(t)
	b.do(http.MethodPost, "/begin")
	old, stolen := b.cookies(), b.copy()
	b.do(http.MethodPost, "/begin")
	b.is(x.User, "after the second Begin")
	if same(old, b.cookies()) {
		t.Fatal("the second Begin changed no cookie: the session goes on under the old token")
	}
	stolen.isNobody("a copy of the cookies from before the second Begin")
}

func same(a, b map[string]string) bool {
	for name, value := range b {
		if a[name] != value {
			return false
		}
	}
	return true
}

func replaces(t *testing.T, x *trial) {
	b := x.browser(t)
	b.do(http.MethodPost, "/begin?other=yes")
	stolen := b.copy()
	b.do(http.MethodPost, "/begin")
	b.is(x.User, "after Begin in another person's session")
	stolen.isNobody("a copy of the other person's cookies")
}

func again(t *testing.T, x *trial) {
	b := x.browser(t)
	b.do(http.MethodPost, "/begin")
	old, stolen := b.cookies(), b.copy()
	b.do(http.MethodPost, "/again")
	b.is(x.User, "after Begin in the person's own session")
	if same(old, b.cookies()) {
		t.Fatal("Begin changed no cookie: the session goes on under the old token")
	}
	stolen.isNobody("a copy of the cookies from before Begin")
}

// planted is session fixation: an attacker gets a token that the server knows, by
// visiting the site, and puts it into the victim's browser.
func planted(t *testing.T, x *trial) {
	attacker := x.browser(t)
	if x.Put != nil {
		attacker.do(http.MethodPost, "/put")
	}
	attacker.do(http.MethodGet, "/session")
	victim := attacker.copy()
	victim.do(http.MethodPost, "/begin")
	victim.is(x.User, "after Begin with a planted cookie")
	attacker.isNobody("the browser that planted its cookie")
}

func nothingOver(t *testing.T, x *trial) {
	if x.Put == nil {
		return
	}
	b := x.browser(t)
	b.do(http.MethodPost, "/begin?other=yes")
	b.do(http.MethodPost, "/put")
	if b.do(http.MethodGet, "/get") != "kept" {
		t.Fatal("Put and Get of the fixture keep nothing, so this part tests nothing")
	}
	b.do(http.MethodPost, "/begin")
	if got := b.do(http.MethodGet, "/get"); got != "" {
		t.Fatalf("a value that another person's pages stored in the session is still there after Begin: %q", got)
	}
	b.do(http.MethodPost, "/put")
	b.do(http.MethodPost, "/again") // Begin without End before it, as between the password and the code
	if got := b.do(http.MethodGet, "/get"); got != "" {
		t.Fatalf("a value that was stored in the session before Begin is still there after it: %q", got)
	}
	b.do(http.MethodPost, "/put")
	b.do(http.MethodPost, "/end")
	if got := b.do(http.MethodGet, "/get"); got != "" {
		t.Fatalf("a value that was stored in the session is still there after End: %q", got)
	}
}

func copied(t *testing.T, x *trial) {
	b := x.browser(t)
	b.do(http.MethodPost, "/begin")
	stolen := b.copy()
	stolen.is(x.User, "a copied cookie before End")
	b.do(http.MethodPost, "/end")
	b.isNobody("after End")
	stolen.isNobody("a copied cookie after End")
}

// underWay is a race that always happens: a slow request of the session ends after the
// sign-out, and its session library writes back the session that it read.
func underWay(t *testing.T, x *trial) {
	b := x.browser(t)
	b.do(http.MethodPost, "/begin")
	stolen, slow := b.copy(), b.copy()
	done := make(chan error, 1)
	go func() {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, x.url+"/hold", strings.NewReader(""))
		if err != nil {
			done <- err
			return
		}
		res, err := slow.client.Do(req)
		if err == nil {
			err = res.Body.Close()
		}
		done <- err
	}()
	select {
	case <-x.held:
	case err := <-done:
		t.Fatalf("the slow request ended at once: %v", err)
	}
	b.do(http.MethodPost, "/end")
	close(x.hold)
	check(t, <-done)
	stolen.isNobody("a copied cookie after End, when a slow request had written the session back")
	slow.isNobody("the browser of the slow request")
}

func endNothing(t *testing.T, x *trial) {
	b := x.browser(t)
	b.do(http.MethodPost, "/end")
	b.isNobody("after End without a session")
	b.do(http.MethodPost, "/begin")
	b.is(x.User, "Begin after End")
}

func apart(t *testing.T, x *trial) {
	one, two := x.browser(t), x.browser(t)
	one.do(http.MethodPost, "/begin")
	two.do(http.MethodPost, "/begin?other=yes")
	one.is(x.User, "the first browser")
	two.is(x.Other, "the second browser")
	two.do(http.MethodPost, "/end")
	one.is(x.User, "the first browser after the second one's End")
}

func passwords(t *testing.T, x *trial) {
	ctx := t.Context()
	if err := x.Host.CheckPassword(ctx, x.User.ID, x.Password); err != nil {
		t.Fatalf("the right password: %v", err)
	}
	for what, try := range map[string]struct {
		id       totpflow.AccountID
		password string
	}{
		"a wrong password":             {x.User.ID, x.Password + "x"},
		"no password":                  {x.User.ID, ""},
		"an account that is not there": {totpflow.AccountID{Tenant: x.User.ID.Tenant, User: "hosttest-nobody"}, x.Password},
		"no account":                   {totpflow.AccountID{}, ""},
	} {
		if err := x.Host.CheckPassword(ctx, try.id, try.password); !errors.Is(err, web.ErrPassword) {
			t.Errorf("%s: %v instead of web.ErrPassword", what, err)
		}
	}
	if x.Other.ID.Tenant != x.User.ID.Tenant {
		id := totpflow.AccountID{Tenant: x.Other.ID.Tenant, User: x.User.ID.User}
		if err := x.Host.CheckPassword(ctx, id, x.Password); err == nil {
			t.Error("the same user id in another tenant has the same password: another tenant is another account")
		}
	}
}
