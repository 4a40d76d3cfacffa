package app

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/web/hosttest"
)

// The console's own part of a sign-in passes the tests of package hosttest.
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
			Host: c, Wrap: c.around,
			User: of("ana@acme.example"), Password: "correct-horse-2", Other: of("ben@acme.example"),
		}
	})
}
