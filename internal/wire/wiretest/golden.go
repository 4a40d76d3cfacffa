package wiretest

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/totpflow/totpflow/internal/wire"
)

var update = flag.Bool("update", false, "write the golden files of formats that no release reads yet")

// Golden reads the golden files of a value in every format that this release reads, and
// fails the test if one cannot be read, or does not match its view. It returns the
// value of the newest format.
//
// The file testdata/name stands for testdata/v1/name.hex, which has the bytes in format 1,
// testdata/v1/name.json, which has their view, and the same of every other format. Each
// format from [wire.Written] on must have both, and be written back unchanged. An older
// format need not be: this release no longer writes it. A value that is newer than an old
// format has no files there.
//
// With -update, the files of the formats from [wire.Written] on are written from v; if v
// is nil, from the value of the newest format that has files. A file of a format that a
// release reads is never written again, however old: a record with its bytes may be in
// somebody's database.
func Golden[T any, P Value[T]](t *testing.T, path string, v P) T {
	t.Helper()
	g := goldenFiles[T, P]{dir: filepath.Dir(path), name: filepath.Base(path), oldest: wire.Oldest, written: wire.Written, newest: wire.Newest, released: ReleasedNewest}
	if *update {
		check(t, g.update(v))
	}
	got, err := g.read()
	check(t, err)
	return got
}

// goldenFiles are the files of one value, for a release with these formats.
type goldenFiles[T any, P Value[T]] struct {
	dir, name                         string
	oldest, written, newest, released uint64
}

func (g goldenFiles[T, P]) path(format uint64, ext string) string {
	return filepath.Join(g.dir, fmt.Sprintf("v%d", format), g.name+ext)
}

// read returns the value of the newest format, after it has read all of them.
func (g goldenFiles[T, P]) read() (newest T, err error) {
	for format := g.oldest; format <= g.newest; format++ {
		data, err := g.bytes(format)
		if errors.Is(err, fs.ErrNotExist) && format < g.written {
			continue
		}
		var v T
		if err == nil {
			v, err = g.readFormat(format, data)
		}
		if err != nil {
			return newest, fmt.Errorf("%w\n%s", err, g.advice(format))
		}
		newest = v
	}
	return newest, nil
}

func (g goldenFiles[T, P]) advice(format uint64) string {
	if format <= g.released {
		return fmt.Sprintf("A release reads format %d, and its golden files stay as they are: internal/wire/format.go says how a format is changed.", format)
	}
	return "Run this test with -update if the change is meant."
}

func (g goldenFiles[T, P]) readFormat(format uint64, data []byte) (v T, err error) {
	want, err := os.ReadFile(g.path(format, ".json"))
	if err != nil {
		return v, err
	}
	if len(data) == 0 || uint64(data[0]) != format {
		return v, fmt.Errorf("%s is not of format %d", g.path(format, ".hex"), format)
	}
	view, err := wire.DecodeView(data, P(&v))
	if err != nil {
		return v, fmt.Errorf("%s: %w", g.path(format, ".hex"), err)
	}
	if view != strings.TrimSpace(string(want)) {
		return v, fmt.Errorf("%s is now shown as\n%s", g.path(format, ".hex"), view)
	}
	if format >= g.written {
		again, err := wire.EncodeAs(format, P(&v))
		if err != nil {
			return v, err
		}
		if text := lines(again); text != lines(data) {
			return v, fmt.Errorf("%s is written back as\n%s", g.path(format, ".hex"), text)
		}
	}
	return v, nil
}

func (g goldenFiles[T, P]) bytes(format uint64) ([]byte, error) {
	text, err := os.ReadFile(g.path(format, ".hex"))
	if err != nil {
		return nil, err
	}
	return hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
}

// update writes the files that no release has fixed.
func (g goldenFiles[T, P]) update(v P) error {
	for format := g.newest; v == nil && format >= g.oldest; format-- {
		if data, err := g.bytes(format); err == nil {
			v = new(T)
			if err := wire.Decode(data, v); err != nil {
				return err
			}
		}
	}
	for format := g.written; format <= g.newest; format++ {
		data, err := wire.EncodeAs(format, v)
		if err != nil {
			return err
		}
		view, err := wire.DecodeView(data, P(new(T)))
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(g.path(format, "")), 0o750); err != nil {
			return err
		}
		for ext, text := range map[string]string{".hex": lines(data), ".json": view + "\n"} {
			if _, err := os.Stat(g.path(format, ext)); err == nil && format <= g.released {
				continue
			}
			if err := os.WriteFile(g.path(format, ext), []byte(text), 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// lines shows data as lines of 32 bytes.
func lines(data []byte) string {
	var out strings.Builder
	for len(data) > 0 {
		n := min(len(data), 32)
		fmt.Fprintf(&out, "%x\n", data[:n])
		data = data[n:]
	}
	return out.String()
}
