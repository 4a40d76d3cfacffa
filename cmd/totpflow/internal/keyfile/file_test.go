package keyfile_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/cmd/totpflow/internal/keyfile"
	"github.com/totpflow/totpflow/keyring"
)

// newFile makes a key file and opens it.
func newFile(t *testing.T) (path string, f *keyfile.File) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "console.keys")
	require.NoError(t, keyfile.Create(path, keyring.Generate()))
	return path, open(t, path)
}

func open(t *testing.T, path string) *keyfile.File {
	t.Helper()
	f, err := keyfile.Open(path)
	require.NoError(t, err)
	return f
}

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Mode().Perm()
}

// left returns the files of the folder: none with a key may be left over.
func left(t *testing.T, path string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestCreateNeverReplaces(t *testing.T) {
	path, f := newFile(t)
	require.Equal(t, os.FileMode(0o600), mode(t, path))
	require.ErrorIs(t, keyfile.Create(path, keyring.Generate()), keyfile.ErrExists)
	require.Equal(t, f.Ring().IDs(), open(t, path).Ring().IDs())
	require.Equal(t, []string{"console.keys"}, left(t, path))
	dangling := filepath.Join(filepath.Dir(path), "link")
	require.NoError(t, os.Symlink("nowhere", dangling))
	require.ErrorIs(t, keyfile.Create(dangling, keyring.Generate()), keyfile.ErrExists)
	require.Error(t, keyfile.Create(filepath.Join(path, "keys"), keyring.Generate()))
}

// A ring that others can read is no longer secret: the operator learns of it before the
// next rotation repeats the mistake.
func TestModeIsChecked(t *testing.T) {
	path, _ := newFile(t)
	for bits, refused := range map[os.FileMode]bool{
		0o600: false, 0o400: false, 0o700: false,
		0o640: true, 0o604: true, 0o620: true, 0o644: true, 0o601: true, 0o777: true,
	} {
		require.NoError(t, os.Chmod(path, bits))
		_, err := keyfile.Open(path)
		require.Equal(t, refused, errors.Is(err, keyfile.ErrMode), "%o: %v", bits, err)
		require.Equal(t, refused, err != nil)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	text := keyring.Generate()
	for name, content := range map[string]string{
		"empty": "", "nonsense": "nonsense", "cut": text[:50], "doubled": text + "\n" + text, "long": strings.Repeat(text, 200),
	} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		_, err := keyfile.Open(path)
		require.ErrorContains(t, err, path, name)
		require.NotContains(t, err.Error(), text[len(text)-20:], name)
	}
	_, err := keyfile.Open(dir)
	require.ErrorContains(t, err, "not a regular file")
	_, err = keyfile.Open(filepath.Join(dir, "missing"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, filepath.Join(dir, "missing"))
	_, err = keyfile.Open(filepath.Join(dir, "long"))
	require.ErrorContains(t, err, "too long")
}

// Reading has a limit, and never cuts a text off at it.
func TestReadPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	_, _, err := keyfile.ReadPrivate(path, 6)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.WriteFile(path, []byte("secret"), 0o600))
	text, info, err := keyfile.ReadPrivate(path, 6)
	require.NoError(t, err)
	require.Equal(t, "secret", text)
	require.EqualValues(t, 6, info.Size())
	text, _, err = keyfile.ReadPrivate(path, 5)
	require.ErrorContains(t, err, "too long")
	require.Empty(t, text)
}

// The new file has the same mode and place; links to it keep working.
func TestReplace(t *testing.T) {
	path, _ := newFile(t)
	require.NoError(t, os.Chmod(path, 0o400))
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(path, link))
	f := open(t, link)
	was := f.Ring().IDs()
	require.NoError(t, f.Replace(keyring.Rotate))
	require.Equal(t, was, f.Ring().IDs()[1:])
	require.NoError(t, f.Replace(keyring.RaiseEpoch), "the file is at hand as it is now")
	require.EqualValues(t, 2, f.Ring().Epoch())
	require.Equal(t, f.Ring().IDs(), open(t, path).Ring().IDs())
	require.Equal(t, os.FileMode(0o400), mode(t, path))
	info, err := os.Lstat(link)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&os.ModeSymlink)
	require.Equal(t, []string{"console.keys"}, left(t, path))
}

func TestReplaceKeepsTheOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		path, f := newFile(t)
		require.NoError(t, f.Replace(keyring.Rotate), "one's own")
		require.Equal(t, os.FileMode(0o600), mode(t, path))
		return
	}
	path, _ := newFile(t)
	require.NoError(t, os.Chown(path, 4711, 4712))
	require.NoError(t, open(t, path).Replace(keyring.Rotate))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Contains(t, fmt.Sprintf("%+v", info.Sys()), "Uid:4711 Gid:4712")
}

// Whatever goes wrong, the file stays unchanged, and no copy of a key is left over.
func TestReplaceFailsWhole(t *testing.T) {
	path, f := newFile(t)
	was := f.Ring().IDs()
	other := open(t, path)
	require.NoError(t, other.Replace(keyring.Rotate))
	require.ErrorIs(t, f.Replace(keyring.Rotate), keyfile.ErrChanged)
	require.Equal(t, other.Ring().IDs(), open(t, path).Ring().IDs())

	failed := errors.New("failed")
	require.ErrorIs(t, other.Replace(func(string) (string, error) { return "", failed }), failed)
	require.ErrorIs(t, other.Replace(func(string) (string, error) { return "no ring", nil }), keyring.ErrMalformed)
	require.ErrorIs(t, other.Replace(func(s string) (string, error) { return keyring.Retire(s, "00000000") }), keyring.ErrUnknownKey)
	require.Subset(t, open(t, path).Ring().IDs(), was)
	require.Len(t, open(t, path).Ring().IDs(), 2)
	require.Equal(t, []string{"console.keys"}, left(t, path))

	// Somebody has put a folder in the way of the new file, or removed the old one.
	before := open(t, path).Ring().IDs()
	require.NoError(t, os.MkdirAll(filepath.Join(filepath.Dir(path), ".console.keys.new", "x"), 0o700))
	require.Error(t, other.Replace(keyring.Rotate))
	require.Equal(t, before, open(t, path).Ring().IDs())
	require.NoError(t, os.RemoveAll(filepath.Join(filepath.Dir(path), ".console.keys.new")))
	require.NoError(t, os.Remove(path))
	require.ErrorIs(t, other.Replace(keyring.Rotate), os.ErrNotExist)
	require.Empty(t, left(t, path))
}

func TestFilePrintsNoKey(t *testing.T) {
	path, f := newFile(t)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	secret := strings.TrimSpace(string(text[strings.LastIndexByte(string(text), '.')+1:]))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		require.NotContains(t, fmt.Sprintf(verb, f), secret[:20])
		require.NotContains(t, fmt.Sprintf(verb, *f), secret[:20])
	}
}

func TestLock(t *testing.T) {
	path, _ := newFile(t)
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(path), ".console.keys.new"), []byte(keyring.Generate()), 0o600))
	release, err := keyfile.Lock(path)
	require.NoError(t, err)
	_, err = keyfile.Lock(path)
	require.ErrorIs(t, err, keyfile.ErrLocked)
	require.Equal(t, []string{"console.keys", "console.keys.lock"}, left(t, path), "what a killed run has left is gone")
	release()
	release, err = keyfile.Lock(path)
	require.NoError(t, err)
	release()
	_, err = keyfile.Lock(path + ".missing")
	require.ErrorIs(t, err, os.ErrNotExist)
}
