package app_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/totptest"
)

// A program uses the console's API. It keeps no cookies.
type program struct {
	*site
	session string
}

func (s *site) program() *program { return &program{site: s} }

// fields are the fields of a request or an answer in JSON.
type fields map[string]any

// A result is an answer of the API.
type result struct {
	t      *testing.T
	status int
	header http.Header
	text   string
	fields fields
}

// call sends a request with the program's session; more holds names and values of headers
// in turn.
func (p *program) call(method, path string, body any, more ...string) result {
	p.t.Helper()
	var b bytes.Buffer
	if body != nil {
		require.NoError(p.t, json.NewEncoder(&b).Encode(body))
	}
	return p.send(method, path, &b, more...)
}

func (p *program) send(method, path string, body io.Reader, more ...string) result {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, body)
	require.NoError(p.t, err)
	r.Header.Set("Content-Type", "application/json")
	if p.session != "" {
		r.Header.Set("Authorization", "Bearer "+p.session)
	}
	for i := 0; i < len(more); i += 2 {
		r.Header.Set(more[i], more[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	require.NoError(p.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(p.t, err)
	a := result{t: p.t, status: resp.StatusCode, header: resp.Header, text: string(text)}
	require.Empty(p.t, a.header["Set-Cookie"], "the API has no cookies")
	require.Equal(p.t, "no-store", a.header.Get("Cache-Control"))
	if len(text) > 0 {
		require.Equal(p.t, "application/json", a.header.Get("Content-Type"), a.text)
		require.NoError(p.t, json.Unmarshal(text, &a.fields), a.text)
	}
	return a
}

// quiet is for other goroutines: it sends a request without assertions, and returns the
// status.
func (p *program) quiet(method, path, body string) int {
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		return 0
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+p.session)
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	a.Body.Close()
	return a.StatusCode
}

func (p *program) post(path string, body fields, more ...string) result {
	p.t.Helper()
	return p.call(http.MethodPost, path, body, more...)
}

func (a result) is(status int) result {
	a.t.Helper()
	require.Equal(a.t, status, a.status, a.text)
	return a
}

// fails asserts the status and the word of the error.
func (a result) fails(status int, word string) result {
	a.t.Helper()
	require.Equal(a.t, word, a.fields["error"], a.text)
	return a.is(status)
}

// get returns a field that is a text.
func (a result) get(name string) string {
	a.t.Helper()
	text, ok := a.fields[name].(string)
	require.True(a.t, ok, "no %q in %s", name, a.text)
	return text
}

// texts returns a field that is a list of texts.
func (a result) texts(name string) (list []string) {
	a.t.Helper()
	all, ok := a.fields[name].([]any)
	require.True(a.t, ok, "no %q in %s", name, a.text)
	for _, one := range all {
		list = append(list, one.(string))
	}
	return list
}

// password sends the first step of the sign-in.
func (p *program) password(who app.DemoAccount) result {
	p.t.Helper()
	return p.post("/api/signin", fields{"email": who.Email, "password": who.Password})
}

// challenge sends the password, and returns the challenge for a code.
func (p *program) challenge(who app.DemoAccount) string {
	p.t.Helper()
	return p.password(who).fails(http.StatusForbidden, "code_required").get("challenge")
}

// keeps continues with the session of an answer.
func (p *program) keeps(a result) result {
	p.t.Helper()
	p.session = a.is(http.StatusOK).get("session")
	return a
}

// user returns a program of a person who has signed in with a code.
func (s *site) user(who app.DemoAccount) (*program, *totptest.Authenticator) {
	s.t.Helper()
	phone, _ := s.browser().enroll(who)
	p := s.program()
	p.keeps(p.post("/2fa/api/code", fields{"challenge": p.challenge(who), "code": phone.Code()}))
	return p, phone
}

// backups returns the ids of the person's backups by machine; for a machine with several
// backups, the newest id.
func (p *program) backups() map[string]string {
	p.t.Helper()
	ids := make(map[string]string)
	for _, one := range p.call(http.MethodGet, "/api/backups", nil).is(http.StatusOK).fields["backups"].([]any) {
		b := one.(map[string]any)
		if name := b["machine"].(string); ids[name] == "" {
			ids[name] = b["id"].(string)
		}
	}
	return ids
}

// proof returns a proof for an action, in exchange for a code.
func (p *program) proof(phone *totptest.Authenticator, action, target string) string {
	p.t.Helper()
	return p.post("/2fa/api/reauthenticate", fields{"action": action, "target": target, "code": phone.Code()}).is(http.StatusOK).get("proof")
}

// delete deletes a backup with a proof.
func (p *program) delete(id, proof string) result {
	p.t.Helper()
	return p.call(http.MethodDelete, "/api/backups/"+id, nil, "Proof", proof)
}

// registered returns a machine of acme: a program, and the key of its account.
func (s *site) registered(boss *program, phone *totptest.Authenticator) (machine *program, key string) {
	s.t.Helper()
	key = boss.post("/api/machine/keys", fields{}, "Proof", boss.proof(phone, "register machine", s.id(agent))).is(http.StatusCreated).get("key")
	machine = s.program()
	machine.session = machine.post("/api/machine/token", fields{"key": key}).is(http.StatusOK).get("token")
	return machine, key
}
