package screen

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Streams are the three streams of a program, and whether a person sits at them.
type Streams struct {
	In          io.Reader
	Out, Err    io.Writer
	InTerminal  bool // a person types
	OutTerminal bool // a person reads the result
	ErrTerminal bool // a person reads the notes, and lines can be repainted
}

// Note prints a line for the person at the terminal, which no program reads.
func (s Streams) Note(format string, args ...any) {
	fmt.Fprintf(s.Err, format+"\n", args...)
}

// Log returns the writer for lines of a log. On a terminal they take the place of a
// progress bar, which comes back below them.
func (s Streams) Log() io.Writer {
	if s.ErrTerminal {
		return clearing{s.Err}
	}
	return s.Err
}

type clearing struct{ io.Writer }

func (c clearing) Write(line []byte) (int, error) {
	if _, err := io.WriteString(c.Writer, "\r\x1b[K"); err != nil {
		return 0, err
	}
	return c.Writer.Write(line)
}

// JSON prints the value as the result, indented, for programs and people.
func (s Streams) JSON(v any) error {
	e := json.NewEncoder(s.Out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// Clean replaces what does not print, terminal escapes and characters that turn
// the direction of text among it, by U+FFFD.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// Time returns a time as tables show it: in UTC, to the second, "-" for none.
func Time(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// Plural returns "1 record", "2 records".
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
