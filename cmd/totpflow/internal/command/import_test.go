package command_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp"
	theirs "github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
)

// An old account is one of a product that used github.com/pquerna/otp.
type old struct {
	user string
	key  *otp.Key
}

// code is what the person's phone shows.
func (o old) code(t *testing.T, at time.Time) string {
	t.Helper()
	code, err := theirs.GenerateCodeCustom(o.key.Secret(), at, theirs.ValidateOpts{
		Period: uint(o.key.Period()), Digits: o.key.Digits(), Algorithm: o.key.Algorithm(),
	})
	require.NoError(t, err)
	return code
}

// oldAccounts are of every kind that pquerna/otp makes and authenticator apps
// know.
func oldAccounts(t *testing.T) (all []old) {
	t.Helper()
	for _, algorithm := range []otp.Algorithm{otp.AlgorithmSHA1, otp.AlgorithmSHA256, otp.AlgorithmSHA512} {
		for _, digits := range []otp.Digits{otp.DigitsSix, otp.DigitsEight} {
			for _, period := range []uint{30, 60} {
				user := fmt.Sprintf("%v-%d-%d", algorithm, digits.Length(), period)
				key, err := theirs.Generate(theirs.GenerateOpts{
					Issuer: "Old & Portal", AccountName: user + "@acme.example", Period: period, Digits: digits, Algorithm: algorithm,
				})
				require.NoError(t, err)
				all = append(all, old{user, key})
			}
		}
	}
	return all
}

// Nobody sets up again: the table of secrets of before goes through the command,
// and each phone of before signs in.
func TestImportFromPquerna(t *testing.T) {
	tables := map[string]func([]old) string{
		"base32": func(all []old) string {
			b := "tenant,user,name,secret,digits,period,algorithm\n"
			for _, o := range all {
				b += fmt.Sprintf("acme,%s,old phone,%s,%d,%d,%v\n", o.user, o.key.Secret(), o.key.Digits().Length(), o.key.Period(), o.key.Algorithm())
			}
			return b
		},
		"URI": func(all []old) string {
			b := "user;tenant;otpauth_url\n"
			for _, o := range all {
				// Their "&" in an issuer is not escaped; here the label is not what counts.
				b += fmt.Sprintf("%s;acme;%s\n", o.user, strings.ReplaceAll(o.key.URL(), "Old%20&%20Portal", "Old%20%26%20Portal"))
			}
			return b
		},
	}
	for name, table := range tables {
		t.Run(name, func(t *testing.T) {
			h := newInstallation(t)
			all := oldAccounts(t)
			h.in = table(all)
			r := h.ok("import", "-", reason, "--yes")
			require.Equal(t, len(all), strings.Count(r.out, ": kept\n"), r.out)
			require.Len(t, r.events(), len(all))
			for _, o := range all {
				require.NotContains(t, r.out+r.err, o.key.Secret())
				s := h.service()
				u := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: o.user}}
				next, err := s.SignIn(h.ctx, u)
				require.NoError(t, err)
				require.Equal(t, totpflow.AskCode, next.Step, o.user)
				code := o.code(t, h.clock.Now())
				done, err := s.VerifyCode(h.ctx, next.Challenge, code)
				require.NoError(t, err, o.user)
				require.Equal(t, totpflow.Passed, done.Step)

				next, err = s.SignIn(h.ctx, u)
				require.NoError(t, err)
				_, err = s.VerifyCode(h.ctx, next.Challenge, code)
				require.ErrorIs(t, err, totpflow.ErrAlreadyUsed, "what pquerna/otp does not know: a code works once")
			}
		})
	}
}

const (
	secretA = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	secretB = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
)

func TestImportReport(t *testing.T) {
	h := newInstallation(t)
	h.enroll("acme", "has-one")
	h.enroll("acme", "was-reset")
	h.ok("reset", "was-reset", "--tenant", "acme", reason, "--yes")
	table := filepath.Join(h.dir, "secrets.csv")
	require.NoError(t, os.WriteFile(table, []byte("tenant,user,name,secret\n"+
		"acme,ana,phone,"+secretA+"\n"+
		"acme,ben,,"+secretB[:8]+"\n"+
		"acme,ana,,"+secretB+"\n"+
		"acme,has-one,,"+secretB+"\n"+
		"acme,was-reset,,"+secretB+"\n"+
		","+secretA+",,nonsense\n"+
		"acme,eva,\x1b[31mred,"+secretB+"\n"+
		"acme, pat ,,"+secretB+"\n"), 0o600))

	dry := decode[bulk](t, h.fails(4, "6 of 8 were refused", "import", table, reason, "--json"))
	require.True(t, dry.DryRun)
	require.Equal(t, 2, dry.Done)
	require.Empty(t, decode[struct{ Accounts []account }](t, h.ok("list", "--state", "enabled", "--json")).Accounts[1:], "a dry run keeps nothing")

	r := h.fails(4, "6 of 8 were refused", "import", table, reason, "--yes")
	require.Equal(t, []string{"imported", "imported"}, r.events())
	for _, line := range []string{
		"line 2: acme/ana: kept",
		"line 3: acme/ben: refused: bad secret: shorter than 128 bits",
		"line 4: acme/ana: refused: this account stands in the file before",
		"line 5: acme/has-one: refused: an authenticator is set up already",
		"line 6: acme/was-reset: refused: the account was reset, or is a machine's",
		"line 7: refused: the account looks like a secret; are two headings exchanged?",
		"line 8: acme/eva: kept",
		"line 9: acme/ pat : refused: there are spaces before or after the user or the tenant, which make it another account",
	} {
		require.Contains(t, r.out, line+"\n")
	}
	require.NotContains(t, r.out+r.err, secretA[:10])
	require.Equal(t, "phone", h.account("ana").Bound[0].Name)
	require.NotContains(t, h.ok("status", "eva", "--tenant", "acme").out, "\x1b")

	// Once more does no harm: what is there is left alone.
	require.Empty(t, h.fails(4, "", "import", table, reason, "--yes").events())
}

func TestImportRefusesAFile(t *testing.T) {
	h := newInstallation(t)
	for text, words := range map[string]string{
		"":                           "name the columns",
		"acme,ana," + secretA + "\n": "name the columns",
		"user,secret\n":              "no account in it",
		"user,secret\nana,\xff\n":    "UTF-8",
	} {
		h.in = text
		r := h.fails(1, words, "import", "-", reason, "--yes")
		require.NotContains(t, r.err, secretA)
	}
	h.fails(1, "no such file", "import", filepath.Join(h.dir, "missing.csv"), reason, "--yes")
	h.fails(2, "<file|-> is missing", "import", reason)
}

func TestImportMany(t *testing.T) {
	h := newInstallation(t)
	var table strings.Builder
	table.WriteString("user,secret\n")
	for i := range 250 {
		fmt.Fprintf(&table, "user-%d,%s\n", i, secretA)
	}
	h.in = table.String()
	require.Equal(t, 250, decode[bulk](t, h.ok("import", "-", reason, "--yes", "--json")).Done)
	require.Contains(t, h.ok("list").out, "250 accounts; 250 of 250 have set it up")
}
