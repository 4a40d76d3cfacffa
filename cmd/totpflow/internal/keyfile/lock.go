package keyfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// ErrLocked means that another process changes the keys.
var ErrLocked = errors.New("another totpflow is using it; wait until that has ended")

// Lock keeps other processes from changing the key file at path, until release
// is called or this process ends, however it ends. It returns [ErrLocked] when
// another one holds the lock. A copy of the keys that a killed run has left is
// removed.
//
// The lock is on a separate file, which stays behind: the key file is replaced, and a
// lock on the replaced file excludes nobody.
func Lock(path string) (release func(), err error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	l := flock.New(real + ".lock")
	ok, err := l.TryLock()
	switch {
	case err != nil:
		return nil, fmt.Errorf("key file %s: cannot be locked: %w", real, cause(err))
	case !ok:
		return nil, fmt.Errorf("key file %s: %w", real, ErrLocked)
	}
	if err := os.Remove(tempName(real)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		_ = l.Unlock()
		return nil, fmt.Errorf("key file %s: the remains of a killed run cannot be removed: %w", real, cause(err))
	}
	return func() { _ = l.Unlock() }, nil
}
