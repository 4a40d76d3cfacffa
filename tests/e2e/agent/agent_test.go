package agent_test

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"io/fs"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/tests/tools/terminal"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/totptest/qrscan"
)

// program is the agent's program as people run it.
var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "agent")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "agent")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/totpflow/totpflow/examples/agent").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v\n%s", err, out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

var (
	admin = app.DemoAccounts[0]
	ana   = app.DemoAccounts[1]
)

// A workstation has a person, their terminal and their phone; the console is elsewhere.
// Its clock moves only when a person would wait.
type workstation struct {
	t      *testing.T
	clock  *totptest.Clock
	url    string
	folder string
}

func newWorkstation(t *testing.T, require2FA bool) *workstation {
	t.Helper()
	t.Parallel()
	db, err := app.Open(filepath.Join(t.TempDir(), "console.db"))
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	clock := totptest.NewClock(time.Now())
	console, err := app.New(app.Options{DB: db, Keys: keys, Now: clock.Now, Require: require2FA, Observer: event.Slog(slog.New(slog.DiscardHandler)), Mail: noMail{}})
	require.NoError(t, err)
	server := httptest.NewServer(console)
	t.Cleanup(func() {
		server.Close()
		require.NoError(t, console.Drain(context.Background()))
	})
	return &workstation{t, clock, server.URL, filepath.Join(t.TempDir(), "agent")}
}

type noMail struct{}

// Send implements app.Mailer.
func (noMail) Send(context.Context, app.Mail) error { return nil }

// environment returns what the agent finds: no keyring but ours, and the test's server.
func (ws *workstation) environment() []string {
	return []string{"AGENT_HOME=" + ws.folder, "AGENT_SERVER=" + ws.url, "AGENT_KEYRING=none", "NO_COLOR=", "LC_ALL=en_US.UTF-8"}
}

// A window shows the agent.
type window struct {
	*workstation
	*terminal.Terminal
}

// window opens one of this size, and runs the agent in it.
func (ws *workstation) window(width, height int, args ...string) *window {
	ws.t.Helper()
	w, err := terminal.Start(width, height, ws.environment(), append([]string{program}, args...)...)
	require.NoError(ws.t, err)
	ws.t.Cleanup(func() { require.NoError(ws.t, w.Close()) })
	return &window{ws, w}
}

// sees waits for the words, and asserts that no password is on the screen.
func (w *window) sees(words string) terminal.Screen {
	w.t.Helper()
	shown, err := w.Sees(words)
	require.NoError(w.t, err)
	for _, a := range app.DemoAccounts {
		require.NotContains(w.t, shown.Text(), a.Password)
	}
	require.NotRegexp(w.t, `[0-9a-f]{64}|totpflow-`, shown.Text(), "a key or a value")
	return shown
}

// types answers a question, which must be the last text on the screen.
func (w *window) types(question, answer string) {
	w.t.Helper()
	for {
		shown := strings.TrimRight(w.sees(question).Text(), " \n")
		if strings.HasSuffix(shown, strings.TrimRight(question, " ")) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	require.NoError(w.t, w.Type(answer))
	require.NoError(w.t, w.Press("Enter"))
}

func (w *window) ends(code int) {
	w.t.Helper()
	got, err := w.Ends()
	require.NoError(w.t, err)
	shown, err := w.Screen()
	require.NoError(w.t, err)
	require.Equal(w.t, code, got, shown.Text())
}

// scan reads the code from a picture of the screen, with two unrelated readers.
func (w *window) scan(shown terminal.Screen, theme terminal.Theme) *totptest.Authenticator {
	w.t.Helper()
	img, err := shown.Picture(theme)
	require.NoError(w.t, err)
	var file bytes.Buffer
	require.NoError(w.t, png.Encode(&file, img))
	uri, err := qrscan.Decode(file.Bytes())
	require.NoError(w.t, err, shown.Text())

	path := filepath.Join(w.t.TempDir(), "screen.png")
	require.NoError(w.t, os.WriteFile(path, file.Bytes(), 0o600))
	zbarimg, err := exec.LookPath("zbarimg")
	require.NoError(w.t, err, "install the Debian package zbar-tools")
	out, err := exec.Command(zbarimg, "-q", "--raw", "--oneshot", "--nodbus", path).Output()
	require.NoError(w.t, err)
	require.Equal(w.t, uri, strings.TrimSuffix(string(out), "\n"))

	phone, err := totptest.ScanURI(uri, w.clock)
	require.NoError(w.t, err)
	return phone
}

// enrolls signs in where a second factor is required, and scans the code that is shown.
func (ws *workstation) enrolls(who app.DemoAccount, width, height int, theme terminal.Theme) *totptest.Authenticator {
	ws.t.Helper()
	w := ws.window(width, height, "signin")
	w.types("E-mail address: ", who.Email)
	w.types("Password: ", who.Password)
	shown := w.sees("Code that the app shows now: ")
	phone := w.scan(shown, theme)
	require.Equal(ws.t, "Acme Backup", phone.Label().Issuer)
	w.types("Code that the app shows now: ", phone.Code())
	w.types("Have you saved the recovery codes? (yes/no) ", "yes")
	shown = w.sees("Signed in as " + who.Name)
	require.Regexp(ws.t, `(?m)^  [0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$`, shown.Text(), "recovery codes")
	w.ends(0)
	ws.clock.Advance(time.Second)
	return phone
}

// A person's day with the agent: set up, open, delete with a code, lock, and a job that
// runs nevertheless.
func TestADayWithTheAgent(t *testing.T) {
	ws := newWorkstation(t, true)
	phone := ws.enrolls(admin, 120, 60, terminal.Dark)

	w := ws.window(120, 40, "unlock")
	w.types("Password: ", admin.Password)
	w.types("or a recovery code: ", phone.Code())
	w.types("agent> ", "list")
	id := regexp.MustCompile(`(?m)^([a-z0-9]{10})  +ana-laptop `).FindStringSubmatch(w.sees("ana-laptop").Text())
	require.NotNil(t, id)
	w.types("agent> ", "delete "+id[1])
	w.sees("Delete the backup of ana-laptop")
	w.types("or a recovery code: ", phone.WrongCode())
	w.sees("This code is not right")
	w.types("or a recovery code: ", phone.Code())
	w.sees("Deleted.")
	w.types("agent> ", "register")
	w.sees("without asking anyone")
	w.types("or a recovery code: ", phone.Code())
	w.sees("This machine now runs its job as")
	w.types("agent> ", "lock")
	w.sees("Locked.")
	w.types("agent (locked)> ", "run "+t.TempDir())
	w.sees("Stored a backup of ")
	w.types("agent (locked)> ", "list")
	w.sees("enter the password of admin@acme.example")
	w.types("Password: ", admin.Password)
	w.types("or a recovery code: ", phone.Code())
	w.types("agent> ", "exit")
	w.ends(0)

	// A closed program is locked; a job started by a timer has no terminal.
	w = ws.window(100, 20, "status")
	w.sees("State            locked")
	w.ends(0)
	job := exec.Command(program, "run", t.TempDir())
	job.Env = append(os.Environ(), ws.environment()...)
	out, err := job.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "Stored a backup of")
	ws.private("account.json", "vault", "machine.json", "locked")
}

// private asserts that nobody else can read the agent's files.
func (ws *workstation) private(names ...string) {
	ws.t.Helper()
	entries, err := os.ReadDir(ws.folder)
	require.NoError(ws.t, err)
	var found []string
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(ws.t, err)
		require.Equal(ws.t, fs.FileMode(0o600), info.Mode(), e.Name())
		found = append(found, e.Name())
	}
	require.ElementsMatch(ws.t, names, found)
}

// In the smallest supported terminal, the code and the question for it fit.
func TestASmallTerminal(t *testing.T) {
	newWorkstation(t, true).enrolls(ana, 80, 24, terminal.Light)
}

// Without colours the picture is made for light text on a dark background.
func TestWithoutColours(t *testing.T) {
	ws := newWorkstation(t, true)
	w, err := terminal.Start(120, 50, append(ws.environment(), "NO_COLOR=1"), program, "signin")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	one := &window{ws, w}
	one.types("E-mail address: ", ana.Email)
	one.types("Password: ", ana.Password)
	phone := one.scan(one.sees("Code that the app shows now: "), terminal.Dark)
	one.types("Code that the app shows now: ", phone.Code())
	one.types("Have you saved the recovery codes? (yes/no) ", "yes")
	one.sees("Signed in as")
	one.ends(0)
}

// A lock in another window ends a set-up that is waiting, and removes the QR code from
// the screen. A window without room for the code shows the key, with no word broken.
func TestASetUpThatIsLocked(t *testing.T) {
	ws := newWorkstation(t, true)
	for height, code := range map[int]bool{40: true, 20: false} {
		w := ws.window(80, height, "signin")
		w.types("E-mail address: ", ana.Email)
		w.types("Password: ", ana.Password)
		shown := w.sees("Code that the app shows now: ").Text()
		require.Equal(t, code, strings.Contains(shown, "▀▀▀"), shown)
		require.Equal(t, !code, strings.Contains(shown, "This window is too small"), shown)
		require.NoError(t, w.Type("123"))
		other := exec.Command(program, "lock")
		other.Env = append(os.Environ(), ws.environment()...)
		out, err := other.CombinedOutput()
		require.Error(t, err, "nobody is signed in")
		require.Contains(t, string(out), "you are not signed in")
		shown = w.sees("locked in another window").Text()
		require.NotContains(t, shown, "▀▀▀")
		require.NotContains(t, shown, "set-up key")
		w.ends(4)
	}
}

// However a question ends, the terminal is as it was: it echoes what is typed, and Ctrl-C
// works.
func TestTheTerminalIsGivenBack(t *testing.T) {
	ws := newWorkstation(t, false)
	shell := fmt.Sprintf("%s signin; echo exit $?; stty -a", program)
	for _, key := range []string{"C-c", "C-d"} {
		w, err := terminal.Start(120, 30, ws.environment(), "sh", "-c", shell)
		require.NoError(t, err)
		one := &window{ws, w}
		one.types("E-mail address: ", ana.Email)
		one.sees("Password: ")
		require.NoError(t, w.Press(key))
		one.sees("nothing was done")
		one.sees("exit 1")
		shown := one.sees("echoke").Text()
		for _, mode := range []string{"echo", "icanon", "isig", "opost"} {
			require.Regexp(t, `\s`+mode+`\s`, shown)
		}
		require.NoError(t, w.Close())
	}
}
