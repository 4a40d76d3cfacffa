package command_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/examples/agent/command"
	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/totptest"
)

var (
	admin = app.DemoAccounts[0] // administrator of acme
	ana   = app.DemoAccounts[1] // a user of acme
	mika  = app.DemoAccounts[3] // in two organisations
)

// A workplace is a console, and the machine of a person who uses the agent.
type workplace struct {
	t       *testing.T
	clock   *totptest.Clock
	db      *sql.DB
	ring    *keyring.Ring
	server  *httptest.Server
	serve   func(change ...func(*app.Options)) // replaces the console
	secrets *secrets
	folder  string
	keyring command.Keyring
	env     map[string]string
	mine    func(fs.FileInfo) bool
}

func newWorkplace(t *testing.T, change ...func(*app.Options)) *workplace {
	t.Helper()
	t.Parallel()
	db, err := app.Open(filepath.Join(t.TempDir(), "console.db"))
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	h := &workplace{
		t: t, db: db, ring: keys, clock: totptest.NewClock(time.Date(2026, 3, 2, 9, 30, 10, 0, time.UTC)),
		secrets: &secrets{}, folder: filepath.Join(t.TempDir(), "agent"), env: map[string]string{},
	}
	h.serve = func(change ...func(*app.Options)) {
		o := app.Options{DB: db, Keys: keys, Now: h.clock.Now, Observer: event.Slog(slog.New(slog.DiscardHandler)), Mail: noMail{}}
		for _, c := range change {
			c(&o)
		}
		console, err := app.New(o)
		require.NoError(t, err)
		h.secrets.wrap(console)
	}
	h.serve(change...)
	h.server = httptest.NewServer(h.secrets)
	t.Cleanup(h.server.Close)
	return h
}

type noMail struct{}

// Send implements app.Mailer.
func (noMail) Send(context.Context, app.Mail) error { return nil }

func require2FA(o *app.Options) { o.Require = true }

// secrets is a handler in front of the console that remembers what the console hands out.
type secrets struct {
	mu      sync.Mutex
	console http.Handler
	seen    map[string][]string // by the name of the field
	asked   []string            // the paths of the requests
}

func (s *secrets) wrap(console http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.console = console
}

// ServeHTTP implements http.Handler.
func (s *secrets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	console := s.console
	s.asked = append(s.asked, r.URL.Path)
	s.mu.Unlock()
	answer := httptest.NewRecorder()
	console.ServeHTTP(answer, r)
	s.remember(answer.Body.Bytes())
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

func (s *secrets) remember(text []byte) {
	var fields map[string]any
	if json.Unmarshal(text, &fields) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = make(map[string][]string)
	}
	for _, name := range []string{"session", "token", "value", "next", "key", "proof", "challenge", "enrollment", "secret", "uri"} {
		if text, ok := fields[name].(string); ok {
			s.seen[name] = append(s.seen[name], text)
		}
	}
	codes, _ := fields["recovery_codes"].([]any)
	for _, code := range codes {
		s.seen["recovery_codes"] = append(s.seen["recovery_codes"], code.(string))
	}
}

// requests returns the paths of the requests so far.
func (s *secrets) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// of returns what was handed out under these names, or everything if there are no names.
func (s *secrets) of(names ...string) (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, list := range s.seen {
		for _, one := range names {
			if one == name {
				all = append(all, list...)
			}
		}
		if len(names) == 0 {
			all = append(all, list...)
		}
	}
	return all
}

// A done is a run of the agent that has ended.
type done struct {
	t        *testing.T
	code     int
	out, err string
}

func (h *workplace) system() command.System {
	return command.System{
		Folder: h.folder, Host: "ana-laptop", Keyring: h.keyring, Now: h.clock.Now, Mine: h.mine,
		Getenv: func(name string) string {
			if name == "AGENT_SERVER" {
				return h.server.URL
			}
			return h.env[name]
		},
	}
}

// run runs the agent with these lines as its input.
func (h *workplace) run(args string, lines ...string) done {
	h.t.Helper()
	var out, errs bytes.Buffer
	s := h.system()
	s.Out, s.Err, s.In = &out, &errs, strings.NewReader(strings.Join(append(lines, ""), "\n"))
	code := command.Run(context.Background(), strings.Fields(args), s)
	d := done{h.t, code, out.String(), errs.String()}
	h.leaksNothing(d.out+d.err, args)
	return d
}

// leaksNothing asserts that the screen shows no secrets except those of an enrollment,
// and that nothing on the disk is of use without password and code, except the key of the
// machine.
func (h *workplace) leaksNothing(screen, args string) {
	h.t.Helper()
	for _, a := range app.DemoAccounts {
		require.NotContains(h.t, screen, a.Password, args)
	}
	for _, one := range h.secrets.of("session", "token", "value", "next", "key", "proof", "challenge", "enrollment", "uri") {
		require.NotContains(h.t, screen, one, args)
	}
	if h.keyring == nil {
		for _, one := range h.secrets.of("session", "token", "value", "next", "proof", "secret", "recovery_codes") {
			require.NotContains(h.t, h.disk(), one)
		}
	}
}

// disk returns everything in the agent's folder.
func (h *workplace) disk() string {
	h.t.Helper()
	var all strings.Builder
	h.walk(func(path string, _ fs.FileInfo) {
		text, err := os.ReadFile(path)
		require.NoError(h.t, err)
		all.Write(text)
	})
	return all.String()
}

// private asserts that these files are the only ones, and that nobody but their owner can
// access them.
func (h *workplace) private(names ...string) {
	h.t.Helper()
	var found []string
	h.walk(func(path string, info fs.FileInfo) {
		require.Equal(h.t, fs.FileMode(0o600), info.Mode().Perm(), path)
		found = append(found, filepath.Base(path))
	})
	require.ElementsMatch(h.t, names, found)
	info, err := os.Stat(h.folder)
	require.NoError(h.t, err)
	require.Equal(h.t, fs.FileMode(0o700), info.Mode().Perm())
}

func (h *workplace) walk(each func(path string, info fs.FileInfo)) {
	h.t.Helper()
	err := filepath.WalkDir(h.folder, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		require.NoError(h.t, err)
		if info, err := d.Info(); !d.IsDir() {
			require.NoError(h.t, err)
			each(path, info)
		}
		return nil
	})
	require.NoError(h.t, err)
}

// ends asserts the exit code, and that a failure is reported in one line.
func (d done) ends(code int) done {
	d.t.Helper()
	require.Equal(d.t, code, d.code, "%s%s", d.out, d.err)
	if code == command.ExitDone {
		require.NotContains(d.t, d.err, "agent: ")
	} else {
		lines := strings.Split(strings.TrimSuffix(d.err, "\n"), "\n")
		require.True(d.t, strings.HasPrefix(lines[len(lines)-1], "agent: "), d.err)
		require.Equal(d.t, 1, strings.Count(d.err, "agent: "), d.err)
	}
	return d
}

func (d done) says(words ...string) done {
	d.t.Helper()
	for _, w := range words {
		require.Contains(d.t, d.out, w)
	}
	return d
}

func (d done) notes(words ...string) done {
	d.t.Helper()
	for _, w := range words {
		require.Contains(d.t, d.err, w)
	}
	return d
}

// phone returns the phone into which the key of an enrollment was typed.
func (h *workplace) phone(screen string) *totptest.Authenticator {
	h.t.Helper()
	m := regexp.MustCompile(`set-up key into the app: ([A-Z2-7 ]+)\n`).FindStringSubmatch(screen)
	require.NotNil(h.t, m, screen)
	phone, err := totptest.TypeSecret(m[1], h.clock)
	require.NoError(h.t, err)
	return phone
}
