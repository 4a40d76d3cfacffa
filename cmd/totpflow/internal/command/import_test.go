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
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/totptest"
)

// An old account belongs to a product that used github.com/pquerna/otp.
type old struct {
	user string
	key  *otp.Key
}

// code returns what the person's phone shows.
func (o old) code(t *testing.T, at time.Time) string {
	t.Helper()
	code, err := theirs.GenerateCodeCustom(o.key.Secret(), at, theirs.ValidateOpts{
		Period: uint(o.key.Period()), Digits: o.key.Digits(), Algorithm: o.key.Algorithm(),
	})
	require.NoError(t, err)
	return code
}

// oldAccounts returns some of every kind that pquerna/otp makes and authenticator apps
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

// Nobody sets up again: the command imports the table of old secrets, and each old phone
// signs in.
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
				// Their "&" in an issuer is not escaped; here the label does not matter.
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
	secretB = "ORXXI4DGNRXXOLLFPBQW24DMMUWTAMBR"
)

// The report has the outcome of each line, in the same words in the preview and in the
// run. The second time, the lines are there already.
func TestImportReport(t *testing.T) {
	h := newInstallation(t)
	h.enroll("acme", "has-one")
	h.enroll("acme", "was-reset")
	h.ok("reset", "was-reset", "--tenant", "acme", reason, "--yes")
	h.disown(h.enroll("acme", "frozen"))
	h.enrollPhone("acme", "phone-only")
	table := filepath.Join(h.dir, "secrets.csv")
	require.NoError(t, os.WriteFile(table, []byte("tenant,user,name,secret\n"+
		"acme,ana,phone,"+secretA+"\n"+
		"acme,ben,,"+secretB[:8]+"\n"+
		"acme,ana,token,"+secretB+"\n"+
		"acme,has-one,,"+otherSecret(1)+"\n"+
		"acme,was-reset,,"+otherSecret(2)+"\n"+
		"acme,frozen,,"+otherSecret(3)+"\n"+
		"acme,phone-only,,"+otherSecret(4)+"\n"+
		","+otherSecret(5)+",,nonsense\n"+
		"acme,eva,\x1b[31mred,"+otherSecret(6)+"\n"+
		"acme, pat ,,"+otherSecret(7)+"\n"), 0o600))

	dry := decode[bulk](t, h.fails(4, "7 of 10 were refused", "import", table, reason, "--json"))
	require.True(t, dry.DryRun)
	require.Equal(t, 3, dry.Done)
	h.fails(3, "the account was not found", "status", "ana", "--tenant", "acme")

	words := []string{
		"line 2: acme/ana: kept",
		"line 3: refused: bad secret: shorter than 80 bits",
		"line 4: acme/ana: kept",
		"line 5: refused: another authenticator or a phone is set up already",
		"line 6: refused: the account was reset, or is a machine's",
		`line 7: refused: the account is frozen: its owner said "it was not me"`,
		"line 8: refused: another authenticator or a phone is set up already",
		"line 9: refused: the user or the tenant looks like a secret (base32): are two headings exchanged? If it is an id, --known lists it",
		"line 10: acme/eva: kept",
		"line 11: refused: there are spaces before or after the user or the tenant, which make it another account",
		"2 ids were never seen here. Compare them with the ids of the product (--known): under a wrong id nobody is asked for a code.",
	}
	said := h.fails(4, "7 of 10 were refused", "import", table, reason)
	require.Equal(t, strings.ReplaceAll(strings.Join(words, "\n"), ": kept\n", ": would be kept\n")+
		"\n3 lines, 7 refused. Nothing was changed; add --yes to do it.\n", said.out)
	r := h.fails(4, "7 of 10 were refused", "import", table, reason, "--yes")
	require.Equal(t, []string{"imported", "imported", "imported"}, r.events())
	require.Equal(t, strings.Join(words, "\n")+"\n", r.out)
	require.Equal(t, "phone", h.account("ana").Bound[0].Name)
	require.Equal(t, "token", h.account("ana").Bound[1].Name)
	require.NotContains(t, h.ok("status", "eva", "--tenant", "acme").out, "\x1b")

	// A second run does no harm: rows that are there already are left alone.
	again := h.fails(4, "7 of 10 were refused", "import", table, reason, "--yes")
	require.Empty(t, again.events())
	require.Equal(t, 3, strings.Count(again.out, ": already there\n"))
	require.NotContains(t, again.out, "never seen")
}

// A table that was imported before is a success, in the preview as in the run.
func TestImportAgain(t *testing.T) {
	h := newInstallation(t)
	table := "user,secret\nana," + secretA + "\nben," + weak80 + "\nana," + secretB + "\n"
	h.in = table
	first := decode[bulk](t, h.ok("import", "-", reason, "--yes", "--json"))
	require.Equal(t, 3, first.Done)
	require.Equal(t, 2, first.NeverSeen)
	require.Equal(t, 1, first.Weak)
	for _, flags := range [][]string{nil, {"--yes"}, {"--weak=refuse"}} {
		h.in = table
		r := h.ok(append([]string{"import", "-", reason}, flags...)...)
		require.Equal(t, 3, strings.Count(r.out, ": already there\n"), r.out)
		require.Empty(t, r.events())
		h.in = table
		again := decode[bulk](t, h.ok(append([]string{"import", "-", reason, "--json"}, flags...)...))
		require.Equal(t, 3, again.Done)
		require.Equal(t, 3, again.Already)
		require.Zero(t, again.NeverSeen)
	}
}

const weak80 = "KRSXG5CTMVRXEZLU"

func otherSecret(i int) string { return secretB[:len(secretB)-1] + string("ABCDEFGHIJ"[i]) }

// The code of a weak secret leads to a new authenticator until its date, and then only
// a mailed code does. The list, the account and the counts show it.
func TestImportWeak(t *testing.T) {
	h := newInstallation(t)
	table := "user,secret\nana," + weak80 + "\nben," + weak80 + "KRSXG5BR\neva," + secretA + "\n"
	h.in = table
	r := h.fails(4, "2 of 3 were refused", "import", "-", reason, "--yes", "--weak", "refuse")
	require.Contains(t, r.out, "line 2: refused: the secret is weak, with fewer than 128 bits\nline 3: refused: the secret is weak")
	for _, flags := range [][]string{{"--weak=later"}, {"--weak-for=0"}, {"--weak-for=91d"}, {"--weak-for=x"}, {"--weak=refuse", "--weak-for=1d"}} {
		h.in = table
		h.fails(2, "--weak", append([]string{"import", "-", reason}, flags...)...)
	}
	h.in = table
	r = h.ok("import", "-", reason, "--yes", "--weak-for", "30d")
	until := time.Now().Add(30 * 24 * time.Hour).UTC().Format(time.DateOnly)
	require.Contains(t, r.out, "line 2: ana: kept until "+until+": its secret is weak\n")
	require.Contains(t, r.out, "line 4: eva: already there\n2 lines have a weak secret")
	require.Contains(t, h.ok("status", "ana").out, "enabled, weak until "+until+": the code of its weak secret leads to a new authenticator")
	list := h.ok("list")
	require.Regexp(t, `ana +enabled, weak until `+until, list.out)
	require.Contains(t, list.out, "3 accounts; 3 of 3 have set it up, 2 with a weak secret")
	all := decode[struct {
		Accounts []account
		Counts   struct{ Enabled, Weak int }
	}](t, h.ok("list", "--json"))
	require.Equal(t, 2, all.Counts.Weak)
	require.Equal(t, until, all.Accounts[0].WeakUntil.Format(time.DateOnly))
	require.Contains(t, h.ok("list", "--csv").out, ",weak_until\n")

	h.clock.Set(time.Now())
	ana := person{User: totpflow.User{ID: totpflow.AccountID{User: "ana"}}}
	old, err := totptest.TypeSecret(weak80, h.clock)
	require.NoError(t, err)
	ana.phone = old
	require.Equal(t, totpflow.Enroll, h.passes(ana).Step)
	h.clock.Advance(31 * 24 * time.Hour)
	next, err := h.service().SignIn(h.ctx, ana.User)
	require.NoError(t, err)
	require.Equal(t, []totpflow.Method{totpflow.MethodIssuedCode}, next.Methods)
}

// Ids that the product does not know are refused: under another id nobody is asked
// for a code.
func TestImportKnown(t *testing.T) {
	h := newInstallation(t)
	users := filepath.Join(h.dir, "users.csv")
	id := "CLSJWOLQDZSX4V5WLXVYM74A4A"
	require.NoError(t, os.WriteFile(users, []byte("tenant,user,mail\nacme,U5,hal@acme.example\nacme,"+id+",\n"), 0o600))
	table := "tenant,user,secret\nacme,hal@acme.example," + secretA + "\nacme,U5," + secretB + "\nacme," + id + "," + otherSecret(1) + "\n"
	h.in = table
	r := h.fails(4, "1 of 3 were refused", "import", "-", "--known", users, reason, "--yes")
	require.Equal(t, "line 2: refused: the product does not know this id\nline 3: acme/U5: kept\nline 4: acme/"+id+": kept\n", r.out)
	require.Equal(t, totpflow.AskCode, h.step(totpflow.User{ID: acme("U5")}))

	h.in = table
	h.fails(1, "--known: ", "import", "-", "--known", filepath.Join(h.dir, "none.csv"), reason)
	h.in = table
	secrets := filepath.Join(h.dir, "secrets.csv")
	require.NoError(t, os.WriteFile(secrets, []byte(table), 0o600))
	h.fails(1, "the product's own list", "import", "-", "--known", secrets, reason)
	h.fails(2, "cannot both be", "import", "-", "--known", "-", reason)
}

func TestImportRefusesAFile(t *testing.T) {
	h := newInstallation(t)
	for text, words := range map[string]string{
		"":                           "name the columns",
		"acme,ana," + secretA + "\n": "name the columns",
		"user,secret\n":              "it contains no accounts",
		"user,secret\nana,\xff\n":    "UTF-8",
	} {
		h.in = text
		r := h.fails(1, words, "import", "-", reason, "--yes")
		require.NotContains(t, r.err, secretA)
	}
	h.fails(1, "no such file", "import", filepath.Join(h.dir, "missing.csv"), reason, "--yes")
	h.fails(2, "<file|-> is missing", "import", reason)
}

// More lines than one batch of the import; those of one account are far apart.
func TestImportMany(t *testing.T) {
	h := newInstallation(t)
	var table strings.Builder
	table.WriteString("user,name,secret\n")
	for i := range 500 {
		key, err := totp.NewKey(totp.Params{})
		require.NoError(t, err)
		fmt.Fprintf(&table, "user-%d,number %d,%s\n", i%250, i/250, key.Secret())
	}
	h.in = table.String()
	out := decode[bulk](t, h.ok("import", "-", reason, "--yes", "--json"))
	require.Equal(t, 500, out.Done)
	require.Equal(t, 250, out.NeverSeen)
	for i, o := range out.Outcomes {
		require.Equal(t, i+2, o.Line)
	}
	require.Contains(t, h.ok("list").out, "250 accounts; 250 of 250 have set it up")
}
