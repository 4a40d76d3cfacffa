package app_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/keyring"
)

// A browser that hangs up is not a fault: anyone can do that as often as they like, and a
// person who reads the log must find the faults in it.
func TestBrowserIsGone(t *testing.T) {
	db, err := app.Open(filepath.Join(t.TempDir(), "console.db"))
	require.NoError(t, err)
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	handler, err := app.New(app.Options{DB: db, Keys: keys, Mail: &mailbox{}})
	require.NoError(t, err)
	var log bytes.Buffer // of the whole process, so this test is not parallel
	was := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(was)
	requests := []struct{ path, form, body string }{
		{"/signin", "application/x-www-form-urlencoded", "email=ana%40acme.example&password=wrong"},
		{"/api/signin", "application/json", `{"email": "ana@acme.example", "password": "wrong"}`},
	}
	ask := func(ctx context.Context, path, form, body string) int {
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Content-Type", form)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w.Code
	}
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	for _, r := range requests {
		require.GreaterOrEqual(t, ask(gone, r.path, r.form, r.body), 500, r.path)
	}
	require.Empty(t, log.String())
	// A database that fails is a fault, even after the client has gone.
	require.NoError(t, db.Close())
	for _, r := range requests {
		require.GreaterOrEqual(t, ask(t.Context(), r.path, r.form, r.body), 500, r.path)
		require.Regexp(t, `ERROR.* web: a request failed.* path=`+r.path, log.String())
	}
}
