package app

import (
	"net/http"
	"net/http/httptest"
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
