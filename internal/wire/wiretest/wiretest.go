// Package wiretest tests the types that package wire writes and reads: each of them must
// have one encoding, and refuse everything else.
package wiretest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/totpflow/totpflow/internal/wire"
)

// Value is a pointer to a T that describes its fields.
type Value[T any] interface {
	*T
	wire.Fielder
}

// Write returns the bytes of v.
func Write(t testing.TB, v wire.Fielder) []byte {
	t.Helper()
	data, err := wire.Encode(v)
	check(t, err)
	return data
}

// View returns the JSON view of v.
func View(t testing.TB, v wire.Fielder) string {
	t.Helper()
	view, err := wire.View(v)
	check(t, err)
	return view
}

// Read returns the T that data encodes, and fails the test unless data is its only
// encoding in its format. This release reads a format that is older than [wire.Written],
// and does not write it.
func Read[T any, P Value[T]](t testing.TB, data []byte) T {
	t.Helper()
	var v T
	check(t, wire.Decode(data, P(&v)))
	format := wire.Format(data)
	if format < wire.Written {
		return v
	}
	again, err := wire.EncodeAs(format, P(&v))
	check(t, err)
	same(t, data, again)
	return v
}

// Unchanged fails the test unless data, which was read, was written again as it was. Data
// of another format than [wire.Written] may change: it is for the encodings of single
// packages, which are always written in that format.
func Unchanged(t testing.TB, data, again []byte) {
	t.Helper()
	if wire.Format(data) == wire.Written {
		same(t, data, again)
	}
}

// Kept is Unchanged for data that stays in its format, as a record does: data of a newer
// format than [wire.Written] must not change either.
func Kept(t testing.TB, data, again []byte) {
	t.Helper()
	if wire.Format(data) >= wire.Written {
		same(t, data, again)
	}
}

// same fails the test unless data, which was read, was written again as it was.
func same(t testing.TB, data, again []byte) {
	t.Helper()
	if !bytes.Equal(data, again) {
		t.Errorf("%x was read, and is written as %x", data, again)
	}
}

// TryRead is Read for data that may be refused. It reports whether it was not.
func TryRead[T any, P Value[T]](t testing.TB, data []byte) (v T, ok bool) {
	t.Helper()
	var tried T
	if err := wire.Decode(data, P(&tried)); err != nil {
		if !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%x is refused with %v", data, err)
		}
		return v, false
	}
	return Read[T, P](t, data), true
}

// Documented fails the test unless a comment of the file has the layout of v, field by
// field, in the format that is written.
func Documented(t *testing.T, file string, v wire.Fielder) {
	t.Helper()
	fields, err := wire.Layout(v)
	check(t, err)
	source, err := os.ReadFile(file)
	check(t, err)
	want := fmt.Sprintf("//\tformat: number, %d\n//\t%s\n", wire.Written, strings.Join(fields, "\n//\t"))
	if !strings.Contains(string(source), want+"//\n") && !strings.Contains(string(source), want+"type ") {
		t.Errorf("%s does not have\n%s", file, want)
	}
}

// Strict fails the test unless v comes back as it was written, and every other input is
// refused or is the only encoding of another value: each beginning of its bytes, a byte
// after them, another format, and every change of one byte.
func Strict[T any, P Value[T]](t *testing.T, v P) {
	t.Helper()
	data := Write(t, v)
	Read[T, P](t, data)
	var writers sync.WaitGroup
	for range 2 { // twice, for the race detector: writing changes nothing
		writers.Go(func() { _, _ = wire.Encode(v) })
	}
	writers.Wait()
	refused := func(why string, data []byte) {
		t.Helper()
		if _, ok := TryRead[T, P](t, data); ok {
			t.Errorf("%s is read: %x", why, data)
		}
	}
	for n := range data {
		refused("a beginning", data[:n])
	}
	refused("a byte behind", append(bytes.Clone(data), 0))
	for _, format := range []uint64{wire.Oldest - 1, wire.Newest + 1, '{'} {
		refused("another format", append(binary.AppendUvarint(nil, format), data[1:]...))
	}
	refused("an overlong format", append([]byte{data[0] | 0x80, 0}, data[1:]...))
	for i := range data {
		for _, change := range []byte{1, 2, 0x7f, 0x80, 0xff} {
			other := bytes.Clone(data)
			other[i] ^= change
			TryRead[T, P](t, other)
		}
	}
}

// Raw makes the bytes of an encoding by hand, after the format: numbers of type
// uint64 and signed numbers of type int or int64 as they are written, a string
// after its length, bytes as they are.
func Raw(parts ...any) []byte {
	data := binary.AppendUvarint(nil, wire.Written)
	for _, part := range parts {
		switch p := part.(type) {
		case uint64:
			data = binary.AppendUvarint(data, p)
		case int:
			data = binary.AppendVarint(data, int64(p))
		case int64:
			data = binary.AppendVarint(data, p)
		case string:
			data = append(binary.AppendUvarint(data, uint64(len(p))), p...)
		case []byte:
			data = append(data, p...)
		default:
			panic(fmt.Sprintf("wiretest: no part of an encoding: %T", p))
		}
	}
	return data
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
