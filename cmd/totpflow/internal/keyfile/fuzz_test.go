package keyfile_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/cmd/totpflow/internal/keyfile"
	"github.com/totpflow/totpflow/keyring"
)

// A valid journal is written back as it was read; an invalid one never counts as missing.
func FuzzJournal(f *testing.F) {
	for _, s := range []string{
		`{"version":1,"operation":"rotate","database":"sqlite:///srv/console.db","key":"01234567","began":"2026-03-28T09:00:00Z","cursor":"AA","seen":3,"changed":2,"staged":true}`,
		`{"version":1,"operation":"rotate","began":"2026-03-28T09:00:00+25:00"}`, `{"version":1,"operation":"rotate"}{}`, `null`, ``,
	} {
		f.Add([]byte(s))
	}
	path := filepath.Join(f.TempDir(), "console.keys")
	require.NoError(f, keyfile.Create(path, keyring.Generate()))
	file, err := keyfile.Open(path)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, text []byte) {
		require.NoError(t, os.WriteFile(path+".rotate", text, 0o600))
		j, ok, err := file.Journal("rotate")
		require.Equal(t, ok, err == nil)
		if err != nil {
			require.ErrorIs(t, err, keyfile.ErrJournal)
			require.Zero(t, j)
			return
		}
		require.NoError(t, file.Note(j))
		again, ok, err := file.Journal("rotate")
		require.NoError(t, err)
		require.True(t, ok)
		require.True(t, j.Began.Equal(again.Began) && j.At.Equal(again.At))
		again.Began, again.At = j.Began, j.At
		require.Equal(t, j, again)
	})
}

// A file is opened if it contains a ring and nothing else, and a staged key seals nothing
// until it is promoted.
func FuzzOpen(f *testing.F) {
	ring := keyring.Generate()
	f.Add(ring)
	f.Add(ring + "\r\n")
	f.Add(ring + "\n\n")
	f.Add("")
	f.Add("# keys\n" + ring)
	folder := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(folder, "console.keys")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		file, err := keyfile.Open(path)
		want, malformed := keyring.Parse(text)
		next, id, refused := keyfile.Stage(text)
		if malformed != nil {
			require.Error(t, err)
			require.Error(t, refused)
			require.Nil(t, file)
			return
		}
		require.NoError(t, err)
		require.Equal(t, want.IDs(), file.Ring().IDs())
		if refused != nil { // as many keys as are allowed
			require.ErrorIs(t, refused, keyring.ErrLimit)
			return
		}
		staged, err := keyring.Parse(next)
		require.NoError(t, err)
		require.Equal(t, slices.Insert(want.IDs(), 1, id), staged.IDs())
		promoted, err := keyfile.Promote(next, id)
		require.NoError(t, err)
		last, err := keyring.Parse(promoted)
		require.NoError(t, err)
		require.Equal(t, append([]string{id}, want.IDs()...), last.IDs())
	})
}
