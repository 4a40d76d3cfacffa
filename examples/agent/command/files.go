package command

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// A Keyring is the system's, which opens with the person's desktop. Get returns
// an error when there is no such secret.
type Keyring interface {
	Get(name string) (string, error)
	Set(name, secret string) error
	Delete(name string) error
}

// files are the data that the agent keeps, in a folder of its own. All but the
// entries of the keyring are in files that only their owner reads.
type files struct {
	folder  string
	keyring Keyring // nil: there is none
}

// The names of the files.
const (
	accountFile = "account.json"
	vaultFile   = "vault"
	machineFile = "machine.json"
	lockFile    = "locked"
)

// An account describes the person who is signed in. It holds no secret.
type account struct {
	Version int    `json:"version"`
	Server  string `json:"server"`
	Email   string `json:"email"`
	Name    string `json:"name"`
	Of      string `json:"organisation"`
	Device  string `json:"device"`
	Idle    int    `json:"idle"` // seconds
	Keyring bool   `json:"keyring"`
}

// A machine is what the unattended job signs in with.
type machine struct {
	Version int    `json:"version"`
	Server  string `json:"server"`
	Name    string `json:"name"`
	Key     string `json:"key"`
}

const version = 1

// errNone says that there is no such file.
var errNone = fs.ErrNotExist

// read reads a file, and refuses one that others can read: the secret in it may
// be theirs already.
func (f files) read(name string) ([]byte, error) {
	path := filepath.Join(f.folder, name)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s", errExposed, path)
	}
	return os.ReadFile(path)
}

func (f files) readJSON(name string, v any) error {
	text, err := f.read(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	return nil
}

// write replaces a file in one step, with mode 0600: half a file is not a file.
func (f files) write(name string, data []byte) error {
	if err := os.MkdirAll(f.folder, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(f.folder, "."+name+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(data)
	if err := cmp.Or(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), filepath.Join(f.folder, name))
}

func (f files) writeJSON(name string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return f.write(name, append(text, '\n'))
}

func (f files) remove(name string) error {
	err := os.Remove(filepath.Join(f.folder, name))
	if errors.Is(err, errNone) {
		return nil
	}
	return err
}

// account returns who is signed in, nil when nobody is.
func (f files) account() (*account, error) {
	var who account
	switch err := f.readJSON(accountFile, &who); {
	case errors.Is(err, errNone):
		return nil, nil
	case err != nil:
		return nil, err
	case who.Version != version:
		return nil, errBroken
	}
	return &who, nil
}

// vault returns the account's vault, as it was written.
func (f files) vault(who *account) ([]byte, error) {
	if !who.Keyring {
		return f.read(vaultFile)
	}
	if f.keyring == nil {
		return nil, errNone
	}
	text, err := f.keyring.Get(who.Device)
	return []byte(text), err
}

// keep writes the vault: into the keyring, or into a file. A person who is signed in
// is written after it, so that nobody is without a vault.
func (f files) keep(who *account, vault []byte) error {
	who.Version = version
	who.Keyring = f.keyring != nil && f.keyring.Set(who.Device, string(vault)) == nil
	if !who.Keyring {
		if err := f.write(vaultFile, vault); err != nil {
			return err
		}
	}
	return f.writeJSON(accountFile, who)
}

// own takes away from others what they could read of a session that is to end.
func (f files) own() error {
	for _, name := range []string{accountFile, vaultFile} {
		if err := os.Chmod(filepath.Join(f.folder, name), 0o600); err != nil && !errors.Is(err, errNone) {
			return err
		}
	}
	return nil
}

// forget removes what there is of an account.
func (f files) forget(who *account) error {
	var err error
	if who.Keyring && f.keyring != nil {
		err = f.keyring.Delete(who.Device)
	}
	return errors.Join(f.remove(accountFile), f.remove(vaultFile), f.remove(lockFile), err)
}

// lock has every agent that runs in this folder lock.
func (f files) lock(at time.Time) error {
	return f.write(lockFile, []byte(at.UTC().Format(time.RFC3339Nano)+"\n"))
}

// lockedSince reports whether somebody locked the agent after this time. A file that
// cannot be read counts as locked.
func (f files) lockedSince(opened time.Time) bool {
	text, err := f.read(lockFile)
	if errors.Is(err, errNone) {
		return false
	}
	at, parsed := time.Parse(time.RFC3339Nano+"\n", string(text))
	return err != nil || parsed != nil || !at.Before(opened)
}
