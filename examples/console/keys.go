package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/totpflow/totpflow/keyring"
)

// keysVariable holds the key ring in earnest. A secret manager sets it; a file
// beside the database is lost and stolen together with it.
const keysVariable = "TOTPFLOW_KEYS"

// loadKeys reads the key ring from the environment, or from the file
// beside the database. On the first run it makes that file and returns its
// name.
func loadKeys(db string) (keys *keyring.Ring, made string, err error) {
	from, path := "the variable "+keysVariable, db+".keys"
	text := os.Getenv(keysVariable)
	if text == "" {
		from = "the key file " + path
		if text, made, err = readKeys(db, path); err != nil {
			return nil, "", err
		}
	}
	if keys, err = keyring.Parse(text); err != nil {
		return nil, "", fmt.Errorf("cannot use %s: %w", from, err)
	}
	return keys, made, nil
}

func readKeys(db, path string) (text, made string, err error) {
	text, err = readPrivate(path)
	switch {
	case err == nil:
		return text, "", nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", "", fmt.Errorf("cannot read the key file: %w", err)
	}
	// New keys open nothing that is already there: anyone who has a second factor
	// would be shut out, and told nothing that helps.
	if info, err := os.Stat(db); err == nil && info.Size() > 0 {
		return "", "", fmt.Errorf("the database %s is here, but its key file %s is not; put it back, or set %s", db, path, keysVariable)
	}
	text = keyring.Generate() + "\n"
	if err := create(path, text); err != nil {
		return "", "", fmt.Errorf("cannot write beside the database %s: %w", db, err)
	}
	return text, path, nil
}

// readPrivate reads a file that only its owner can reach, as the operator's
// command wants it too.
func readPrivate(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular(): // opening a pipe would wait for its other side
		return "", fmt.Errorf("%s is not a regular file", path)
	case info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows": // where the bits say nothing
		return "", fmt.Errorf("others can read or write %s; run chmod 600 on it, and rotate the keys if somebody may have", path)
	}
	text, err := os.ReadFile(path)
	return string(text), err
}

// create makes the file whole or not at all, whatever happens meanwhile, and
// never in place of another.
func create(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".keys-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err := cmp.Or(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}
