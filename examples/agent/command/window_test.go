package command_test

import (
	"context"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/agent/command"
)

// A window is an agent with a person at its terminal.
type window struct {
	*workplace
	keys   *io.PipeWriter
	screen *screen
	code   chan int
}

// window starts the agent on a terminal.
func (h *workplace) window(args string, change ...func(*command.System)) *window {
	h.t.Helper()
	in, keys := io.Pipe()
	w := &window{workplace: h, keys: keys, screen: newScreen(), code: make(chan int, 1)}
	s := h.system()
	s.In, s.Out, s.Err, s.OutTerminal = in, w.screen, w.screen, true
	s.Raw = func() (int, func(), error) { return 100, func() {}, nil }
	for _, c := range change {
		c(&s)
	}
	go func() { w.code <- command.Run(context.Background(), strings.Fields(args), s) }()
	return w
}

// saves confirms that the recovery codes are saved.
func (w *window) saves() {
	w.t.Helper()
	w.types("Have you saved the recovery codes? (yes/no) ", "yes")
}

// A screen holds what an agent has written so far.
type screen struct {
	mu      sync.Mutex
	text    string
	read    int // how much of it the test has read
	changed chan struct{}
}

func newScreen() *screen { return &screen{changed: make(chan struct{}, 1)} }

// Write implements io.Writer.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	s.text += string(p)
	s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default:
	}
	return len(p), nil
}

// after looks for the words in the output since the last time. If it finds them, it
// returns the text up to and including them.
func (s *screen) after(words string) (before string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := strings.Index(s.text[s.read:], words)
	if at < 0 {
		return s.text[s.read:], false
	}
	before = s.text[s.read : s.read+at+len(words)]
	s.read += at + len(words)
	return before, true
}

// sees waits until the words are on the screen, and returns what was written since the
// last time, up to and including them.
func (w *window) sees(words string) string {
	w.t.Helper()
	timeout := time.After(time.Minute)
	for {
		seen, ok := w.screen.after(words)
		if ok {
			return seen
		}
		select {
		case <-w.screen.changed:
		case <-timeout:
			require.Failf(w.t, "not on the screen", "%q in %q", words, seen)
		}
	}
}

// types answers a question.
func (w *window) types(question, answer string) string {
	w.t.Helper()
	seen := w.sees(question)
	_, err := io.WriteString(w.keys, answer+"\r")
	require.NoError(w.t, err)
	return seen
}

// ends waits until the agent has ended.
func (w *window) ends(code int) string {
	w.t.Helper()
	select {
	case got := <-w.code:
		require.Equal(w.t, code, got, w.screen.text)
	case <-time.After(time.Minute):
		require.Fail(w.t, "the agent still runs", w.screen.text)
	}
	w.leaksNothing(w.screen.text, "window")
	return w.screen.text
}
