package guide

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/totptest"
)

// users returns a database with the table of the old code, which is empty.
func users(t *testing.T) *sql.DB {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "old.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	_, err = db.Exec(`CREATE TABLE users (id TEXT PRIMARY KEY, totp_secret TEXT NOT NULL DEFAULT '', generation INTEGER NOT NULL DEFAULT 0)`)
	require.NoError(t, err)
	return db
}

// People who set up with the old code sign in with the app that they have, and a second
// run of the migration changes nothing.
func TestMigrate(t *testing.T) {
	db := users(t)
	key, err := totp.NewKey(totp.Params{})
	require.NoError(t, err)
	_, err = db.Exec(`INSERT INTO users (id, totp_secret) VALUES ('42', ?), ('43', '')`, key.Secret())
	require.NoError(t, err)

	mfa, clock := installation(t, store.NewMemory(), nil)
	weakUntil := clock.Now().AddDate(0, 0, 60)
	require.NoError(t, migrate(t.Context(), db, mfa, weakUntil))
	require.NoError(t, migrate(t.Context(), db, mfa, weakUntil))
	user := ana
	require.NoError(t, db.QueryRow(`SELECT generation FROM users WHERE id = '42'`).Scan(&user.Generation))
	require.NotZero(t, user.Generation)

	uri, err := key.URI(totp.Label{Issuer: "Acme Backup", Account: ana.Name})
	require.NoError(t, err)
	phone, err := totptest.ScanURI(uri, clock)
	require.NoError(t, err)
	next, err := mfa.SignIn(t.Context(), user)
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, next.Step)
	done, err := mfa.VerifyCode(t.Context(), next.Challenge, phone.Code())
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, done.Step)

	_, err = db.Exec(`UPDATE users SET totp_secret = 'not base32!' WHERE id = '43'`)
	require.NoError(t, err)
	err = migrate(t.Context(), db, mfa, weakUntil)
	require.ErrorIs(t, err, totp.ErrSecret)
	require.NotContains(t, err.Error(), "not base32")
}

// A row that fails is reported, and the generations of the others are stored.
func TestMigrateGoesOn(t *testing.T) {
	db := users(t)
	for _, user := range []string{"", "42"} { // no account has an empty id
		key, err := totp.NewKey(totp.Params{})
		require.NoError(t, err)
		_, err = db.Exec(`INSERT INTO users (id, totp_secret) VALUES (?, ?)`, user, key.Secret())
		require.NoError(t, err)
	}
	mfa, clock := installation(t, store.NewMemory(), nil)
	require.ErrorIs(t, migrate(t.Context(), db, mfa, clock.Now().AddDate(0, 0, 60)), store.ErrID)
	var generation uint64
	require.NoError(t, db.QueryRow(`SELECT generation FROM users WHERE id = '42'`).Scan(&generation))
	require.NotZero(t, generation)
}
