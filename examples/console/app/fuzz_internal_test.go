package app

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A request of the API is what the call takes, in one JSON object of known fields,
// or is refused; and no answer to a question for a code is two.
func FuzzRequest(f *testing.F) {
	f.Add("application/json", `{"code":"123456"}`)
	f.Add("application/json; charset=utf-8", `{"codes":["123456","654321"]}`)
	f.Add("application/json", `{"code":"123456","recovery_code":"x"}`)
	f.Add("application/json", `{"Code":"1","code":"2"}`)
	f.Add("application/json", `{"codes":[]}{}`)
	f.Add("text/plain", `{"code":"123456"}`)
	f.Add("application/json", `null`)
	f.Fuzz(func(t *testing.T, kind, body string) {
		r := httptest.NewRequest(http.MethodPost, "/api/code", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		in, err := decode[codeAnswer](r)
		if err != nil {
			status, f := failureOf(httptest.NewRecorder(), err)
			require.Contains(t, []int{http.StatusBadRequest, http.StatusUnsupportedMediaType}, status)
			require.NotEqual(t, "failed", f.Error)
			return
		}
		require.True(t, strings.HasPrefix(strings.ToLower(strings.TrimSpace(kind)), "application/json"))
		require.LessOrEqual(t, in.ways(), 4)
		for _, text := range append(in.Codes, in.Code, in.RecoveryCode, in.IssuedCode) {
			require.LessOrEqual(t, len(text), 3*len(body))
		}
	})
}

// Where a form leads back to is on this site, however it is spelt.
func FuzzHere(f *testing.F) {
	for _, s := range []string{"/security?x=y", "//evil.example", `/\evil.example`, "/%2fevil.example", "/%5cevil.example", "https://evil.example/", "javascript:alert(1)", "/..//evil.example", ""} {
		f.Add(s)
	}
	site, err := url.Parse("https://console.example/language")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, to string) {
		got := here(to)
		require.True(t, strings.HasPrefix(got, "/"))
		require.False(t, len(got) > 1 && (got[1] == '/' || got[1] == '\\'), "%q", got)
		require.False(t, strings.ContainsAny(got, "\r\n\t"), "%q", got)
		u, err := site.Parse(got)
		require.NoError(t, err)
		require.Equal(t, "console.example", u.Host)
		require.Equal(t, "https", u.Scheme)
	})
}
