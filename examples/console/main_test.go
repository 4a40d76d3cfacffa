package main_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/totptest"
)

// binary is the console as people run it.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "console")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "console")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v\n%s", err, out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// A process is a console that runs, and what it printed at its start.
type process struct {
	cmd    *exec.Cmd
	url    string
	screen string
	log    bytes.Buffer // to be read after it has ended
}

// start runs the console on a free port until the test ends.
func start(t *testing.T, db string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(binary, append([]string{"-addr", "127.0.0.1:0", "-db", db}, args...)...)}
	p.cmd.Stderr = &p.log
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); _ = p.cmd.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "Ctrl-C") {
		p.screen += lines.Text() + "\n"
	}
	m := regexp.MustCompile(`http://[0-9.:]+`).FindString(p.screen)
	require.NotEmpty(t, m, p.screen)
	p.url = m
	return p
}

// fails runs the console, which must end at once with status 1 and one line.
func fails(t *testing.T, env []string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, stderr.String())
	require.Equal(t, 1, exit.ExitCode())
	require.Empty(t, stdout.String())
	require.Equal(t, 1, strings.Count(stderr.String(), "\n"), stderr.String())
	require.True(t, strings.HasPrefix(stderr.String(), "console: "), stderr.String())
	return stderr.String()
}

// The console is read as an example, and must not grow again: without tests, blank lines
// and comments it has at most 2,000 lines.
func TestLines(t *testing.T) {
	lines := 0
	for _, pattern := range []string{"*.go", "app/*.go"} {
		names, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			source, err := os.ReadFile(name)
			require.NoError(t, err)
			for line := range strings.Lines(string(source)) {
				if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
					lines++
				}
			}
		}
	}
	t.Log(lines, "lines")
	require.NotZero(t, lines)
	require.LessOrEqual(t, lines, 2000)
}

func client(t *testing.T) *http.Client {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func post(t *testing.T, c *http.Client, to string, form url.Values) (location, body string) {
	t.Helper()
	resp, err := c.PostForm(to, form)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.Header.Get("Location"), string(b)
}

func password(t *testing.T, c *http.Client, base string) (location string) {
	t.Helper()
	ana := app.DemoAccounts[1]
	location, _ = post(t, c, base+"/signin", url.Values{"email": {ana.Email}, "password": {ana.Password}})
	return location
}

func TestFirstRunSaysWhereToGo(t *testing.T) {
	db := filepath.Join(t.TempDir(), "console.db")
	p := start(t, db)
	for _, words := range []string{
		"admin@acme.example", "correct-horse-1", "ana@acme.example", "correct-horse-2",
		"nora@north.example", "ben@acme.example", "agent@acme.example",
		db + ".keys", "made just now", "0600", "TOTPFLOW_KEYS", db + ".mail",
	} {
		require.Contains(t, p.screen, words)
	}
	require.Equal(t, "/", password(t, client(t), p.url))
	if runtime.GOOS != "windows" {
		for _, file := range []string{db, db + ".keys"} {
			info, err := os.Stat(file)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), file)
		}
	}
	again := start(t, db)
	require.NotContains(t, again.screen, "made just now")
}

func TestRequireFlag(t *testing.T) {
	p := start(t, filepath.Join(t.TempDir(), "console.db"), "-require")
	require.Equal(t, "/2fa/setup", password(t, client(t), p.url))
}

// The mails of a demonstration are in a folder, where people can read them; their links
// lead back.
func TestMailsInAFolder(t *testing.T) {
	db := filepath.Join(t.TempDir(), "console.db")
	p := start(t, db)
	c := client(t)
	require.Equal(t, "/", password(t, c, p.url))
	resp, err := c.Get(p.url + "/2fa/setup")
	require.NoError(t, err)
	page, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	resp.Body.Close()
	link := regexp.MustCompile(`href="(otpauth:[^"]+)"`).FindSubmatch(page)
	require.NotNil(t, link)
	phone, err := totptest.ScanURI(html.UnescapeString(string(link[1])), totptest.NewClock(time.Now()))
	require.NoError(t, err)
	post(t, c, p.url+"/2fa/setup", url.Values{"code": {phone.Code()}})
	mails, err := filepath.Glob(filepath.Join(db+".mail", "*.eml"))
	require.NoError(t, err)
	require.NotEmpty(t, mails)
	text, err := os.ReadFile(mails[len(mails)-1])
	require.NoError(t, err)
	require.Contains(t, strings.ReplaceAll(string(text), "=\r\n", ""), p.url+"/2fa/not-me?event=3D")
}

func TestUnusableMailServer(t *testing.T) {
	db := filepath.Join(t.TempDir(), "console.db")
	require.Contains(t, fails(t, nil, "-addr", "127.0.0.1:0", "-db", db, "-smtp", "nonsense"), "cannot use the mail server nonsense")
}

// A gateway requires its user, and Twilio its account. No message contains their secrets.
func TestUnusableGateway(t *testing.T) {
	db := filepath.Join(t.TempDir(), "console.db")
	url := "http://127.0.0.1:13013/cgi-bin/sendsms"
	args := []string{"-addr", "127.0.0.1:0", "-db", db, "-sms-kannel"}
	require.Contains(t, fails(t, []string{"KANNEL_USER=", "KANNEL_PASSWORD="}, append(args, url)...), "-sms-kannel")
	require.Contains(t, fails(t, []string{"KANNEL_USER=u", "KANNEL_PASSWORD=p"}, append(args, "nonsense")...), "-sms-kannel")
	require.NotContains(t, fails(t, []string{"KANNEL_USER=u", "KANNEL_PASSWORD=s3cret"}, append(args, "http://gateway.example/")...), "s3cret")

	args[len(args)-1] = "-sms-twilio"
	for _, c := range []struct{ account, number, says string }{
		{"", "+15005550006", "the account SID is not"},
		{"nonsense", "+15005550006", "the account SID is not"},
		{"AC" + strings.Repeat("0", 32), "ACME", phone.ErrNumber.Error()}, // a sender id could not call
	} {
		said := fails(t, []string{"TWILIO_ACCOUNT_SID=" + c.account, "TWILIO_AUTH_TOKEN=s3cret"}, append(args, c.number)...)
		require.Contains(t, said, c.says)
		require.NotContains(t, said, "s3cret")
	}
	both := append(args, "+15005550006", "-sms-kannel", url)
	require.Contains(t, fails(t, []string{"KANNEL_USER=u", "KANNEL_PASSWORD=p"}, both...), "choose one of them")
}

// With an account of Twilio the console starts, and says where codes go.
func TestTwilio(t *testing.T) {
	t.Setenv("TWILIO_ACCOUNT_SID", "AC"+strings.Repeat("0", 32))
	t.Setenv("TWILIO_AUTH_TOKEN", "s3cret")
	p := start(t, filepath.Join(t.TempDir(), "console.db"), "-sms-twilio", "+15005550006")
	require.Contains(t, p.screen, "Codes to  +15005550006\n")
	require.NotContains(t, p.screen, "s3cret")
}

func TestBusyPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	db := filepath.Join(t.TempDir(), "console.db")
	require.Contains(t, fails(t, nil, "-addr", l.Addr().String(), "-db", db), "in use")
	require.NoFileExists(t, db)
	require.NoFileExists(t, db+".keys")
	require.Contains(t, fails(t, nil, "-addr", "nonsense", "-db", db), "cannot listen on nonsense")
}

func TestUnusableDatabase(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.db")
	require.NoError(t, os.WriteFile(garbage, []byte(strings.Repeat("no database ", 100)), 0o600))
	require.NoError(t, os.WriteFile(garbage+".keys", []byte(keyring.Generate()), 0o600))
	for _, db := range []string{
		filepath.Join(dir, "missing", "console.db"), // a directory that does not exist
		filepath.Join(garbage, "console.db"),        // a file in place of a directory
		dir,                                         // a directory
		garbage,
	} {
		require.Contains(t, fails(t, nil, "-addr", "127.0.0.1:0", "-db", db), db)
	}
}

func TestUnwritableDatabase(t *testing.T) {
	if os.Geteuid() == 0 {
		// Permissions do not bind root, but a read-only file system does.
		require.Contains(t, fails(t, nil, "-addr", "127.0.0.1:0", "-db", "/proc/console.db"), "database /proc/console.db")
		return
	}
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o500))
	db := filepath.Join(dir, "console.db")
	require.Contains(t, fails(t, nil, "-addr", "127.0.0.1:0", "-db", db), "database "+db)
}

func TestBrokenKeys(t *testing.T) {
	db := filepath.Join(t.TempDir(), "console.db")
	for _, broken := range []string{"", "nonsense\n", keyring.Generate()[:40], "\x00\x01\x02"} {
		require.NoError(t, os.WriteFile(db+".keys", []byte(broken), 0o600))
		require.Contains(t, fails(t, nil, "-addr", "127.0.0.1:0", "-db", db), "key file "+db+".keys")
	}
	require.NoError(t, os.Remove(db+".keys"))
	require.Contains(t, fails(t, []string{"TOTPFLOW_KEYS=nonsense"}, "-addr", "127.0.0.1:0", "-db", db), "TOTPFLOW_KEYS")
	require.NoFileExists(t, db+".keys")
}

// Anyone who reads the keys can open what the database holds. So the console refuses keys
// that others can read, as the operator's command does.
func TestKeysOfOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the bits of a file's mode say nothing here")
	}
	db := filepath.Join(t.TempDir(), "console.db")
	require.NoError(t, os.WriteFile(db+".keys", []byte(keyring.Generate()), 0o600))
	for _, mode := range []os.FileMode{0o644, 0o640, 0o602, 0o604} {
		require.NoError(t, os.Chmod(db+".keys", mode))
		require.Contains(t, fails(t, nil, "-addr", "127.0.0.1:0", "-db", db), "chmod 600")
		require.NoFileExists(t, db)
	}
	require.NoError(t, os.Remove(db+".keys"))
	require.NoError(t, os.Mkdir(db+".keys", 0o700))
	require.Contains(t, fails(t, nil, "-addr", "127.0.0.1:0", "-db", db), "not a regular file")
}

// New keys with an old database would shut out everyone who has a second factor.
func TestLostKeyFile(t *testing.T) {
	db := filepath.Join(t.TempDir(), "console.db")
	p := start(t, db)
	require.NoError(t, p.cmd.Process.Kill())
	_ = p.cmd.Wait()
	require.NoError(t, os.Remove(db+".keys"))
	require.Contains(t, fails(t, nil, "-addr", "127.0.0.1:0", "-db", db), "put it back")
	require.NoFileExists(t, db+".keys")
}

func TestKeysFromTheEnvironment(t *testing.T) {
	t.Setenv("TOTPFLOW_KEYS", keyring.Generate())
	db := filepath.Join(t.TempDir(), "console.db")
	p := start(t, db)
	require.NotContains(t, p.screen, "made just now")
	require.NoFileExists(t, db+".keys")
}

// A console whose database file was removed signs nobody in, and its log says what to do.
func TestLostDatabaseFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a file that is open cannot be removed")
	}
	db := filepath.Join(t.TempDir(), "console.db")
	p := start(t, db)
	ready := func() int {
		resp, err := http.Get(p.url + "/ready")
		require.NoError(t, err)
		resp.Body.Close()
		return resp.StatusCode
	}
	require.Equal(t, http.StatusNoContent, ready())
	require.NoError(t, os.Remove(db))
	require.Equal(t, http.StatusServiceUnavailable, ready())
	require.Empty(t, password(t, client(t), p.url))
	kill(t, p)
	require.Contains(t, p.log.String(), "the database file was removed or replaced")
	require.Contains(t, p.log.String(), "put it back")
}

func TestInterruptEndsItCleanly(t *testing.T) {
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		p := start(t, filepath.Join(t.TempDir(), "console.db"))
		require.NoError(t, p.cmd.Process.Signal(signal))
		require.NoError(t, p.cmd.Wait()) // exit status 0
	}
}

// Every acknowledged change survives when the process is killed: the enrollment, the code
// that was used, the trusted browser and the session.
func TestKillLosesNoAcknowledgedChange(t *testing.T) {
	db := filepath.Join(t.TempDir(), "console.db")
	p := start(t, db)
	c := client(t)
	require.Equal(t, "/", password(t, c, p.url))
	resp, err := c.Get(p.url + "/2fa/setup")
	require.NoError(t, err)
	page, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	resp.Body.Close()
	link := regexp.MustCompile(`href="(otpauth:[^"]+)"`).FindSubmatch(page)
	require.NotNil(t, link)
	// The binary has the real clock. After the first code, the phone runs a step ahead,
	// which the window allows.
	clock := totptest.NewClock(time.Now())
	phone, err := totptest.ScanURI(html.UnescapeString(string(link[1])), clock)
	require.NoError(t, err)
	code := phone.Code()
	_, sheet := post(t, c, p.url+"/2fa/setup", url.Values{"code": {code}})
	require.Contains(t, sheet, "recovery-code")
	kill(t, p)

	p = start(t, db)
	c = client(t)
	require.Equal(t, "/2fa/code", password(t, c, p.url))
	to, _ := post(t, c, p.url+"/2fa/code", url.Values{"code": {code}}) // used before the kill
	require.Empty(t, to)
	clock.Set(time.Now())
	to, body := post(t, c, p.url+"/2fa/code", url.Values{"code": {phone.Code()}, "trust": {"yes"}})
	require.Equal(t, "/", to, body)
	kill(t, p)

	p = start(t, db)
	resp, err = c.Get(p.url + "/2fa/security")
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode, "the session is kept")
	_, _ = post(t, c, p.url+"/2fa/signout", nil)
	require.Equal(t, "/", password(t, c, p.url), "the browser is trusted")
	require.Equal(t, "/2fa/code", password(t, client(t), p.url))
}

func kill(t *testing.T, p *process) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Kill())
	_ = p.cmd.Wait()
}
