package command_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/totptest"
)

var update = flag.Bool("update", false, "write into docs/operations.md what the command prints")

const page = "../../../../docs/operations.md"

// Every console block of the operator's page is run, in order, on one server. Each prints
// the text that is on the page, except for times, ids and keys. A comment above the block
// names, as a scene, the state that the page assumes.
func TestOperatorsPage(t *testing.T) {
	was, err := os.Getwd()
	require.NoError(t, err)
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	p := newPage(t, string(text))
	var got []string
	lines := strings.Split(string(text), "\n")
	ran := 0
	for i := 0; i < len(lines); i++ {
		got = append(got, lines[i])
		if scene := sceneLine.FindStringSubmatch(lines[i]); scene != nil {
			p.scene(scene[1])
		}
		if lines[i] != "```console" {
			continue
		}
		length := slices.Index(lines[i+1:], "```")
		require.NotEqual(t, -1, length)
		for _, line := range lines[i+1 : i+1+length] {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				got = append(got, line)
				got = append(got, p.shell(command)...)
				ran++
			}
		}
		got = append(got, "```")
		i += length + 1
	}
	require.Greater(t, ran, 20)
	if *update {
		t.Chdir(was)
		require.NoError(t, os.WriteFile(page, []byte(strings.Join(got, "\n")), 0o644))
		return
	}
	require.Equal(t, steady(string(text)), steady(strings.Join(got, "\n")),
		"go test ./cmd/totpflow/internal/command -run TestOperatorsPage -update writes it again")
}

var sceneLine = regexp.MustCompile(`^<!-- scene: (\w+) -->$`)

// steady returns the text without what differs each time.
func steady(text string) string {
	for _, r := range []struct{ what, by string }{
		{`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z`, "TIME"},
		{`\d{4}-\d\d-\d\d`, "DATE"},
		{`\b[0-9a-f]{8}\b`, "KEY"},
		{`\b[0-9a-f]{32}\b`, "ID"},
		{`\b[A-Z2-7]{26}\b`, "ID"},
		{` +`, " "},
	} {
		text = regexp.MustCompile(r.what).ReplaceAllString(text, r.by)
	}
	return text
}

// An operatorsPage is the server on which the page is run.
type operatorsPage struct {
	*installation
	people map[string]person
}

func newPage(t *testing.T, text string) *operatorsPage {
	h := newInstallation(t)
	h.clock.Set(time.Now().Add(-time.Hour)) // the command has the machine's clock, and runs after everything that has happened
	require.NoError(t, os.Remove(h.keys))
	h.keys = filepath.Join(h.dir, "totpflow.keys")
	delete(h.env, "TOTPFLOW_DB")
	t.Chdir(h.dir)
	for _, name := range []string{"people.csv", "secrets.csv", "users.csv"} { // the tables of the page
		_, table, ok := strings.Cut(text, "```csv\n")
		require.True(t, ok)
		table, text, _ = strings.Cut(table, "```")
		require.NoError(t, os.WriteFile(name, []byte(table), 0o600))
	}
	return &operatorsPage{h, make(map[string]person)}
}

// scene prepares what the page assumes.
func (p *operatorsPage) scene(name string) {
	p.t.Helper()
	switch name {
	case "people":
		for _, user := range []string{"ada", "ana", "ben", "eva"} {
			p.people[user] = p.enroll("acme", user)
		}
		ana := p.people["ana"]
		_, err := p.service().TrustBrowser(p.ctx, p.passes(ana).Proof, "Firefox on Linux")
		require.NoError(p.t, err)
		p.clock.Set(time.Now().Add(-time.Second)) // the lock is not over when the page ends it
		s := p.service()
		for range 6 {
			next, err := s.SignIn(p.ctx, p.people["ben"].User)
			require.NoError(p.t, err)
			_, err = s.VerifyCode(p.ctx, next.Challenge, p.people["ben"].phone.WrongCode())
			require.Error(p.t, err)
		}
	case "thief":
		p.clock.Set(time.Now())
		ben := p.people["ben"]
		s := p.service()
		proof, err := s.Account(ben.User).VerifyCode(p.ctx, totpflow.ActionReplaceAuthenticator.On(""), ben.phone.Code())
		require.NoError(p.t, err)
		offer, err := s.BeginEnrollment(p.ctx, proof)
		require.NoError(p.t, err)
		theirs, err := totptest.ScanURI(offer.Offer.URI(), p.clock)
		require.NoError(p.t, err)
		p.told = nil
		_, err = s.ConfirmEnrollment(p.ctx, offer.Token, theirs.Code())
		require.NoError(p.t, err)
		i := slices.IndexFunc(p.told, func(e event.Event) bool { return e.Kind == event.AuthenticatorsReplaced })
		require.GreaterOrEqual(p.t, i, 0)
		require.NoError(p.t, second(s.Disown(p.ctx, s.NewDisownToken(p.told[i]))))
	case "frozen":
		p.disown(p.people["eva"])
	default:
		p.t.Fatal("no scene", name)
	}
}

// shell runs a line, and returns its output.
func (p *operatorsPage) shell(line string) []string {
	p.t.Helper()
	line, events := strings.CutSuffix(line, " 2>&1")
	if set, ok := strings.CutPrefix(line, "export "); ok {
		name, value, _ := strings.Cut(set, "=")
		p.env[name] = p.here(value)
		return nil
	}
	args, err := words(line)
	require.NoError(p.t, err, line)
	require.Equal(p.t, "totpflow", args[0], line)
	for i, arg := range args {
		switch arg {
		case "ID":
			args[i] = p.account("ben").Kept[0].ID
		case "KEY":
			args[i] = p.ring().IDs()[1]
		default:
			args[i] = p.here(arg)
		}
	}
	r := p.bare(args[1:]...)
	out := r.out
	for said := range strings.Lines(r.err) {
		if events || !strings.HasPrefix(said, "time=") {
			out += said
		}
	}
	if out == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(p.there(out), "\n"), "\n")
}

// here and there translate between the page's folders and the test's.
func (p *operatorsPage) here(text string) string {
	return strings.NewReplacer("/srv/backup/", p.dir+"/", "/etc/backup/", p.dir+"/").Replace(text)
}

func (p *operatorsPage) there(text string) string {
	return strings.NewReplacer(p.dir+"/totpflow.keys", "/etc/backup/totpflow.keys", p.dir+"/", "/srv/backup/").Replace(text)
}

// words splits a line as a shell does that knows double quotes.
func words(line string) (all []string, err error) {
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		if rest, ok := strings.CutPrefix(line, `"`); ok {
			word, after, ok := strings.Cut(rest, `"`)
			if !ok {
				return nil, errors.New("an open quote")
			}
			all, line = append(all, word), after
			continue
		}
		word, after, _ := strings.Cut(line, " ")
		all, line = append(all, word), after
	}
	return all, nil
}
