package command_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
)

func anybody(context.Context, totpflow.User, totpflow.Action, store.AccountID) error { return nil }

func TestWhereKeysComeFrom(t *testing.T) {
	h := newInstallation(t)
	h.enroll("acme", "ana")
	h.bare("list").failed(t, 2, "TOTPFLOW_KEYS")
	text, err := os.ReadFile(h.keys)
	require.NoError(t, err)
	h.env["TOTPFLOW_KEYS"] = string(text)
	require.Zero(t, h.bare("list").code)
	h.env["TOTPFLOW_KEYS"] = "totpflow-wrapped-keys-1:abcdef"
	h.bare("list").failed(t, 1, "KMS")
	h.env["TOTPFLOW_KEYS"] = string(text[:60])
	r := h.bare("list")
	r.failed(t, 1, "TOTPFLOW_KEYS")
	require.NotContains(t, r.err, string(text[40:60]))
	require.Zero(t, h.run("list").code, "the file that is named counts more")
	h.env["TOTPFLOW_KEYS_FILE"] = h.keys
	h.bare("list").failed(t, 2, "both set")
	require.Zero(t, h.run("list").code)
	delete(h.env, "TOTPFLOW_KEYS")
	require.Zero(t, h.bare("list").code)

	require.NoError(t, os.Chmod(h.keys, 0o644))
	h.fails(1, "chmod 600", "list")
	r = h.bare("list", "--keys-file", strings.TrimSpace(string(text)))
	r.failed(t, 2, "rotate them")
	require.NotContains(t, r.err, string(text[40:60]))
}

func TestWhereTheDatabaseComesFrom(t *testing.T) {
	h := newInstallation(t)
	h.enroll("acme", "ana")
	delete(h.env, "TOTPFLOW_DB")
	h.fails(2, "TOTPFLOW_DB", "list")
	file := filepath.Join(h.dir, "url")
	require.NoError(t, os.WriteFile(file, []byte("sqlite://"+h.dir+"/console.db\n"), 0o644))
	h.ok("list", "--db-file", file)
	h.ok("list", "--db-file", filepath.Join(h.dir, "console.db"))
	t.Chdir(h.dir)
	h.ok("list", "--db-file", "console.db")
	h.fails(1, "no such file", "list", "--db-file", "missing")
	h.fails(1, "not the URL", "list", "--db-file", h.keys)
	for _, text := range []string{"", "console.db", "oracle://olga:hunter2@host/db", "sqlite://olga:hunter2@host/db", "postgres://olga:hunter2@", "mysql://olga:hunter2@host"} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		require.NotContains(t, h.fails(1, "", "list", "--db-file", file).err, "hunter2")
	}
	// Everybody on the machine can read a password in a flag.
	r := h.fails(2, "$TOTPFLOW_DB", "list", "--db-file", "postgres://olga:hunter2@host/db")
	require.NotContains(t, r.err, "hunter2")
	require.NoError(t, os.WriteFile(file, []byte("postgres://olga:hunter2@127.0.0.1:1/db"), 0o644))
	h.fails(1, "chmod 600", "list", "--db-file", file)
	require.NoError(t, os.Chmod(file, 0o600))
	r = h.fails(1, "127.0.0.1:1", "list", "--db-file", file)
	require.NotContains(t, r.err, "hunter2")
}

func TestUsage(t *testing.T) {
	h := newInstallation(t)
	for words, args := range map[string][]string{
		`unknown command "nosuch"`: {"nosuch"},
		"unknown flag: --nosuch":   {"list", "--nosuch"},
		"unknown flag: --keys":     {"list", "--keys", "x"},
		"<user> is missing":        {"status"},
		"one argument too many":    {"status", "a", "b"},
		"needs an argument":        {"status", "a", "--tenant"},
	} {
		h.bare(args...).failed(t, 2, words)
	}
	for _, args := range [][]string{{}, {"--help"}, {"keys", "--help"}, {"keys", "rotate", "--help"}, {"help", "import"}} {
		r := h.bare(args...)
		require.Zero(t, r.code, args)
		require.Contains(t, r.out, "Usage:")
		require.Empty(t, r.err)
	}
	require.Contains(t, h.bare("--version").out, "totpflow version")
}

// No command shows a secret: neither in its output, nor in its log, nor in the journal.
// The secrets that the test searches for are in the database, in the key file and in the
// imported file.
func TestNothingSecretIsShown(t *testing.T) {
	h := newInstallation(t)
	ana := h.enroll("acme", "ana")
	trusted, err := h.service().TrustBrowser(h.ctx, h.passes(ana).Proof, "Firefox")
	require.NoError(t, err)
	var shown strings.Builder
	see := func(r result) { shown.WriteString(r.out + r.err) }
	secrets := append([]string{string(trusted.Token), secretA, secretB}, ana.codes...)
	uri := ana.uri[strings.Index(ana.uri, "secret=")+len("secret="):]
	secrets = append(secrets, uri[:32])
	keysNow := func() {
		text, err := os.ReadFile(h.keys)
		require.NoError(t, err)
		for _, key := range strings.Split(strings.TrimSpace(string(text)), ".")[1:] {
			secrets = append(secrets, key[:43])
		}
	}
	keysNow()
	table := "tenant,user,secret\nacme,ben," + secretA + "\nacme,eva,otpauth://totp/x?secret=" + secretB + "\n" +
		secretA + ",x,x\nacme," + secretB + ",x\nacme,otpauth://totp/x?secret=" + secretA + ",x\nacme,bad," + secretA + "1\nacme,bad," + secretB + ",x\n"
	acting := []string{"--tenant", "acme", reason, "--yes"}
	for _, format := range [][]string{nil, {"--json"}} {
		run := func(args ...string) { see(h.run(append(args, format...)...)) }
		for _, yes := range [][]string{nil, {"--yes"}} {
			h.in = table
			run(append([]string{"import", "-", reason}, yes...)...)
			run(append([]string{"keys", "rotate", "--stage", reason}, yes...)...)
			run(append([]string{"keys", "rotate", reason}, yes...)...)
			keysNow()
			run(append([]string{"keys", "reseal", reason}, yes...)...)
			run(append([]string{"restored", "--at", "2025-01-01T00:00:00Z", reason}, yes...)...)
		}
		run("status", "ana", "--tenant", "acme")
		run("list")
		run("list", "--csv")
		run("keys", "check")
		run("policy", "get")
		for _, name := range []string{"unlock", "reset"} {
			run(append([]string{name, "ana"}, acting...)...)
		}
		run(append([]string{"keys", "retire", h.ring().IDs()[1]}, acting[2:]...)...)
		run(append([]string{"forget", "ana"}, acting...)...)
	}
	// And a run with a file that contains something else.
	require.NoError(t, os.WriteFile(h.dir+"/broken.keys", []byte(keyring.Generate()+secretA), 0o600))
	see(h.bare("list", "--keys-file", h.dir+"/broken.keys"))

	require.Greater(t, shown.Len(), 10_000)
	require.Contains(t, shown.String(), string(event.Imported))
	for _, secret := range secrets {
		require.GreaterOrEqual(t, len(secret), 16)
		if i := strings.Index(strings.ToUpper(shown.String()), strings.ToUpper(secret[:16])); i >= 0 {
			t.Errorf("a secret is shown: %s", shown.String()[max(0, i-100):i+16])
		}
	}
}

// A run that is stopped while the database does not answer reports that in one line.
func TestInterrupted(t *testing.T) {
	h := newInstallation(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Nanosecond)
	defer cancel()
	<-ctx.Done()
	h.ctx = ctx
	h.fails(130, "", "list")
}

// An operator who has set nothing is told what to set, and reads nothing about a variable
// that is not set.
func TestKeyFileIsMissing(t *testing.T) {
	h := newInstallation(t)
	for _, args := range [][]string{
		{"keys", "rotate", reason}, {"keys", "reseal", reason}, {"keys", "retire", "0a0b0c0d", reason},
		{"restored", "--at", "2025-05-01T03:00:00Z", reason},
	} {
		delete(h.env, "TOTPFLOW_KEYS")
		r := h.bare(args...)
		r.failed(t, 2, "set $TOTPFLOW_KEYS_FILE, or name the file with --keys-file")
		require.NotContains(t, r.err, "$TOTPFLOW_KEYS ")
		h.env["TOTPFLOW_KEYS"] = keyring.Generate()
		h.bare(args...).failed(t, 2, "keys in $TOTPFLOW_KEYS cannot be changed")
	}
}
