package app

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/web/hosttest"
)

// The console's own part of a sign-in, tried: scs, over a store that revives no session.
func TestHost(t *testing.T) {
	t.Parallel()
	hosttest.Run(t, func(t *testing.T) hosttest.Fixture {
		db, err := Open(filepath.Join(t.TempDir(), "console.db"))
		require.NoError(t, err)
		t.Cleanup(func() { db.Close() })
		keys, err := keyring.Parse(keyring.Generate())
		require.NoError(t, err)
		console, err := New(Options{DB: db, Keys: keys})
		require.NoError(t, err)
		c := console.console
		of := func(email string) totpflow.User {
			found, err := c.users.list(t.Context(), selectUsers+`WHERE people.email = ?`, email)
			require.NoError(t, err)
			return found[0].account()
		}
		return hosttest.Fixture{
			Host: c, Wrap: func(next http.Handler) http.Handler { return c.sessions.handle(c.withLanguage(next)) },
			User: of("ana@acme.example"), Password: "correct-horse-2", Other: of("ben@acme.example"),
			Put: func(_ http.ResponseWriter, r *http.Request, v string) error {
				c.sessions.Put(r.Context(), "note", v)
				return nil
			},
			Get: func(r *http.Request) string { return c.sessions.GetString(r.Context(), "note") },
		}
	})
}
