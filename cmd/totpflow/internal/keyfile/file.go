package keyfile

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/totpflow/totpflow/keyring"
)

var (
	// ErrMode means that users other than the owner can read or write the file.
	ErrMode = errors.New("other users can read or write it; run chmod 600 on it, and rotate the keys if somebody may have read it")

	// ErrChanged means that the file has changed since it was opened.
	ErrChanged = errors.New("somebody else has changed it in the meantime; nothing was written")

	// ErrExists means that there is a file already, whose keys would be lost.
	ErrExists = errors.New("the file exists already; its keys open records, so it is not replaced")
)

// maxFile is more than the longest ring has.
const maxFile = 8 << 10

// A File is a key file as it was when [Open] read it, or as the last
// [File.Replace] wrote it. It is not safe for concurrent use.
type File struct {
	path string // the file itself, with symbolic links followed
	info fs.FileInfo
	ring *keyring.Ring
	// The text is a secret. Printers do not look into functions.
	text func() string
}

// Open reads the key file at path. The error wraps [ErrMode] for a file that users other
// than its owner can read or write, and [keyring.ErrMalformed] for one that holds no
// ring.
func Open(path string) (*File, error) {
	real, err := filepath.EvalSymlinks(path) // a link stays a link: its target is replaced
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	f := &File{path: real}
	if err := f.read(); err != nil {
		return nil, fmt.Errorf("key file %s: %w", real, err)
	}
	return f, nil
}

func (f *File) read() error {
	text, info, err := ReadPrivate(f.path, maxFile)
	if err != nil {
		return err
	}
	ring, err := keyring.Parse(text)
	if err != nil {
		return err
	}
	f.info, f.ring, f.text = info, ring, func() string { return text }
	return nil
}

// ReadPrivate reads a file of at most limit bytes that holds a secret. The error wraps
// [ErrMode] when users other than the owner can read or write it.
func ReadPrivate(path string, limit int64) (string, fs.FileInfo, error) {
	file, info, err := Regular(path)
	if err != nil {
		return "", nil, err
	}
	defer file.Close()
	if info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" { // on Windows the bits say nothing
		return "", nil, ErrMode
	}
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	switch {
	case err != nil:
		return "", nil, cause(err)
	case int64(len(text)) > limit:
		return "", nil, errors.New("it is too long")
	}
	return string(text), info, nil
}

// Regular opens a regular file to read, and refuses a folder, a device and a named
// pipe: opening a pipe waits for its other side, and no signal ends that.
func Regular(path string) (*os.File, fs.FileInfo, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, nil, cause(err)
	}
	info, err := file.Stat() // about the opened file, not about one that has taken its place
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a regular file")
	}
	if err != nil {
		file.Close()
		return nil, nil, cause(err)
	}
	return file, info, nil
}

// Path returns the path of the ring's file, with symbolic links followed.
func (f *File) Path() string { return f.path }

// Ring returns the ring of the file.
func (f *File) Ring() *keyring.Ring { return f.ring }

// Replace lets change make a new ring string from the present one, and puts it in the
// file's place: under another name first, flushed to the disk, with the mode and the
// owner of the old one, then renamed. Readers see the old ring or the new one, even after
// a power cut. It returns [ErrChanged] when the file is no longer the one that was
// opened, and the error of change. The caller holds the [Lock].
func (f *File) Replace(change func(ring string) (string, error)) error {
	text, err := change(f.text())
	if err != nil {
		return err
	}
	if _, err := keyring.Parse(text); err != nil { // a ring that does not open must not take the place of one that does
		return err
	}
	if err := f.write(text + "\n"); err != nil {
		return fmt.Errorf("key file %s: %w", f.path, err)
	}
	return nil
}

func (f *File) write(text string) error {
	temp, err := newTemp(f.path)
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	err = fill(temp, text, func() error {
		return cmp.Or(keepOwner(temp, f.info), temp.Chmod(f.info.Mode().Perm()))
	})
	if err != nil {
		return err
	}
	now := File{path: f.path}
	if err := now.read(); err != nil {
		return err
	}
	if now.text() != f.text() {
		return ErrChanged
	}
	if err := os.Rename(temp.Name(), f.path); err != nil {
		return cause(err)
	}
	return cmp.Or(syncFolder(f.path), f.read())
}

// Create writes a new key file of mode 0600. It returns [ErrExists] where there
// is a file, whatever is in it.
func Create(path, ring string) error {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("key file %s: %w", path, cause(err))
	}
	defer os.Remove(temp.Name())
	if err = fill(temp, ring+"\n", func() error { return nil }); err == nil {
		err = os.Link(temp.Name(), path) // unlike a renaming, never in place of another file
	}
	if errors.Is(err, fs.ErrExist) {
		err = ErrExists
	}
	if err == nil {
		err = syncFolder(path)
	}
	if err != nil {
		return fmt.Errorf("key file %s: %w", path, cause(err))
	}
	return nil
}

// tempName returns the path at which the replacement of the file at path is written
// first. It is always the same, so that a run that was killed leaves one copy of the keys
// at most, which the next one removes. The lock keeps two from meeting there.
func tempName(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new")
}

func newTemp(path string) (*os.File, error) {
	if err := os.Remove(tempName(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, cause(err)
	}
	temp, err := os.OpenFile(tempName(path), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	return temp, cause(err)
}

// fill writes a new file, flushed to the disk, and closes it.
func fill(file *os.File, text string, prepare func() error) error {
	err := prepare() // before the secret is in it
	if err == nil {
		_, err = file.WriteString(text)
	}
	if err == nil {
		err = file.Sync()
	}
	return cause(cmp.Or(err, file.Close()))
}

// syncFolder makes a renaming in the folder of path survive a power cut.
// Windows does not let folders be flushed, and does it by itself.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return cause(err)
	}
	defer folder.Close()
	return folder.Sync()
}

// cause returns the error without the path, which the message already has.
func cause(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}
