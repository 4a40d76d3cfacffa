package app_test

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/totptest"
)

const page = "../../../docs/api.md"

// An exchange is one request on the page, and its answer.
type exchange struct {
	line         int
	method, path string
	headers      []string // "Proof: …"
	body         string
	status       int
	answer       string
}

var fence = regexp.MustCompile("(?s)```http\n(.*?)\n```")

// exchanges returns the exchanges on the page.
func exchanges(t *testing.T, text string) (all []exchange) {
	t.Helper()
	for _, at := range fence.FindAllStringSubmatchIndex(text, -1) {
		x := exchange{line: strings.Count(text[:at[2]], "\n") + 1}
		request, answer, ok := strings.Cut(text[at[2]:at[3]], "\n\n")
		require.True(t, ok, "line %d: no answer", x.line)
		first, rest, _ := strings.Cut(request, "\n")
		x.method, x.path, _ = strings.Cut(first, " ")
		for line := range strings.Lines(rest) {
			if strings.HasPrefix(line, "{") || x.body != "" {
				x.body += line
			} else {
				x.headers = append(x.headers, strings.TrimSpace(line))
			}
		}
		status, body, _ := strings.Cut(answer, "\n")
		n, err := strconv.Atoi(status)
		require.NoError(t, err, "line %d", x.line)
		x.status, x.answer = n, body
		all = append(all, x)
	}
	require.NotEmpty(t, all)
	return all
}

// A reader does what the page says, from top to bottom.
type reader struct {
	*program
	phones map[string]*totptest.Authenticator // by address
	who    string
	last   map[string]string // the last value of each field; "bearer" is the last session
}

// TestAPIPage sends the requests in docs/api.md, and expects its answers.
func TestAPIPage(t *testing.T) {
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	s := newSite(t)
	r := &reader{program: s.program(), phones: map[string]*totptest.Authenticator{}, last: map[string]string{}}
	for _, who := range []app.DemoAccount{ana, admin} {
		phone, _ := s.browser().enroll(who)
		r.phones[who.Email] = phone
	}
	for _, x := range exchanges(t, string(text)) {
		r.do(x)
	}
}

func (r *reader) do(x exchange) {
	r.t.Helper()
	if x.status == http.StatusTooManyRequests { // wrong codes were typed before, for this person
		for range 5 {
			wrong := strings.Replace(x.body, "123456", r.phones[r.who].WrongCode(), 1)
			r.exchange(exchange{line: x.line, method: x.method, path: x.path, body: wrong, status: http.StatusForbidden, answer: `{"error": "wrong_code"}`})
		}
	}
	r.exchange(x)
}

func (r *reader) exchange(x exchange) {
	r.t.Helper()
	var headers []string
	for _, h := range x.headers {
		name, value, _ := strings.Cut(h, ": ")
		field := map[string]string{"Authorization": "bearer", "Proof": "proof"}[name]
		headers = append(headers, name, strings.Replace(value, "…", r.last[field], 1))
	}
	body := r.filled(x)
	a := r.send(x.method, strings.Replace(x.path, "…", r.last["id"], 1), strings.NewReader(body), headers...)
	require.Equal(r.t, x.status, a.status, "%s:%d: %s", page, x.line, a.text)
	if x.answer == "" {
		require.Empty(r.t, a.text)
		return
	}
	var want, got any
	require.NoError(r.t, json.Unmarshal([]byte(x.answer), &want), "%s:%d", page, x.line)
	require.NoError(r.t, json.Unmarshal([]byte(a.text), &got))
	require.Equal(r.t, want, r.blanked(want, got, ""), "%s:%d: %s", page, x.line, a.text)
	if _, known := r.phones[r.who]; !known && r.last["uri"] != "" {
		phone, err := totptest.ScanURI(r.last["uri"], r.clock)
		require.NoError(r.t, err)
		r.phones[r.who] = phone
	}
}

// filled returns the request with the values of earlier answers, and with codes.
func (r *reader) filled(x exchange) string {
	r.t.Helper()
	if x.body == "" {
		return ""
	}
	var f fields
	require.NoError(r.t, json.Unmarshal([]byte(x.body), &f), "%s:%d", page, x.line)
	if email, ok := f["email"].(string); ok {
		r.who = email
	}
	for name, value := range f {
		switch value {
		case "…":
			require.NotEmpty(r.t, r.last[name], "%s:%d: nobody has said a %q yet", page, x.line, name)
			f[name] = r.last[name]
		case "123456":
			if f[name] = r.phones[r.who].Peek(); x.status != http.StatusTooManyRequests { // a request that has to wait does not use its code
				f[name] = r.phones[r.who].Code()
			}
		}
	}
	if f["codes"] != nil {
		first, second := r.phones[r.who].Pair()
		f["codes"] = []string{first, second}
	}
	text, err := json.Marshal(f)
	require.NoError(r.t, err)
	return string(text)
}

// blanked returns an answer with "…" wherever the page has it, and remembers the values
// that were there.
func (r *reader) blanked(want, got any, name string) any {
	switch want := want.(type) {
	case string:
		if text, ok := got.(string); ok && want == "…" && text != "" {
			r.last[name] = text
			if name == "session" || name == "token" {
				r.last["bearer"] = text
			}
			return want
		}
	case []any:
		if got, ok := got.([]any); ok && len(want) == 1 && want[0] == "…" && len(got) > 0 {
			return want
		} else if ok && len(want) == len(got) {
			for i := range got {
				got[i] = r.blanked(want[i], got[i], name)
			}
		}
	case map[string]any:
		if got, ok := got.(map[string]any); ok {
			for key := range got {
				got[key] = r.blanked(want[key], got[key], key)
			}
		}
	}
	return got
}

// The table of errors on the page matches the program.
func TestAPIPageListsTheErrors(t *testing.T) {
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	listed := make(map[string]int)
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (\\d{3}) \\|").FindAllStringSubmatch(string(text), -1) {
		listed[m[1]], err = strconv.Atoi(m[2])
		require.NoError(t, err)
	}
	want := app.Failures()
	for word, status := range newSite(t).failuresOfWeb() {
		want[word] = status
	}
	want["machine_account"], want["not_found"] = http.StatusForbidden, http.StatusNotFound // of a first step, and of a call that does not exist
	delete(want, "not_sent")                                                               // its status depends on the reason
	require.Equal(t, want, listed)
}

// failuresOfWeb returns the words and the statuses in the description of web's calls.
func (s *site) failuresOfWeb() map[string]int {
	s.t.Helper()
	var described struct {
		Paths map[string]map[string]struct {
			Responses map[string]struct {
				Content map[string]struct {
					Schema struct {
						AllOf []struct {
							Properties map[string]struct{ Enum []string }
						}
					}
				}
			}
		}
	}
	require.NoError(s.t, json.Unmarshal([]byte(s.program().call(http.MethodGet, "/2fa/api/openapi.json", nil).is(http.StatusOK).text), &described))
	all := make(map[string]int)
	for _, calls := range described.Paths {
		for _, call := range calls {
			for status, response := range call.Responses {
				for _, part := range response.Content["application/json"].Schema.AllOf {
					for _, word := range part.Properties["error"].Enum {
						var err error
						all[word], err = strconv.Atoi(status)
						require.NoError(s.t, err)
					}
				}
			}
		}
	}
	require.NotEmpty(s.t, all)
	return all
}
