package app

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A request of the API is what the call takes, in one JSON object of known fields,
// or is refused.
func FuzzRequest(f *testing.F) {
	f.Add("application/json", `{"device":"x"}`)
	f.Add("application/json; charset=utf-8", `{"device":"x"}`)
	f.Add("application/json", `{"Device":"1","device":"2"}`)
	f.Add("application/json", `{"device":"x"}{}`)
	f.Add("text/plain", `{"device":"x"}`)
	f.Add("application/json", `null`)
	f.Fuzz(func(t *testing.T, kind, body string) {
		r := httptest.NewRequest(http.MethodPost, "/2fa/api/code", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		in, err := decode[device](r)
		if err != nil {
			require.True(t, errors.Is(err, errMalformed) || errors.Is(err, errNotJSON), "%v", err)
			return
		}
		require.True(t, strings.HasPrefix(strings.ToLower(strings.TrimSpace(kind)), "application/json"))
		require.LessOrEqual(t, len(in.Device), 3*len(body))
	})
}
