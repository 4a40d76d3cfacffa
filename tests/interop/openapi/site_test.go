package openapi_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/web"
	"github.com/totpflow/totpflow/web/memhost"
)

const (
	password = "correct horse"
	methods  = policy.App | policy.RecoveryCodes | policy.Phone
)

type object = map[string]any

// A site is a product with an API: a sign-in, and one call that requires a code. It is
// used by one request at a time, so that nothing here is locked.
type site struct {
	t       *testing.T
	url     string
	client  *http.Client
	clock   *totptest.Clock
	store   *totptest.Store
	garbled *garbled
	host    *host
	service *totpflow.Service
	check   validator.Validator
	spec    object
	seen    map[string]bool

	policies policy.Policy
	code     string // that was sent by phone
	sending  error
	last     event.Event
}

// A host in memory that fails on demand.
type host struct {
	*memhost.Host
	fails bool
}

func (h *host) End(w http.ResponseWriter, r *http.Request) error {
	if h.fails {
		return errors.New("the host's database is down")
	}
	return h.Host.End(w, r)
}

// A garbled store returns records that do not open, on demand.
type garbled struct {
	store.Store
	on bool
}

func (g *garbled) Get(ctx context.Context, id totpflow.AccountID) (store.Record, error) {
	rec, err := g.Store.Get(ctx, id)
	if g.on && len(rec.Sealed) > 0 {
		rec.Sealed = bytes.Repeat([]byte{1}, len(rec.Sealed))
	}
	return rec, err
}

func (s *site) Policy(context.Context, totpflow.AccountID) (policy.Policy, error) {
	return s.policies, nil
}

func (s *site) Send(_ context.Context, m phone.Message) error {
	s.code = m.Code.Digits()
	return s.sending
}

func (s *site) Handle(_ context.Context, e event.Event) {
	if e.Kind.SecurityChange() && e.User != "" {
		s.last = e
	}
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{
		t: t, clock: totptest.NewClock(time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)), garbled: &garbled{Store: store.NewMemory()},
		host: &host{Host: memhost.New()}, policies: policy.Policy{Mode: policy.Optional, Methods: methods}, seen: map[string]bool{},
	}
	s.store = totptest.Wrap(s.garbled)
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	s.service, err = totpflow.New(totpflow.Config{
		Issuer: "Acme Backup", Store: s.store, Keys: keys, Policy: s, Now: s.clock.Now, Observer: event.ObserverFunc(s.Handle),
		Phones: &phone.Delivery{Sender: s},
	})
	require.NoError(t, err)
	pages, err := web.New(web.Config{
		Service: s.service, Host: s.host, Product: "Acme Backup", Prefix: "/account", KeepGeneration: s.host.KeepGeneration, Now: s.clock.Now, Calls: true,
		Token: s.host.Token, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/account/", pages.Handler())
	mux.HandleFunc("POST /api/signin", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Name, Password string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			pages.Fail(w, r, err)
			return
		}
		u, err := s.host.LogIn(r.Context(), in.Name, in.Password)
		if err != nil {
			pages.Fail(w, r, err)
			return
		}
		pages.AfterPassword(w, r, u)
	})
	target := func(r *http.Request) (web.Target, error) {
		return web.Target{ID: r.PathValue("id"), Name: "Backup"}, nil
	}
	mux.Handle("DELETE /api/backups/{id}", pages.StepUp("delete backup", target)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})))
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	s.url = server.URL
	s.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	s.readSpec()
	return s
}

// readSpec reads the description that the server serves.
func (s *site) readSpec() {
	s.t.Helper()
	res, err := s.client.Get(s.url + "/account/api/openapi.json")
	require.NoError(s.t, err)
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	require.NoError(s.t, json.Unmarshal(raw, &s.spec))
	doc, err := libopenapi.NewDocument(raw)
	require.NoError(s.t, err)
	v, errs := validator.NewValidator(doc)
	require.Empty(s.t, errs)
	ok, problems := v.ValidateDocument()
	require.True(s.t, ok, "%s", text(problems))
	s.check = v
}

// An answer of the API.
type answer struct {
	t      *testing.T
	status int
	fields object
}

func (a answer) is(status int, word string) answer {
	a.t.Helper()
	got, _ := a.fields["error"].(string)
	require.Equal(a.t, []any{status, word}, []any{a.status, got}, "%v", a.fields)
	return a
}

func (a answer) get(name string) string {
	a.t.Helper()
	require.IsType(a.t, "", a.fields[name], "%s of %v", name, a.fields)
	return a.fields[name].(string)
}

// call sends a request with its headers, names and values in turn. A path of the product
// begins with /api/. The test fails unless the answer matches the description, and so
// does every request that was accepted.
func (s *site) call(method, path string, body any, headers ...string) answer {
	s.t.Helper()
	raw, ok := body.(string)
	if !ok && body != nil {
		text, err := json.Marshal(body)
		require.NoError(s.t, err)
		raw = string(text)
	}
	full, described := s.url+path, !strings.HasPrefix(path, "/api/")
	if described {
		full = s.url + "/account/api" + path
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, full, strings.NewReader(raw))
	require.NoError(s.t, err)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := s.client.Do(req)
	require.NoError(s.t, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	a := answer{t: s.t, status: res.StatusCode, fields: object{}}
	if len(text) > 0 {
		require.NoError(s.t, json.Unmarshal(text, &a.fields), "%s", text)
	}
	if described {
		s.validate(req, res, raw, text)
		word, _ := a.fields["error"].(string)
		s.seen[strings.TrimSpace(fmt.Sprintf("%s %s %d %s", method, path, a.status, word))] = true
	}
	s.note(a.fields)
	require.Equal(s.t, "no-store", res.Header.Get("Cache-Control"))
	return a
}

func (s *site) validate(req *http.Request, res *http.Response, sent string, got []byte) {
	s.t.Helper()
	req.Body, res.Body = io.NopCloser(strings.NewReader(sent)), io.NopCloser(bytes.NewReader(got))
	ok, errs := s.check.ValidateHttpResponse(req, res)
	require.True(s.t, ok, "%s %s: %s\n%s", req.Method, req.URL.Path, got, text(errs))
	if res.StatusCode < 300 {
		req.Body = io.NopCloser(strings.NewReader(sent))
		ok, errs := s.check.ValidateHttpRequest(req)
		require.True(s.t, ok, "%s %s: %s\n%s", req.Method, req.URL.Path, sent, text(errs))
	}
}

func text[E error](errs []E) (all string) {
	for _, err := range errs {
		all += fmt.Sprintf("%+v\n", err)
	}
	return all
}

// note notes which fields were seen.
func (s *site) note(v any) {
	switch v := v.(type) {
	case object:
		for name, x := range v {
			s.seen["field "+name] = true
			s.note(x)
		}
	case []any:
		for _, x := range v {
			s.note(x)
		}
	}
}

// A person is an account and its program.
type person struct {
	*site
	user    totpflow.User
	phone   *totptest.Authenticator
	session string
	codes   []string
}

func (s *site) person(id string) *person {
	u := totpflow.User{ID: totpflow.AccountID{User: id}, Name: id + "@acme.example"}
	s.host.Add(u, password)
	return &person{site: s, user: u}
}

func (p *person) signIn() answer {
	p.t.Helper()
	a := p.call("POST", "/api/signin", object{"name": p.user.Name, "password": password})
	if a.status == http.StatusOK {
		p.session = a.get("session")
	}
	return a
}

// auth returns the header of the session.
func (p *person) auth(more ...string) []string {
	return append([]string{"Authorization", "Bearer " + p.session}, more...)
}

// enroll sets up an authenticator, and has a session afterwards.
func (p *person) enroll() {
	p.t.Helper()
	proof := p.signIn().is(200, "").get("proof")
	p.confirm(p.call("POST", "/setup", object{}, "Proof", proof).is(200, ""), "")
}

func (p *person) confirm(setup answer, name string) answer {
	p.t.Helper()
	var err error
	p.phone, err = totptest.ScanURI(setup.get("uri"), p.clock)
	require.NoError(p.t, err)
	body := object{"enrollment": setup.get("enrollment"), "code": p.phone.Code()}
	if name != "" {
		body["name"] = name
	}
	a := p.call("POST", "/setup/confirm", body).is(200, "")
	p.session = a.get("session")
	if codes, ok := a.fields["recovery_codes"].([]any); ok {
		p.codes = nil
		for _, c := range codes {
			p.codes = append(p.codes, c.(string))
		}
	}
	return a
}

// challenge signs in with the password of a person who has to show a code.
func (p *person) challenge() string {
	p.t.Helper()
	return p.signIn().is(403, "code_required").get("challenge")
}

func (p *person) proof(action, target string) string {
	p.t.Helper()
	body := object{"action": action, "code": p.phone.Code()}
	if target != "" {
		body["target"] = target
	}
	return p.call("POST", "/reauthenticate", body, p.auth()...).is(200, "").get("proof")
}
