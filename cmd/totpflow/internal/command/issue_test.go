package command_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
)

// disown has the person say "it was not me".
func (h *installation) disown(p person) {
	h.t.Helper()
	s := h.service()
	told := event.Event{Tenant: p.ID.Tenant, User: p.ID.User, At: h.clock.Now().Add(time.Second), Kind: event.Reset}
	require.NoError(h.t, second(s.Disown(h.ctx, s.NewDisownToken(told))))
}

// The only administrator has frozen the account: nobody is left who could issue a code,
// and the operator's code leads to a new enrollment.
func TestIssueCodeForTheLastAdministrator(t *testing.T) {
	h := newInstallation(t)
	ada := h.enroll("acme", "ada")
	h.disown(ada)
	r := h.ok("reset", "ada", "--tenant", "acme", reason, "--yes")
	require.Contains(t, r.out, "; a new set-up requires a code from totpflow issue-code, after the password\n")
	require.NotContains(t, r.out, "the next sign-in leads")
	require.Contains(t, h.ok("status", "ada", "--tenant", "acme").out, `the password alone is not enough for that (see "totpflow issue-code")`)
	require.Contains(t, h.ok("status", "ada", "--tenant", "acme", "--json").out, `"needs_code": true`)

	s := h.service()
	next, err := s.SignIn(h.ctx, ada.User)
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, next.Step)
	require.Equal(t, []totpflow.Method{totpflow.MethodIssuedCode}, next.Methods)

	path := filepath.Join(h.dir, "ada.code")
	r = h.ok("issue-code", "ada", "--tenant", "acme", "--out", path, reason, "--yes")
	require.Regexp(t, `^acme/ada: wrote a code to \S+/ada\.code, which after the password leads to a new set-up, once, until \S+ \S+Z; give it`, r.out)
	require.Equal(t, []string{"recovery_issued"}, r.events())
	require.Contains(t, r.err, `actor="operator olga"`)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	code := strings.TrimSpace(string(text))
	require.Equal(t, code+"\n", string(text))
	require.NotContains(t, r.out+r.err, code)
	require.NotContains(t, r.out+r.err, code[:6])

	done, err := s.VerifyIssuedCode(h.ctx, next.Challenge, code)
	require.NoError(t, err)
	require.Equal(t, totpflow.Enroll, done.Step)
}

func TestIssueCodeAsJSON(t *testing.T) {
	h := newInstallation(t)
	h.enroll("acme", "ana")
	path := filepath.Join(h.dir, "ana.code")
	r := h.ok("issue-code", "ana", "--tenant", "acme", "--out", path, reason, "--yes", "--json")
	got := decode[struct {
		Command, Tenant, User, File string
		Done                        bool
		Expires                     time.Time
		Account                     account
	}](t, r)
	require.Equal(t, []string{"issue-code", "acme", "ana", path, "enabled"}, []string{got.Command, got.Tenant, got.User, got.File, got.Account.State})
	require.True(t, got.Done)
	require.WithinDuration(t, time.Now().Add(24*time.Hour), got.Expires, time.Minute)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, r.out+r.err, strings.TrimSpace(string(text)))
}

// If no code is made, no file is left, and an earlier file and an earlier issued
// code are unchanged.
func TestIssueCodeRefused(t *testing.T) {
	h := newInstallation(t)
	h.clock.Set(time.Now().Add(-time.Hour)) // the command has the machine's clock
	h.enroll("acme", "ana")
	frozen, recent := h.enroll("acme", "frozen"), h.enroll("acme", "recent")
	h.disown(frozen)
	require.NoError(t, second(h.service().Account(recent.User).PasswordChanged(h.ctx)))
	h.ok("grace", "nothing", "--tenant", "acme", "--for", "7d", reason, "--yes")
	h.ok("exempt", "machine", "--tenant", "acme", "--name", "fs01", reason, "--yes")
	path := filepath.Join(h.dir, "code")
	for user, words := range map[string]string{
		"frozen":  "reset it first",
		"recent":  "within the last 24 hours",
		"nothing": "no code is needed",
		"machine": "no code is needed",
	} {
		r := h.fails(1, "acme/"+user+": ", "issue-code", user, "--tenant", "acme", "--out", path, reason, "--yes")
		require.Contains(t, r.err, words)
		require.Empty(t, r.out)
		require.NoFileExists(t, path)
	}
	h.fails(3, "the account was not found", "issue-code", "nobody", "--tenant", "acme", "--out", path, reason, "--yes")
	require.NoFileExists(t, path)

	before, err := h.store.Get(h.ctx, acme("ana"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte("kept"), 0o644))
	dangling := filepath.Join(h.dir, "link")
	require.NoError(t, os.Symlink(filepath.Join(h.dir, "elsewhere"), dangling))
	for _, taken := range []string{path, dangling, h.dir, "/dev/stdout", "/dev/tty"} {
		h.fails(1, taken+" exists already", "issue-code", "ana", "--tenant", "acme", "--out", taken, reason, "--yes")
	}
	h.fails(1, "no such file", "issue-code", "ana", "--tenant", "acme", "--out", filepath.Join(h.dir, "missing", "code"), reason, "--yes")
	h.fails(2, "--out is missing", "issue-code", "ana", "--tenant", "acme", reason, "--yes")
	h.fails(2, "the name of a file", "issue-code", "ana", "--tenant", "acme", "--out", "-", reason, "--yes")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "kept", string(text))
	now, err := h.store.Get(h.ctx, acme("ana"))
	require.NoError(t, err)
	require.Equal(t, before, now)
}

// A reset reports what the person needs next, by the policies of the tenant and of the
// tenants above.
func TestResetSaysWhoNeedsACode(t *testing.T) {
	h := newInstallation(t)
	h.above = map[string][]string{"acme-berlin": {"acme"}}
	h.ok("policy", "set", "--tenant", "acme", "--mode", "required", "--issued-code", reason, "--yes")
	for _, user := range []string{"ana", "ben", "eva", "kim"} {
		h.enroll("acme-berlin", user)
	}
	reset := func(args ...string) result {
		t.Helper()
		return h.ok(append([]string{"reset", "--tenant", "acme-berlin", "--above", "acme", reason, "--yes"}, args...)...)
	}
	require.Contains(t, reset("ana").out, "; a new set-up requires a code from totpflow issue-code, after the password\n")
	require.Contains(t, reset("ben", "--scope", "authenticators").out, "; a new set-up requires a recovery code, or one from totpflow issue-code, after the password\n")
	require.Equal(t, "acme-berlin/kim: cleared the recovery codes, the one by mail too\n", reset("kim", "--scope", "codes").out)
	require.Equal(t, 2, strings.Count(reset("eva", "kim").out, "sessions; a new set-up requires a code from totpflow issue-code\n"))
	require.Equal(t, 2, strings.Count(reset("eva", "kim", "--json").out, `"needs_code": true`))

	h.ok("exempt", "fs01", "--tenant", "acme", "--name", "nightly", reason, "--yes")
	end := []string{"exempt", "fs01", "--tenant", "acme", "--end", reason, "--yes"}
	require.Equal(t, "acme/fs01: a person's account again; a new set-up requires a code from totpflow issue-code, after the password\n", h.ok(end...).out)

	h.ok("exempt", "fs02", "--tenant", "acme-berlin", "--name", "nightly", reason, "--yes")
	require.Contains(t, h.ok("exempt", "fs02", "--tenant", "acme-berlin", "--above", "acme", "--end", reason, "--yes").out, "requires a code from totpflow issue-code")

	h.ok("policy", "set", "--tenant", "acme", "--issued-code=false", reason, "--yes")
	h.ok("exempt", "fs01", "--tenant", "acme", "--name", "nightly", reason, "--yes")
	require.Equal(t, "acme/fs01: a person's account again; the next sign-in leads to a new set-up\n", h.ok(end...).out)
	require.Contains(t, reset("ana").out, "; the next sign-in leads to a new set-up\n")
	require.NotContains(t, reset("ana", "ben").out, "issue-code")
}
