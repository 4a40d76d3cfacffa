package database_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/cmd/totpflow/internal/database"
)

// Whatever the text is, the error repeats nothing of it. Printing an accepted URL never
// shows the password, wherever it is.
func FuzzParseURL(f *testing.F) {
	const secret = "hunter2hunter2"
	f.Add("postgres", "db.example:5432", "/backup", "sslmode=verify-full")
	f.Add("mysql", "db.example", "/%zz", "")
	f.Add("sqlite", "", "/srv/console.db", "mode=rw")
	f.Add("mariadb", "[::1", "", "#x")
	f.Add("http", "db.example", "/", "")
	f.Fuzz(func(t *testing.T, scheme, host, path, query string) {
		for _, text := range []string{
			scheme + ":" + secret, secret + scheme + "://" + host + path, scheme + "://app:" + secret + "@" + host + path + "?" + query,
			scheme + "://" + host + path + "?password=" + secret + query, scheme + "://app@" + host + ":" + secret,
		} {
			if _, err := database.ParseURL(text); err != nil {
				require.ErrorIs(t, err, database.ErrURL)
				require.NotContains(t, err.Error(), secret)
			}
		}
		full := url.URL{Scheme: scheme, User: url.UserPassword("app", secret), Host: host, Path: path, RawQuery: "password=" + secret + query}
		u, err := database.ParseURL(full.String())
		if err != nil || strings.ContainsAny(scheme, ":/?#") {
			return
		}
		require.True(t, u.HasPassword())
		require.NotContains(t, fmt.Sprintf("%v %+v %#v %q", u, u, u, u), secret)
	})
}
