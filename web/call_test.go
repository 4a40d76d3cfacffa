package web_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/web"
	"github.com/totpflow/totpflow/web/memhost"
)

// caller has the pages of a host with a JSON API.
func caller(t *testing.T) *web.Web {
	t.Helper()
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	service, err := totpflow.New(totpflow.Config{Issuer: "Acme Backup", Store: store.NewMemory(), Keys: keys})
	require.NoError(t, err)
	host := memhost.New()
	h, err := web.New(web.Config{Service: service, Host: host, Product: "Acme Backup", Token: host.Token, KeepGeneration: host.KeepGeneration})
	require.NoError(t, err)
	return h
}

type order struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

func call(h http.Handler, method, kind, body string, more ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/api/orders", strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	for i := 0; i < len(more); i += 2 {
		r.Header.Set(more[i], more[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// A host's call refuses what this package's calls refuse, in the same words.
func TestCall(t *testing.T) {
	pages := caller(t)
	full := &web.APIError{Status: http.StatusConflict, Word: "full", Fields: map[string]any{"limit": 3, "error": "hidden"}}
	orders := web.Call(pages, http.StatusCreated, func(_ *http.Request, in order) (any, error) {
		switch {
		case in.Count > 3:
			return nil, errors.Join(errors.New("more than there is room for"), full)
		case in.Count == 0:
			return nil, nil
		case in.Count < 0:
			return nil, errors.New("the secret of the operator")
		}
		return in, nil
	})
	const asJSON = "application/json"
	for name, test := range map[string]struct {
		kind, body string
		status     int
		answer     string
	}{
		"done":          {asJSON, `{"name": "a", "count": 2}`, http.StatusCreated, `{"name":"a","count":2}`},
		"nothing":       {asJSON, `{"name": "a"}`, http.StatusNoContent, ``},
		"own error":     {asJSON, `{"count": 4}`, http.StatusConflict, `{"error":"full","limit":3}`},
		"other error":   {asJSON, `{"count": -1}`, http.StatusInternalServerError, `{"error":"failed"}`},
		"unknown field": {asJSON, `{"title": "a", "count": 2}`, http.StatusBadRequest, `{"error":"malformed"}`},
		"two objects":   {asJSON, `{"count": 2}{}`, http.StatusBadRequest, `{"error":"malformed"}`},
		"empty":         {asJSON, ``, http.StatusBadRequest, `{"error":"malformed"}`},
		"a form":        {"application/x-www-form-urlencoded", `{"count": 2}`, http.StatusUnsupportedMediaType, `{"error":"not_json"}`},
		"too large":     {asJSON, `{"name": "` + strings.Repeat("a", 17<<10) + `"}`, http.StatusRequestEntityTooLarge, `{"error":"too_large"}`},
	} {
		w := call(orders, http.MethodPost, test.kind, test.body, "Accept", "text/html")
		require.Equal(t, test.status, w.Code, name)
		require.Equal(t, test.answer, strings.TrimSpace(w.Body.String()), name)
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"), name)
	}
	w := call(orders, http.MethodPost, asJSON, `{"count": 2}`, "Origin", "https://evil.example")
	require.Equal(t, http.StatusForbidden, w.Code, "a page of another site")

	none := web.Call(pages, http.StatusOK, func(*http.Request, struct{}) (any, error) { return []string{"a"}, nil })
	require.Equal(t, `["a"]`, strings.TrimSpace(call(none, http.MethodGet, "", "").Body.String()))

	// What a host leaves out is not a crash.
	bare := web.Call(pages, 0, func(_ *http.Request, in order) (any, error) {
		if in.Count == 0 {
			return nil, &web.APIError{Word: "broken"}
		}
		return in.Count, nil
	})
	require.Equal(t, http.StatusInternalServerError, call(bare, http.MethodPost, asJSON, `{}`).Code)
	require.Equal(t, http.StatusOK, call(bare, http.MethodPost, asJSON, `{"count": 2}`).Code)

	locked := web.Call(pages, http.StatusOK, func(*http.Request, struct{}) (any, error) {
		return nil, &web.APIError{Status: http.StatusUnauthorized, Word: "locked"}
	})
	require.Equal(t, "Bearer", call(locked, http.MethodPost, "", "").Header().Get("WWW-Authenticate"), "RFC 9110, section 11.6.1")

	// A handler of the host's own is bounded too.
	_, err := web.ReadJSON[order](httptest.NewRequest(http.MethodPost, "/signin", strings.NewReader(`{}`)))
	require.Error(t, err, "not in JSON")
	r := httptest.NewRequest(http.MethodPost, "/signin", strings.NewReader(`{"name": "`+strings.Repeat("a", 17<<10)+`"}`))
	r.Header.Set("Content-Type", asJSON)
	_, err = web.ReadJSON[order](r)
	var large *http.MaxBytesError
	require.ErrorAs(t, err, &large)

	w = call(pages.Require(orders), http.MethodPost, asJSON, `{"count": 2}`)
	require.Equal(t, []any{http.StatusUnauthorized, `{"error":"signed_out"}`}, []any{w.Code, strings.TrimSpace(w.Body.String())})
}
