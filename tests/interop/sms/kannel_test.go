package sms

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/phone/provider/kannel"
)

// patience is how long a step may take on a machine that is busy with other tests.
const patience = 2 * time.Minute

// A centre is the SMS centre: it receives what Kannel sends.
type centre struct {
	*httptest.Server
	got chan url.Values
}

func newCentre(t *testing.T) *centre {
	c := &centre{got: make(chan url.Values, 16)}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.got <- r.URL.Query()
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "0: Accepted for delivery")
	}))
	t.Cleanup(c.Close)
	return c
}

// next returns the next message that arrives.
func (c *centre) next(t *testing.T) url.Values {
	select {
	case m := <-c.got:
		return m
	case <-time.After(patience):
		t.Fatal("no message arrived")
		return nil
	}
}

// The configuration of a private Kannel. It logs as package kannel says that it should:
// without the text.
var config = template.Must(template.New("").Parse(`
group = core
admin-port = {{.Admin}}
admin-interface = 127.0.0.1
admin-password = {{.Password}}
admin-deny-ip = "*.*.*.*"
admin-allow-ip = "127.0.0.1"
smsbox-port = {{.Box}}
smsbox-interface = 127.0.0.1
box-deny-ip = "*.*.*.*"
box-allow-ip = "127.0.0.1"
log-file = {{.Dir}}/bearerbox.log
log-level = {{.LogLevel}}
syslog-level = none
access-log = {{.Dir}}/bearerbox-access.log
access-log-format = "%t %l %P"

group = smsc
smsc = http
system-type = kannel
smsc-username = centre
smsc-password = {{.Password}}
send-url = {{.Centre}}

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {{.Send}}
sendsms-interface = 127.0.0.1
log-file = {{.Dir}}/smsbox.log
log-level = {{.LogLevel}}
syslog-level = none

group = sendsms-user
username = app
password = {{.Password}}
default-sender = Acme
concatenation = true
max-messages = 4
black-list-regex = "^[+]4477009009"
`))

// A gateway is a running Kannel.
type gateway struct {
	Dir, Centre, Password string
	Admin, Box, Send      int // ports
	LogLevel              int
	bearerbox, smsbox     *box
}

// start runs a Kannel for one test. Another program may take a free port before Kannel
// asks for it: then it starts again with other ports.
func start(t *testing.T, c *centre, logLevel int) *gateway {
	for range 5 {
		if g := try(t, c, logLevel); g != nil {
			return g
		}
	}
	t.Fatal("Kannel does not come up")
	return nil
}

// try returns nil if one of Kannel's boxes has ended.
func try(t *testing.T, c *centre, logLevel int) *gateway {
	dir, err := os.MkdirTemp("", "kannel")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	g := &gateway{Dir: dir, Centre: c.URL + "/centre", Password: "apppw-5d2c8f07", LogLevel: logLevel, Admin: port(t), Box: port(t), Send: port(t)}
	var text bytes.Buffer
	require.NoError(t, config.Execute(&text, g))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "kannel.conf"), text.Bytes(), 0o644))
	require.NoError(t, giveAway(dir))

	g.bearerbox = g.run(t, "bearerbox")
	// An smsbox that comes too early sleeps for ten seconds.
	if !g.await(t, g.bearerbox, func() bool { return listens(g.Box) }) {
		return nil
	}
	g.smsbox = g.run(t, "smsbox")
	if !g.await(t, g.smsbox, func() bool { return listens(g.Send) && strings.Contains(g.status(), "smsbox:") }) {
		g.bearerbox.kill()
		return nil
	}
	return g
}

// A box is a running program of Kannel's.
type box struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

// run starts one of Kannel's boxes. It ends with the test.
func (g *gateway) run(t *testing.T, name string) *box {
	b := &box{exec.Command(program(t, name), "-v", "4", filepath.Join(g.Dir, "kannel.conf")), make(chan struct{})}
	b.cmd.Dir = g.Dir
	b.cmd.SysProcAttr = attributes()
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the program is killed when the thread that started it ends
		defer runtime.UnlockOSThread()
		err := b.cmd.Start()
		started <- err
		if err == nil {
			_ = b.cmd.Wait() // by kill
			close(b.ended)
		}
	}()
	require.NoError(t, <-started)
	t.Cleanup(b.kill)
	return b
}

func (b *box) kill() {
	_ = b.cmd.Process.Kill() // it may have ended by itself
	<-b.ended
}

// program finds a program of Debian's package kannel, even if /usr/sbin is not in the
// path.
func program(t *testing.T, name string) string {
	for _, path := range []string{name, "/usr/sbin/" + name} {
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	t.Fatalf("%s is missing: apt-get install kannel", name)
	return ""
}

// await waits for the box, and returns false if it has ended or takes too long.
func (g *gateway) await(t *testing.T, b *box, ready func() bool) bool {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if ready() {
			return true
		}
		select {
		case <-b.ended:
			t.Logf("%s has ended: %s", b.cmd.Path, g.logs(t))
			return false
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Logf("%s does not come up: %s", b.cmd.Path, g.logs(t))
	b.kill()
	return false
}

func (g *gateway) status() string {
	res, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/status.txt?password=%s", g.Admin, g.Password))
	if err != nil {
		return ""
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return string(text)
}

// logs returns everything that Kannel has written except its configuration.
func (g *gateway) logs(t *testing.T) string {
	var all strings.Builder
	require.NoError(t, filepath.WalkDir(g.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "kannel.conf" {
			return err
		}
		data, err := os.ReadFile(path)
		fmt.Fprintf(&all, "--- %s\n%s\n", d.Name(), data)
		return err
	}))
	return all.String()
}

func (g *gateway) sender(t *testing.T, changes ...func(*kannel.Config)) *kannel.Sender {
	c := kannel.Config{URL: fmt.Sprintf("http://127.0.0.1:%d/cgi-bin/sendsms", g.Send), Username: "app", Password: g.Password}
	for _, change := range changes {
		change(&c)
	}
	s, err := kannel.New(c)
	require.NoError(t, err)
	return s
}

// port returns a free one.
func port(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func listens(port int) bool {
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
