package keyfile_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/cmd/totpflow/internal/keyfile"
)

func TestJournal(t *testing.T) {
	path, f := newFile(t)
	_, ok, err := f.Journal("rotate")
	require.NoError(t, err)
	require.False(t, ok)

	j := keyfile.Journal{
		Version: 1, Operation: "rotate", Database: "sqlite:///srv/console.db", Key: "0011aabb",
		Began: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Cursor: "AGFuYQ", Seen: 7, Changed: 5,
	}
	require.NoError(t, f.Note(j))
	j.Seen = 8
	require.NoError(t, f.Note(j))
	got, ok, err := open(t, path).Journal("rotate")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, j, got)
	require.Equal(t, os.FileMode(0o600), mode(t, path+".rotate"))
	_, ok, err = f.Journal("restored")
	require.NoError(t, err)
	require.False(t, ok, "operations do not share a journal")

	require.NoError(t, f.Finish("rotate"))
	require.NoError(t, f.Finish("rotate"))
	_, ok, err = f.Journal("rotate")
	require.NoError(t, err)
	require.False(t, ok)
	require.Equal(t, []string{"console.keys"}, left(t, path))
}

// A journal that cannot be read must not count as missing: a second key would be added in
// the middle of a rotation.
func TestJournalRefuses(t *testing.T) {
	path, f := newFile(t)
	for _, text := range []string{
		``, `null`, `{}`, `{"version":2,"operation":"rotate"}`, `{"version":1,"operation":"restored"}`,
		`{"version":1,"operation":"rotate","colour":"red"}`, `{"version":1`, `[]`,
	} {
		require.NoError(t, os.WriteFile(path+".rotate", []byte(text), 0o600))
		_, _, err := f.Journal("rotate")
		require.ErrorIs(t, err, keyfile.ErrJournal, text)
	}
}
