package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"github.com/totpflow/totpflow/keyring"
)

// keysVariable holds the key ring in production, where a secret manager sets it. A file
// next to the database would be lost and stolen together with it.
const keysVariable = "TOTPFLOW_KEYS"

// loadKeys reads the key ring from the environment, or from the file next to the
// database. On the first run it makes that file and returns its name.
func loadKeys(db string) (keys *keyring.Ring, made string, err error) {
	from, path := "the variable "+keysVariable, db+".keys"
	text := os.Getenv(keysVariable)
	if text == "" {
		from = "the key file " + path
		text, err = readPrivate(path)
		if errors.Is(err, fs.ErrNotExist) {
			made = path
			text, err = makeKeys(db, path)
		}
		if err != nil {
			return nil, "", fmt.Errorf("cannot use the key file of the database %s: %w", db, err)
		}
	}
	if keys, err = keyring.Parse(text); err != nil {
		return nil, "", fmt.Errorf("cannot use %s: %w", from, err)
	}
	return keys, made, nil
}

// makeKeys makes the file. New keys open nothing that exists already: everyone who has a
// second factor would be shut out, and no message would help them.
func makeKeys(db, path string) (text string, err error) {
	if info, err := os.Stat(db); err == nil && info.Size() > 0 {
		return "", fmt.Errorf("the database exists, but %s does not; put it back, or set %s", path, keysVariable)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // never replaces another file
	if err != nil {
		return "", err
	}
	text = keyring.Generate() + "\n"
	_, err = f.WriteString(text)
	return text, cmp.Or(err, f.Sync(), f.Close())
}

// readPrivate reads a file that only its owner can access, as the operator's command
// does.
func readPrivate(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular(): // opening a pipe would wait for its other end
		return "", fmt.Errorf("%s is not a regular file", path)
	case info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows": // there the bits say nothing
		return "", fmt.Errorf("others can read or write %s; run chmod 600 on it, and rotate the keys if somebody may have done so", path)
	}
	text, err := os.ReadFile(path)
	return string(text), err
}
