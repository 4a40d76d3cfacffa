package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/totpflow/totpflow/keyring"
)

// keysVariable holds the key ring in earnest. A secret manager sets it; a file
// beside the database is lost and stolen together with it.
const keysVariable = "TOTPFLOW_KEYS"

// loadKeys reads the key ring from the environment, or else from the file
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
	data, err := os.ReadFile(path)
	switch {
	case err == nil:
		return string(data), "", nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", "", fmt.Errorf("cannot read the key file: %w", err)
	}
	// New keys open nothing that is already there: whoever has a second factor
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
