package command

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// A Keyring is the system's keyring, which opens with the person's desktop. Get returns
// an error if there is no such secret.
type Keyring interface {
	Get(name string) (string, error)
	Set(name, secret string) error
	Delete(name string) error
}

// files are the agent's data, in a folder that belongs to the agent alone. Everything
// except the entries of the keyring is in files that only their owner can read.
type files struct {
	folder  string
	keyring Keyring                // nil if there is none
	mine    func(fs.FileInfo) bool // reports whether a file belongs to this user
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

// errNone means that there is no such file.
var errNone = fs.ErrNotExist

// fault returns an error about a file. People see its whole path, because they do not know
// the agent's folder.
func (f files) fault(name string, err error) error {
	return &fileError{filepath.Join(f.folder, name), err}
}

// open returns the folder, or errNone. It refuses a folder into which another user can
// put files: with an account file there, that user could have this user's password and
// code sent to another server. All access goes through the folder that was checked.
func (f files) open() (*os.Root, error) {
	root, err := os.OpenRoot(f.folder)
	if err != nil {
		return nil, err
	}
	info, err := root.Stat(".")
	if err == nil && (!f.mine(info) || others(info, 0o022) != 0) {
		err = &fileError{f.folder, errForeign}
	}
	if err != nil {
		root.Close()
		return nil, err
	}
	return root, nil
}

// read reads a file. It refuses a file of another user, and a file that others can read
// or write, because they may already know the secret in it.
func (f files) read(name string) ([]byte, error) {
	root, err := f.open()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case !f.mine(info) || others(info, 0o022) != 0:
		return nil, f.fault(name, errForeign)
	case others(info, 0o077) != 0:
		return nil, f.fault(name, errExposed)
	}
	return root.ReadFile(name)
}

func (f files) readJSON(name string, v any) error {
	text, err := f.read(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return f.fault(name, fmt.Errorf("%w: %w", errBroken, err))
	}
	return nil
}

// write replaces a file in one step, with mode 0600, so that no file is ever half
// written.
func (f files) write(name string, data []byte) error {
	if err := os.MkdirAll(f.folder, 0o700); err != nil {
		return err
	}
	root, err := f.open()
	if err != nil {
		return err
	}
	defer root.Close()
	temp := "." + name + "-" + rand.Text()
	file, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = root.Remove(temp) }()
	_, err = file.Write(data)
	if err := cmp.Or(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return root.Rename(temp, name)
}

func (f files) writeJSON(name string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return f.write(name, append(text, '\n'))
}

func (f files) remove(name string) error {
	root, err := f.open()
	if err == nil {
		defer root.Close()
		err = root.Remove(name)
	}
	if errors.Is(err, errNone) {
		return nil
	}
	return err
}

// devices matches the names that a server may give an agent. The names are passed to the
// keyring's program, so the pattern allows nothing that the program could take for
// something else.
var devices = regexp.MustCompile(`^[a-z0-9]{16,64}$`)

// account returns the account that is signed in, or nil.
func (f files) account() (*account, error) {
	var who account
	switch err := f.readJSON(accountFile, &who); {
	case errors.Is(err, errNone):
		return nil, nil
	case err != nil:
		return nil, err
	case who.Version != version || !devices.MatchString(who.Device):
		return nil, f.fault(accountFile, errBroken)
	}
	return &who, nil
}

// vault returns the account's encoded vault.
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

// keep writes the vault to the keyring, or to a file. It writes the account after the
// vault, so that no account is without a vault.
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

// own removes other users' access to the files of a session that is about to end.
func (f files) own() error {
	root, err := f.open()
	if errors.Is(err, errNone) {
		return nil
	}
	if err != nil {
		return err
	}
	defer root.Close()
	for _, name := range []string{accountFile, vaultFile} {
		info, err := root.Stat(name)
		if errors.Is(err, errNone) {
			continue
		}
		if err == nil && (!f.mine(info) || others(info, 0o022) != 0) {
			err = f.fault(name, errForeign)
		}
		if err == nil {
			err = root.Chmod(name, 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// forget removes everything that is stored for an account. Open windows then find no
// mark, and lock.
func (f files) forget(who *account) error {
	var err error
	if who.Keyring && f.keyring != nil {
		err = f.keyring.Delete(who.Device)
	}
	return errors.Join(f.remove(accountFile), f.remove(vaultFile), f.remove(lockFile), err)
}

// replace removes the vault of a session that was replaced by a new one. A keyring that
// is out of reach now (over SSH, say) may keep the old vault, because it no longer opens
// anything.
func (f files) replace(old, now *account) {
	if old.Keyring && f.keyring != nil && old.Device != now.Device {
		_ = f.keyring.Delete(old.Device)
	}
	if now.Keyring {
		_ = f.remove(vaultFile)
	}
}

// lock makes every agent that runs in this folder lock: each remembers the mark that it
// found when it was unlocked, and the new mark is a different one. A time would not work,
// because clocks step back.
func (f files) lock() (mark string, err error) {
	mark = rand.Text()
	return mark, f.write(lockFile, []byte(mark+"\n"))
}

// mark returns the mark of the last lock, or an empty string if there is none. A mark
// that cannot be read is treated as one that no agent has seen.
func (f files) mark() string {
	text, err := f.read(lockFile)
	if errors.Is(err, errNone) {
		return ""
	}
	if mark := string(bytes.TrimSpace(text)); err == nil && mark != "" {
		return mark
	}
	return rand.Text()
}
