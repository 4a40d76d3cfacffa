package web_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/web"
	"github.com/totpflow/totpflow/web/memhost"
)

// api sends a program's request, with headers as names and values in turn.
func (s *site) api(method, path string, body map[string]any, headers ...string) (status int, fields map[string]any) {
	s.t.Helper()
	raw, err := json.Marshal(body)
	require.NoError(s.t, err)
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, bytes.NewReader(raw))
	require.NoError(s.t, err)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	page := s.browser().Do(req)
	require.Equal(s.t, "no-store", page.Header.Get("Cache-Control"))
	if err := json.Unmarshal([]byte(page.HTML), &fields); err != nil {
		require.ErrorIs(s.t, err, io.EOF, page.HTML)
	}
	return page.Status, fields
}

// A program signs in, sets up, shows a code, and signs in by it. A next step is an answer
// and not a fault: nothing about it is in the log.
func TestAPI(t *testing.T) {
	s := newSite(t, func(c *web.Config) { c.Token = c.Host.(*memhost.Host).Token })
	enter := func() (int, map[string]any) {
		return s.api(http.MethodPost, "/api/signin", map[string]any{"email": ana.Name, "password": password})
	}
	status, in := enter()
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "not enrolled", in["by"])
	status, setup := s.api(http.MethodPost, "/2fa/api/setup", map[string]any{}, "Proof", in["proof"].(string))
	require.Equal(t, http.StatusOK, status)
	phone, err := totptest.ScanURI(setup["uri"].(string), s.clock)
	require.NoError(t, err)
	status, done := s.api(http.MethodPost, "/2fa/api/setup/confirm", map[string]any{"enrollment": setup["enrollment"], "code": phone.Code()})
	require.Equal(t, http.StatusOK, status)
	require.Len(t, done["recovery_codes"], 10)

	status, asked := enter()
	require.Equal(t, []any{http.StatusForbidden, "code_required"}, []any{status, asked["error"]})
	status, in = s.api(http.MethodPost, "/2fa/api/code", map[string]any{"challenge": asked["challenge"], "code": phone.Code()})
	require.Equal(t, []any{http.StatusOK, "code"}, []any{status, in["by"]})
	bearer := "Bearer " + in["session"].(string)
	status, asked = s.api(http.MethodPost, "/backups/42/delete", nil, "Authorization", bearer)
	require.Equal(t, []any{http.StatusForbidden, "proof_required", "delete backup", "42", "Backup 42"},
		[]any{status, asked["error"], asked["action"], asked["target"], asked["target_name"]}, "the name is what the person reads")
	require.Empty(t, s.deleted)
	status, proof := s.api(http.MethodPost, "/2fa/api/reauthenticate", map[string]any{"action": "delete backup", "target": "42", "code": phone.Code()}, "Authorization", bearer)
	require.Equal(t, http.StatusOK, status)
	status, asked = s.api(http.MethodPost, "/backups/43/delete", nil, "Authorization", bearer, "Proof", proof["proof"].(string))
	require.Equal(t, []any{http.StatusForbidden, "43"}, []any{status, asked["target"]})
	require.Empty(t, s.deleted)
	status, asked = s.api(http.MethodDelete, "/", nil) // no form has this method, so a program sent it
	require.Equal(t, []any{http.StatusUnauthorized, "signed_out"}, []any{status, asked["error"]})
	require.Empty(t, s.logged.String())
}

// A browser behind a proxy that asks for a password by HTTP Basic gets pages, not JSON; the
// scheme of a program's key counts in any case.
func TestBasicIsNotAProgram(t *testing.T) {
	s := newSite(t, func(c *web.Config) { c.Token = c.Host.(*memhost.Host).Token })
	p := s.signedIn()
	for _, credentials := range []string{"Basic YW5hOmFuYQ==", "Negotiate Bearer", "Bearerish x"} {
		p.Header.Set("Authorization", credentials)
		p.Post("/backups/42/delete", "note", "x")
		p.is(http.StatusForbidden, "/backups/42/delete", "Delete backup")
	}
	for _, credentials := range []string{"Bearer x", "bearer x", "BEARER"} {
		status, asked := s.api(http.MethodPost, "/backups/42/delete", nil, "Authorization", credentials)
		require.Equal(t, []any{http.StatusUnauthorized, "signed_out"}, []any{status, asked["error"]}, credentials)
	}
}
