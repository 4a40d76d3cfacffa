package wiretest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/wire"
)

// A pair has a number and, in the format after the newest one, another.
type pair struct{ one, two int64 }

func (p *pair) Fields(c *wire.Coder) {
	c.Signed("one", &p.one, -100, 100)
	if c.Since(wire.Newest + 1) {
		c.Signed("two", &p.two, -100, 100)
	}
}

func filesOf(t *testing.T) goldenFiles[pair, *pair] {
	return goldenFiles[pair, *pair]{dir: t.TempDir(), name: "pair", oldest: wire.Written, written: wire.Written, newest: wire.Written}
}

// The files of a format that no release reads are written as the value is; those of a
// format that a release reads stay, and a change of the value is refused from then on.
func TestGoldenFilesOfAReleaseStay(t *testing.T) {
	g := filesOf(t)
	_, err := g.read()
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "-update")

	for n := range int64(2) {
		require.NoError(t, g.update(&pair{one: n}))
		got, err := g.read()
		require.NoError(t, err)
		require.Equal(t, pair{one: n}, got)
	}

	g.released = wire.Written
	require.NoError(t, g.update(&pair{one: 7}))
	got, err := g.read()
	require.NoError(t, err)
	require.Equal(t, pair{one: 1}, got)

	another := g
	another.name = "another" // a value that a test has had since
	require.NoError(t, another.update(&pair{one: 8}))
	got, err = another.read()
	require.NoError(t, err)
	require.Equal(t, pair{one: 8}, got)
}

// The value of the newest files is the one to write where a test has none.
func TestGoldenFilesWithoutAValue(t *testing.T) {
	g := filesOf(t)
	require.NoError(t, g.update(&pair{one: 5}))
	require.NoError(t, g.update(nil))
	got, err := g.read()
	require.NoError(t, err)
	require.Equal(t, pair{one: 5}, got)
}

// Files that are not what the format makes of the value are refused, in the format that is
// written and in older ones. An older format need not be written back, and its files are
// never written.
func TestGoldenFilesAreCompared(t *testing.T) {
	for name, older := range map[string]bool{"the format that is written": false, "an older format": true} {
		t.Run(name, func(t *testing.T) {
			g := filesOf(t)
			require.NoError(t, g.update(&pair{one: 5}))
			if older {
				g.written++
				require.NoError(t, g.update(&pair{one: 6}), "of the formats from the next one to this one")
			}
			got, err := g.read()
			require.NoError(t, err)
			require.Equal(t, pair{one: 5}, got)

			g.released = wire.Written
			for file, text := range map[string]string{".json": "{}\n", ".hex": "010a00\n"} {
				good, err := os.ReadFile(g.path(wire.Written, file))
				require.NoError(t, err)
				for _, bad := range []string{text, ""} {
					require.NoError(t, os.WriteFile(g.path(wire.Written, file), []byte(bad), 0o600))
					_, err = g.read()
					require.ErrorContains(t, err, "stay as they are", file)
				}
				require.NoError(t, os.Remove(g.path(wire.Written, file)))
				_, err = g.read()
				if older && file == ".hex" {
					require.NoError(t, err, "the value is newer than the format")
				} else {
					require.Error(t, err)
				}
				require.NoError(t, os.WriteFile(g.path(wire.Written, file), good, 0o600))
			}
			require.NoDirExists(t, filepath.Dir(g.path(wire.Written+1, "")))
		})
	}
}
