package command

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/totpflow/totpflow/cmd/totpflow/internal/database"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/keyfile"
	"github.com/totpflow/totpflow/keyring"
)

// Where keys and database come from. Neither is ever given on the command line
// itself, where everybody on the machine can read it.
const (
	keysVariable     = "TOTPFLOW_KEYS"
	keysFileVariable = "TOTPFLOW_KEYS_FILE"
	dbVariable       = "TOTPFLOW_DB"
)

// keysPath returns the key file that is named, on the command line or in the
// environment; empty without one.
func (a *app) keysPath() string { return cmp.Or(a.keysFile, a.env(keysFileVariable)) }

// ring reads the key ring, from the file that is named, or without one from the
// environment.
func (a *app) ring() (*keyring.Ring, error) {
	if a.keysFile == "" && a.env(keysVariable) != "" && a.env(keysFileVariable) != "" {
		return nil, usagef("$%s and $%s are both set: unset one of them", keysVariable, keysFileVariable)
	}
	if a.keysPath() != "" {
		f, err := a.openKeys()
		if err != nil {
			return nil, err
		}
		return f.Ring(), nil
	}
	text := a.env(keysVariable)
	switch {
	case text == "":
		return nil, usagef("the keys are missing: set $%s or $%s, or name a file with --keys-file", keysVariable, keysFileVariable)
	case strings.HasPrefix(text, "totpflow-wrapped-keys-"):
		return nil, fmt.Errorf("the keys in $%s are wrapped by a KMS; unwrap them into a file in memory and name it with --keys-file", keysVariable)
	}
	ring, err := keyring.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("the keys in $%s: %w", keysVariable, err)
	}
	return ring, nil
}

// openKeys opens the key file, for commands that change it.
func (a *app) openKeys() (*keyfile.File, error) {
	path := a.keysPath()
	switch {
	case path == "" && a.env(keysVariable) != "":
		return nil, usagef("this command changes the key file: name it with --keys-file; keys in $%s cannot be changed", keysVariable)
	case path == "":
		return nil, usagef("this command changes the key file: set $%s, or name the file with --keys-file", keysFileVariable)
	}
	if strings.HasPrefix(path, "totpflow-") && strings.Contains(path, ":") {
		return nil, usagef("--keys-file must be the name of a file; everybody on this machine can read keys on a command line: rotate them")
	}
	return keyfile.Open(path)
}

// openDatabase opens the database that is named, or without one that of the environment.
func (a *app) openDatabase(ctx context.Context) (*database.DB, error) {
	u, err := a.databaseURL()
	if err != nil {
		return nil, err
	}
	return database.Open(ctx, u)
}

func (a *app) databaseURL() (database.URL, error) {
	if a.dbFile == "" {
		text := a.env(dbVariable)
		if text == "" {
			return database.URL{}, usagef("the database is missing: set $%s to its URL, or name a file with --db-file", dbVariable)
		}
		u, err := database.ParseURL(text)
		if err != nil {
			return u, fmt.Errorf("$%s: %w", dbVariable, err)
		}
		return u, nil
	}
	if strings.Contains(a.dbFile, "://") || strings.HasPrefix(a.dbFile, "sqlite:") {
		return database.URL{}, usagef("--db-file must be the name of a file; put the URL into $%s, where others cannot see its password", dbVariable)
	}
	u, err := readURL(a.dbFile)
	if err != nil {
		return u, fmt.Errorf("--db-file %s: %w", a.dbFile, err)
	}
	return u, nil
}

// magic is how a file of SQLite begins.
var magic = []byte("SQLite format 3\x00")

// readURL reads the file that holds a URL, or takes the file itself where it is
// a database.
func readURL(path string) (database.URL, error) {
	begin, err := readBegin(path)
	if err != nil {
		return database.URL{}, err
	}
	if bytes.HasPrefix(begin, magic) {
		return database.FileURL(path)
	}
	u, err := database.ParseURL(string(begin))
	if err != nil || !u.HasPassword() {
		return u, err
	}
	_, _, err = keyfile.ReadPrivate(path, maxURL)
	return u, err
}

const maxURL = 4 << 10

func readBegin(path string) ([]byte, error) {
	f, _, err := keyfile.Regular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxURL))
}
