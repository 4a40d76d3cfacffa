package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// View returns the fields of v with their names, as indented JSON. It REVEALS the
// contents and is for tests: beside a golden file of bytes it shows their meaning.
// The view cannot be read back.
func View(v Fielder) (string, error) {
	w, err := look(v)
	if err != nil {
		return "", err
	}
	return w.json(), nil
}

// DecodeView is [Decode] that also returns the fields that it read, as View shows them: those
// that data has in its own format.
func DecodeView(data []byte, v Fielder) (string, error) {
	w := newView()
	if err := decode(data, v, w); err != nil {
		return "", err
	}
	w.close('}')
	return w.json(), nil
}

func (w *view) json() string {
	var out bytes.Buffer
	_ = json.Indent(&out, bytes.TrimSuffix(w.text, []byte(",")), "", "  ") // the text of a view is JSON
	return out.String()
}

// Layout returns the fields of v in their order, each with its kind, one per line: those
// of optional parts that are present, and of lists that are not empty.
func Layout(v Fielder) ([]string, error) {
	w, err := look(v)
	if err != nil {
		return nil, err
	}
	return w.layout, nil
}

func look(v Fielder) (*view, error) {
	w := newView()
	if _, err := encode(nil, Written, v, w); err != nil {
		return nil, err
	}
	w.close('}')
	return w, nil
}

// A view is JSON and a layout that are being made. The nil view notes nothing.
type view struct {
	text   []byte
	layout []string
	path   []string
	seen   map[string]bool
}

// newView returns a view of a value whose fields follow.
func newView() *view {
	w := &view{seen: make(map[string]bool)}
	w.open("", "", '{')
	return w
}

func (w *view) open(name, kind string, bracket byte) {
	if w != nil {
		w.name(name, kind)
		w.path = append(w.path, name)
		w.text = append(w.text, bracket)
	}
}

func (w *view) close(bracket byte) {
	if w != nil {
		w.path = w.path[:len(w.path)-1]
		w.text = append(bytes.TrimSuffix(w.text, []byte(",")), bracket, ',')
	}
}

// name begins a field. Items of lists, and the whole value, have no name.
func (w *view) name(name, kind string) {
	if name == "" {
		return
	}
	w.text = append(strconv.AppendQuote(w.text, name), ':')
	indent := -1
	for _, part := range w.path {
		if part != "" {
			indent++
		}
	}
	full := strings.Join(append(w.path, name), ".")
	if !w.seen[full] {
		w.seen[full] = true
		w.layout = append(w.layout, fmt.Sprintf("%s%s: %s", strings.Repeat("  ", indent+1), name, kind))
	}
}

func (w *view) value(name, kind string, v any) {
	text, _ := json.Marshal(v) // numbers, texts and bools never fail
	w.name(name, kind)
	w.text = append(append(w.text, text...), ',')
}

func (w *view) time(name, kind string, t time.Time) {
	if t.IsZero() {
		w.value(name, kind, nil)
		return
	}
	w.value(name, kind, t.UTC().Format(time.RFC3339Nano))
}

// bounds says which values a number may have, unless it may have any.
func bounds(least, most uint64) string {
	switch {
	case most >= math.MaxInt64:
		return ""
	case least == 0:
		return fmt.Sprintf(", at most %d", most)
	}
	return fmt.Sprintf(", %d to %d", least, most)
}
