package command_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/command"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/totptest"
)

// An installation is a product with its database and its keys on disk, and the operator's
// terminal beside it.
type installation struct {
	t     *testing.T
	ctx   context.Context
	dir   string
	keys  string // the key file
	env   map[string]string
	in    string // what the next run reads
	tty   bool   // whether the next run is at a terminal
	clock *totptest.Clock
	db    *sql.DB
	store *sqlstore.Store
	told  []event.Event       // to the product's observer
	above map[string][]string // the product's tenants, and those above them
}

func newInstallation(t *testing.T) *installation {
	t.Helper()
	dir := t.TempDir()
	h := &installation{
		t: t, ctx: context.Background(), dir: dir, keys: filepath.Join(dir, "console.keys"),
		env:   map[string]string{"TOTPFLOW_DB": "sqlite://" + dir + "/console.db", "SUDO_USER": "olga"},
		clock: totptest.NewClock(time.Now()),
	}
	require.NoError(t, os.WriteFile(h.keys, []byte(keyring.Generate()+"\n"), 0o600))
	db, err := sql.Open("sqlite", "file:"+dir+"/console.db?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	h.db, h.store = db, sqlstore.New(db, sqlstore.SQLite)
	require.NoError(t, h.store.Migrate(h.ctx))
	return h
}

// service returns the product's service, with the key file as it is now.
func (h *installation) service() *totpflow.Service {
	h.t.Helper()
	s, err := totpflow.New(totpflow.Config{
		Issuer: "Acme Backup", Store: h.store, Keys: h.ring(), Now: h.clock.Now,
		ParentTenants: func(_ context.Context, tenant string) ([]string, error) { return h.above[tenant], nil },
		Observer: event.ObserverFunc(func(_ context.Context, e event.Event) {
			h.told = append(h.told, e)
		}),
	})
	require.NoError(h.t, err)
	return s
}

func (h *installation) ring() *keyring.Ring {
	h.t.Helper()
	text, err := os.ReadFile(h.keys)
	require.NoError(h.t, err)
	ring, err := keyring.Parse(string(text))
	require.NoError(h.t, err)
	return ring
}

// A person has an authenticator.
type person struct {
	totpflow.User
	phone *totptest.Authenticator
	uri   string
	codes []string // for recovery
}

func (h *installation) enroll(tenant, user string) person {
	h.t.Helper()
	s := h.service()
	p := person{User: totpflow.User{ID: totpflow.AccountID{Tenant: tenant, User: user}}}
	next, err := s.SignIn(h.ctx, p.User)
	require.NoError(h.t, err)
	var by totpflow.EnrollmentGrant = next.Proof
	if next.Step == totpflow.Enroll {
		by = next.Challenge
	}
	page, err := s.BeginEnrollment(h.ctx, by)
	require.NoError(h.t, err)
	p.uri = page.Offer.URI()
	p.phone, err = totptest.ScanURI(p.uri, h.clock)
	require.NoError(h.t, err)
	done, err := s.ConfirmEnrollment(h.ctx, page.Token, p.phone.Code())
	require.NoError(h.t, err)
	p.codes = done.Sheet.Codes
	return p
}

// enrollPhone enrolls an account with only a phone.
func (h *installation) enrollPhone(tenant, user string) {
	h.t.Helper()
	var sent texts
	s, err := totpflow.New(totpflow.Config{
		Issuer: "Acme Backup", Store: h.store, Keys: h.ring(), Now: h.clock.Now, Phones: &phone.Delivery{Sender: &sent},
		Policy: policy.Fixed{Mode: policy.Required, Methods: policy.App | policy.Phone},
	})
	require.NoError(h.t, err)
	next, err := s.SignIn(h.ctx, totpflow.User{ID: totpflow.AccountID{Tenant: tenant, User: user}})
	require.NoError(h.t, err)
	number, err := phone.ParseNumber("+43 660 1234567")
	require.NoError(h.t, err)
	page, err := s.BeginPhone(h.ctx, next.Challenge, number)
	require.NoError(h.t, err)
	require.NoError(h.t, second(s.SendEnrollmentCode(h.ctx, page.Token, phone.SMS)))
	require.NoError(h.t, second(s.ConfirmPhone(h.ctx, page.Token, sent[0])))
}

// texts are the codes that were sent to phones.
type texts []string

func (t *texts) Send(_ context.Context, m phone.Message) error {
	*t = append(*t, m.Code.Digits())
	return nil
}

// step returns what the password leads to.
func (h *installation) step(u totpflow.User) totpflow.Step {
	h.t.Helper()
	next, err := h.service().SignIn(h.ctx, u)
	require.NoError(h.t, err)
	return next.Step
}

// passes signs the person in with a code.
func (h *installation) passes(p person) totpflow.Decision {
	h.t.Helper()
	s := h.service()
	next, err := s.SignIn(h.ctx, p.User)
	require.NoError(h.t, err)
	require.Equal(h.t, totpflow.AskCode, next.Step)
	done, err := s.VerifyCode(h.ctx, next.Challenge, p.phone.Code())
	require.NoError(h.t, err)
	return done
}

func (h *installation) status(u totpflow.User) totpflow.Status {
	h.t.Helper()
	st, err := h.service().Account(u).Status(h.ctx)
	require.NoError(h.t, err)
	return st
}

// A result has the exit code and the output of a run.
type result struct {
	code     int
	out, err string
}

// run runs the command with the installation's keys and database.
func (h *installation) run(args ...string) result {
	h.t.Helper()
	return h.bare(append(args, "--keys-file", h.keys)...)
}

// bare runs the command without the flag for the key file.
func (h *installation) bare(args ...string) result {
	h.t.Helper()
	var out, err bytes.Buffer
	code := command.Run(h.ctx, args, screen.Streams{
		In: strings.NewReader(h.in), Out: &out, Err: &err, InTerminal: h.tty, OutTerminal: h.tty, ErrTerminal: h.tty,
	}, func(name string) string { return h.env[name] })
	h.in = ""
	return result{code, out.String(), err.String()}
}

// ok runs the command, which must succeed.
func (h *installation) ok(args ...string) result {
	h.t.Helper()
	r := h.run(args...)
	require.Zero(h.t, r.code, "%v\n%s%s", args, r.out, r.err)
	return r
}

// fails runs the command, which must end with this code, and with one line that gives the
// reason.
func (h *installation) fails(code int, words string, args ...string) result {
	h.t.Helper()
	r := h.run(args...)
	r.failed(h.t, code, words)
	return r
}

func (r result) failed(t *testing.T, code int, words string) {
	t.Helper()
	require.Equal(t, code, r.code, "%s%s", r.out, r.err)
	lines := strings.Split(strings.TrimSuffix(r.err, "\n"), "\n")
	last := lines[len(lines)-1]
	require.True(t, strings.HasPrefix(last, "totpflow: "), r.err)
	require.Contains(t, last, words)
	for _, line := range lines[:len(lines)-1] {
		require.True(t, strings.HasPrefix(line, "time="), "an event, and else one line: %s", r.err)
	}
}

// decode reads what --json printed.
func decode[T any](t *testing.T, r result) T {
	t.Helper()
	var v T
	d := json.NewDecoder(strings.NewReader(r.out))
	require.NoError(t, d.Decode(&v), r.out)
	require.False(t, d.More())
	return v
}

// events returns the kinds of the events that the run has logged.
func (r result) events() (kinds []string) {
	for line := range strings.Lines(r.err) {
		if _, after, ok := strings.Cut(line, " kind="); ok {
			kind, _, _ := strings.Cut(after, " ")
			kinds = append(kinds, strings.TrimSpace(kind))
		}
	}
	return kinds
}

// reason is the flag that every change requires.
const reason = "--reason=ticket 4711"

func acme(user string) store.AccountID { return store.AccountID{Tenant: "acme", User: user} }

// second returns the error of a call that returns something else beside it.
func second[T any](_ T, err error) error { return err }
