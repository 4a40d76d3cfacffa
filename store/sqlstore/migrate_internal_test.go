package sqlstore

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// Every migration, as it was published. Databases have run these bytes, so a change
// belongs into the next number; a new file adds a line here.
var published = map[string]map[string]string{
	"sqlite": {
		"0001_accounts.sql": "3c3bc1c52f0494cd0d1b3c54cef4fa8f9d70bc045ea05f65d9d89840856795cc",
	},
	"postgresql": {
		"0001_accounts.sql": "93f82b6cdd7cddff48b0dfa6c84a69a3e5a12a1d6c600dbe5e3f1a58debce8cd",
	},
	"mysql": {
		"0001_accounts.sql": "059fb2cfa14873e67cf9d38e9a5c333fe21853142391f71a426cf8094923c356",
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

// A dialect with a function forgotten would panic.
func TestDialectsAreComplete(t *testing.T) {
	for _, d := range []*dialect{&sqlite, &postgres, &mysql} {
		require.NotEmpty(t, d.name)
		require.NotNil(t, d.table)
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
