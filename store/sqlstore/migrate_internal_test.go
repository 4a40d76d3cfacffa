package sqlstore

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// Every migration, as it was published. Databases have run these bytes, so a
// change belongs into the next number; a new file adds a line here.
var published = map[string]map[string]string{
	"sqlite": {
		"0001_accounts.sql": "f1cd212687e05006d1b7d94612b7828f0873b190379b5bc55fa71b8874b92311",
	},
	"postgresql": {
		"0001_accounts.sql": "d286f014928f5e05f799ca2b67bfba05da18e5ad594a357acec673a11387bb92",
	},
	"mysql": {
		"0001_accounts.sql": "abc23b641b4654b911821284d1a7e40471ceb7eb02c21d590272bc2fb561eb5e",
	},
}

func TestMigrationsAreAsPublished(t *testing.T) {
	require.NotEmpty(t, published)
	for dialect, files := range published {
		got := make(map[string]string)
		names, err := fs.Glob(schemas, "schema/"+dialect+"/*")
		require.NoError(t, err)
		for _, name := range names {
			b, err := fs.ReadFile(schemas, name)
			require.NoError(t, err)
			sum := sha256.Sum256(b)
			got[name[len("schema/"+dialect+"/"):]] = hex.EncodeToString(sum[:])
		}
		require.Equal(t, files, got)
	}
}

func TestStepsRefusesGaps(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	all, err := steps(fstest.MapFS{"0002_b.sql": file("b"), "0001_a.sql": file("a"), "README": file("")})
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, all)
	for name, bad := range map[string]fstest.MapFS{
		"none":      {},
		"gap":       {"0001_a.sql": file(""), "0003_c.sql": file("")},
		"twice":     {"0001_a.sql": file(""), "0001_b.sql": file("")},
		"not first": {"0002_a.sql": file("")},
		"unpadded":  {"1_a.sql": file("")},
		"short":     {"0001.sql": file("")},
	} {
		_, err := steps(bad)
		require.Error(t, err, name)
	}
}

// A dialect with a statement forgotten would fail at the first sign-in.
func TestDialectsAreComplete(t *testing.T) {
	for _, d := range []*dialect{&sqlite, &postgres, &mysql} {
		for name, statement := range map[string]string{
			"get": d.get, "create": d.create, "change": d.change, "remove": d.remove, "list": d.list, "listAll": d.listAll,
			"listState": d.listState, "listAllState": d.listAllState,
			"table": d.table, "ledger": d.ledger, "applied": d.applied, "apply": d.apply, "name": d.name,
		} {
			require.NotEmpty(t, statement, "%s: %s", d.name, name)
		}
		for _, statement := range []string{d.get, d.change, d.remove, d.list, d.listState} {
			require.Regexp(t, `tenant = (\?|\$\d)`, statement, "%s: a statement without the tenant", d.name)
		}
		for _, statement := range []string{d.listState, d.listAllState} {
			require.Regexp(t, `WHERE state = (\?|\$\d)`, statement, "%s: a list of every state", d.name)
		}
		for _, statement := range []string{d.change, d.remove} {
			require.Regexp(t, `version = (\?|\$\d)$`, statement, "%s: a write that does not compare", d.name)
		}
		require.NotNil(t, d.settings)
		require.NotNil(t, d.kept)
		require.NotNil(t, d.alone)
		require.NotNil(t, d.exists)
		require.NotNil(t, d.undone)
		require.NotNil(t, d.busy)
		require.NotNil(t, d.absent)
		_, err := steps(d.schema)
		require.NoError(t, err)
	}
}
