package keyfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// ErrJournal means that the journal is not one that this version wrote.
var ErrJournal = errors.New("not a journal of this version")

// A Journal remembers a sweep over all records that has begun, so that it can
// go on after an interruption. It holds no secret.
type Journal struct {
	Version   int       `json:"version"`
	Operation string    `json:"operation"`
	Database  string    `json:"database"`         // the database, without user and password
	Key       string    `json:"key,omitempty"`    // the key that was staged, or that records are sealed under
	Epoch     uint32    `json:"epoch,omitempty"`  // the epoch that was raised to
	At        time.Time `json:"at,omitzero"`      // when the restored backup was made
	Began     time.Time `json:"began"`            // the start, by the clock of this machine
	Cursor    string    `json:"cursor,omitempty"` // where to continue
	Seen      int       `json:"seen"`             // records until there
	Changed   int       `json:"changed"`          // how many of these were sealed again
	Staged    bool      `json:"staged,omitempty"` // Key is in the ring and seals nothing yet; the sweep has not begun
}

const journalVersion = 1

// journal returns the path of an operation's journal, beside the key file.
func (f *File) journal(operation string) string { return f.path + "." + operation }

// Journal reads the journal of an operation; ok is false without one. The error
// wraps [ErrJournal] for a file that this version did not write.
func (f *File) Journal(operation string) (j Journal, ok bool, err error) {
	path := f.journal(operation)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Journal{}, false, nil
	}
	if err == nil {
		j, err = parseJournal(text, operation)
	}
	if err != nil {
		return Journal{}, false, fmt.Errorf("journal %s: %w", path, cause(err))
	}
	return j, true, nil
}

func parseJournal(text []byte, operation string) (j Journal, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&j); err != nil || j.Version != journalVersion || j.Operation != operation {
		return Journal{}, ErrJournal
	}
	return j, nil
}

// Note writes the journal of its operation, whole or not at all.
func (f *File) Note(j Journal) error {
	j.Version = journalVersion
	text, err := json.Marshal(j)
	if err != nil {
		return err
	}
	path := f.journal(j.Operation)
	temp, err := newTemp(path)
	if err == nil {
		defer os.Remove(temp.Name())
		err = fill(temp, string(text)+"\n", func() error { return keepOwner(temp, f.info) })
	}
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("journal %s: %w", path, cause(err))
	}
	return nil
}

// Finish removes the journal of an operation.
func (f *File) Finish(operation string) error {
	path := f.journal(operation)
	for _, name := range []string{path, tempName(path)} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("journal %s: %w", path, cause(err))
		}
	}
	return syncFolder(path)
}
