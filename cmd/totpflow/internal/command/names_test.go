package command_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/keyring"
)

// names writes a file for --names.
func (h *installation) names(text string) string {
	h.t.Helper()
	path := filepath.Join(h.dir, "people.csv")
	require.NoError(h.t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// Operators read people's names in every form of the list; a person whose name is not
// known is shown by the id, and no name repaints the terminal or runs in a spreadsheet.
func TestListByName(t *testing.T) {
	h := newInstallation(t)
	for _, user := range []string{"41", "42", "43", "44"} {
		h.enroll("acme", user)
	}
	h.enroll("globex", "42")
	long := strings.Repeat("ä", 100)
	file := h.names("tenant,user,name\nacme,41,Ana\u202e \x1bBerg\nacme,42,=HYPERLINK(1)\nacme,44," + long + "\nglobex,42,Ben Okafor\nglobex,99,Nobody Here\n")

	out := h.ok("list", "--names", file).out
	require.Regexp(t, `(?m)^TENANT +USER +NAME +STATE`, out)
	require.Regexp(t, `(?m)^globex +42 +Ben Okafor +enabled`, out)
	require.Regexp(t, `(?m)^acme +43 +enabled`, out)
	require.Contains(t, out, "Ana\ufffd \ufffdBerg")
	require.Contains(t, out, strings.Repeat("ä", 63)+"…")
	require.NotContains(t, out, "Nobody Here")
	require.NotContains(t, h.ok("list").out, "NAME")

	rows, err := csv.NewReader(strings.NewReader(h.ok("list", "--csv", "--names", file).out)).ReadAll()
	require.NoError(t, err)
	var names []string
	for _, row := range rows {
		names = append(names, row[2])
	}
	require.Equal(t, []string{"name", "Ana\ufffd \ufffdBerg", "'=HYPERLINK(1)", "", strings.Repeat("ä", 63) + "…", "Ben Okafor"}, names)

	type list struct {
		Accounts []struct{ Tenant, User, Name string }
	}
	got := decode[list](t, h.ok("list", "--json", "--tenant", "globex", "--names", file))
	require.Equal(t, "Ben Okafor", got.Accounts[0].Name)
}

// A file without tenants is about the tenant that is asked for. The command says if a
// file names none of the accounts: two columns may be exchanged.
func TestNamesOfOneTenant(t *testing.T) {
	h := newInstallation(t)
	h.enroll("acme", "42")
	h.enroll("globex", "42")
	file := h.names("id,name\n42,Ana Berg\n")
	require.Contains(t, h.ok("list", "--tenant", "acme", "--names", file).out, "Ana Berg")
	r := h.ok("list", "--names", file)
	require.NotContains(t, r.out, "Ana Berg", "of which tenant?")
	require.Contains(t, r.err, "names none of these accounts")
	h.in = "name,id\nAna Berg,42\n"
	r = h.ok("list", "--tenant", "acme", "--names", "-")
	require.Contains(t, r.out, "Ana Berg", "a pipe from the product's database")
	require.Empty(t, r.err)
}

// A file of secrets is not printed, and nothing is looked at with it.
func TestNamesAreNoSecrets(t *testing.T) {
	h := newInstallation(t)
	h.enroll("acme", "42")
	for _, text := range []string{"user,name,secret\n42,Ana," + secretA + "\n", "user,name\n42," + secretA + "\n", "user\n42\n"} {
		r := h.fails(1, "--names: ", "list", "--tenant", "acme", "--names", h.names(text))
		require.Empty(t, r.out)
		require.NotContains(t, r.err, secretA)
	}
	r := h.ok("list", "--tenant", "acme", "--names", h.names("user,name\n42,"+secretA+"\n43,Ben\n44,Eva\n"))
	require.NotContains(t, r.out+r.err, secretA)
	require.Contains(t, r.err, "1 name looks like secrets, and is not shown")
	h.fails(1, "no such file", "list", "--names", filepath.Join(h.dir, "none.csv"))
}

// People who are reset, unlocked or named in a request are called by name before it happens.
func TestNamesInQuestions(t *testing.T) {
	h := newInstallation(t)
	h.clock.Set(time.Now().Add(-10 * time.Minute)) // the command has the machine's clock
	for _, user := range []string{"42", "43"} {
		h.enroll("acme", user)
	}
	file := h.names("tenant,user,name\nacme,42,\"Ana \"\"A\"\" Berg\"\nacme,boss,Bo Singh\n")
	const ana = `acme/42 "Ana \"A\" Berg"`
	require.Contains(t, h.ok("status", "42", "--tenant", "acme", "--names", file).out, ana)

	h.tty, h.in = true, "n\n"
	r := h.run("unlock", "42", "--tenant", "acme", reason, "--names", file)
	require.Contains(t, r.err, "Unlock "+ana+"? [y/N]")
	h.tty = false
	require.Contains(t, h.ok("reset", "42", "43", "--tenant", "acme", reason, "--names", file).out, ana+": would clear")
	require.Contains(t, h.ok("unlock", "42", "--tenant", "acme", reason, "--yes", "--names", file).out, ana+": neither frozen nor locked")

	boss := h.enroll("acme", "boss")
	h.ok("policy", "set", "--tenant", "acme", "--two-administrators", reason, "--yes")
	s := h.service()
	proof, err := s.Account(boss.User).VerifyCode(h.ctx, admin.Purpose(admin.ActionResetAccount, acme("")), boss.phone.Code())
	require.NoError(t, err)
	_, err = admin.New(s, anybody).ResetMany(h.ctx, admin.Administrator{User: boss.User, Proof: proof}, "acme", []string{"42", "43"}, admin.ScopeAll)
	require.ErrorIs(t, err, admin.ErrApproval)
	out := h.ok("policy", "get", "--tenant", "acme", "--names", file).out
	require.Contains(t, out, `asked by acme/boss "Bo Singh"`)
	require.Contains(t, out, "account  "+ana)

	require.NoError(t, os.WriteFile(h.keys, []byte(keyring.Generate()), 0o600))
	require.Contains(t, h.run("keys", "check", "--names", file).out, "does not open: "+ana)
}
