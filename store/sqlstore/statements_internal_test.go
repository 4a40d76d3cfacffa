package sqlstore

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func placeholders(statement string) int {
	return strings.Count(statement, "?") + strings.Count(statement, "$")
}

// oneTenant is how the list of one tenant ends.
var oneTenant = regexp.MustCompile(`tenant = (\?|\$\d) AND user_id > (\?|\$\d) ORDER`)

// A statement with a part forgotten would fail at the first sign-in, or let
// somebody in.
func TestStatements(t *testing.T) {
	for _, d := range []Dialect{SQLite, PostgreSQL, MySQL} {
		s := New(nil, d).ask
		for statement, arguments := range map[string]int{s.get: 2, s.create: 7, s.change: 8, s.remove: 3, s.count: 0, s.countTenant: 1, s.applied: 0} {
			require.NotEmpty(t, statement, d)
			require.Equal(t, arguments, placeholders(statement), "%v: %s", d, statement)
		}
		for _, statement := range []string{s.get, s.change, s.remove, s.lists[listing{}], s.lists[listing{state: true}], s.countTenant} {
			require.Regexp(t, `tenant = (\?|\$\d)`, statement, "%v: a statement without the tenant", d)
		}
		for _, statement := range []string{s.change, s.remove} {
			require.Regexp(t, `version = (\?|\$\d)$`, statement, "%v: a write that does not compare", d)
		}
		require.Len(t, s.lists, 10)
		for l, statement := range s.lists {
			require.Equal(t, l.state, strings.Contains(statement, "WHERE state = "), "%v: %s", d, statement)
			require.Equal(t, l.due, strings.Contains(statement, "WHERE due < "), "%v: %s", d, statement)
			require.Equal(t, l.heads, !strings.Contains(statement, "sealed"), "%v: %s", d, statement)
			require.Equal(t, l.all, !oneTenant.MatchString(statement), "%v: %s", d, statement)
		}
	}
}

func TestNumbered(t *testing.T) {
	const statement = "a = ? AND (b > ? OR c = ?)"
	require.Equal(t, statement, sqlite.numbered(statement))
	require.Equal(t, "a = $1 AND (b > $2 OR c = $3)", postgres.numbered(statement))
	require.Equal(t, "SELECT 1", postgres.numbered("SELECT 1"))
}

func TestBehind(t *testing.T) {
	require.Equal(t, "(a, b, c) > (?, ?, ?)", sqlite.behind("a", "b", "c"))
	require.Equal(t, "(a > ? OR (a = ? AND (b > ? OR (b = ? AND c > ?))))", mysql.behind("a", "b", "c"))
	require.Equal(t, []any{1, 2, 3}, sqlite.behindArgs(1, 2, 3))
	require.Equal(t, []any{1, 1, 2, 2, 3}, mysql.behindArgs(1, 2, 3))
}

// An index that is made again is the one that the migration makes.
func TestIndexesAreThoseOfTheMigrations(t *testing.T) {
	for _, d := range []Dialect{SQLite, PostgreSQL, MySQL} {
		for _, named := range []Dialect{d, d.Named("", "acme_")} {
			s := New(nil, named)
			files, err := named.Migrations()
			require.NoError(t, err)
			all, err := steps(files)
			require.NoError(t, err)
			require.Len(t, s.ask.indexes, 2)
			for _, i := range s.ask.indexes {
				definition := i.statement + ";"
				if d == MySQL {
					_, definition, _ = strings.Cut(i.statement, "INDEX ")
					definition = "KEY " + strings.Replace(definition, " ON "+s.names.accounts(), "", 1)
				}
				require.Contains(t, strings.Join(all, "\n"), definition)
				require.Contains(t, definition, "("+i.column+", ")
			}
		}
	}
}
