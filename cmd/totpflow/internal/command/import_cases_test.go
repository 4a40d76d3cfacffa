package command_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/totp"
)

const (
	idAlike = "CLSJWOLQDZSX4V5WLXVYM74A4A" // as crypto/rand.Text makes ids
	export  = "otpauth-migration://offline?data=CiEKFHRvdHBmbG93LWV4YW1wbGUtMDAxEgNhbmEYASABKAEwAhABGAEgACjV4dXc"
)

// Files that people have when they migrate, and what the command reports about them: the
// same in the preview and in the run, and never a secret.
func TestImportCases(t *testing.T) {
	for name, c := range map[string]struct {
		file  string
		flags []string
		known string // a list of ids
		code  int
		says  []string // each of them, in the preview and in the run
		lacks []string // none of them
	}{
		"columns exchanged": {
			file: "user,secret\nJBSWY3DPEHPK3PXP,ana\n", code: 1,
			says: []string{"the user column"}, lacks: []string{"JBSW", "ana"},
		},
		"both columns parse": {
			file: "user,secret\n" + secretB + "," + idAlike + "\n", code: 1,
			says: []string{"the user column", "--known lists them"}, lacks: []string{secretB, idAlike},
		},
		"an id that looks like a secret and is listed": {
			file: "user,secret\n" + idAlike + "," + secretB + "\n", known: "user\n" + idAlike + "\n",
			says: []string{"line 2: " + idAlike + ": "},
		},
		"an id that looks like a secret and is not listed": {
			file: "user,secret\nana," + secretA + "\nben," + otherSecret(1) + "\n" + idAlike + "," + secretB + "\n", code: 4,
			says: []string{"line 4: refused: the user or the tenant looks like a secret (base32)"}, lacks: []string{idAlike},
		},
		"a Google export": {
			file: export + "\n", code: 1, says: []string{"looks like a Google export"}, lacks: []string{"CiEK"},
		},
		"a Google export for a secret": {
			file: "user,secret\nana," + export + "\n", code: 4, says: []string{"line 2: refused", "looks like a Google export"}, lacks: []string{"CiEK"},
		},
		"a Google export for a user": {
			file: "user,secret\n" + export + "," + secretA + "\n", code: 1, says: []string{"like a Google export"}, lacks: []string{"CiEK", secretA},
		},
		"hex": {
			file: "user,secret\nana,746f7470666c6f772d6578616d706c652d303031\n", code: 4, says: []string{"line 2: refused", "looks like hex"}, lacks: []string{"746f"},
		},
		"base64": {
			file: "user,secret\nana,dG90cGZsb3ctZXhhbXBsZS0wMDE=\n", code: 4, says: []string{"line 2: refused", "looks like base64"}, lacks: []string{"dG90"},
		},
		"Steam": {
			file: "user,secret\nana,steam://" + secretB + "\n", code: 4, says: []string{"line 2: refused", "looks like a Steam secret"}, lacks: []string{secretB},
		},
		"a secret for a name": {
			file: "user,name,secret\nana," + secretB + "," + secretA + "\n", code: 4,
			says: []string{"line 2: refused: the name of the authenticator looks like a secret"}, lacks: []string{secretB},
		},
		"raw text": {
			file: "user,secret\nana,totpflow-example-001\n", code: 4, says: []string{"line 2: refused: bad secret"}, lacks: []string{"totpflow-example"},
		},
		"headings of another system": {
			file: "Issuer,Username,Algorithm,Digits,Period,Secret\nOld,ana,SHA1,6,30," + secretB + "\n", says: []string{"line 2: ana: "},
		},
		"headings of hardware tokens": {
			file: "upn,serial number,secret key,time interval,manufacturer,model\nana@acme.example,1234567," + secretB + ",30,Contoso,HardwareKey\n",
			says: []string{"line 2: ana@acme.example: "},
		},
		"no headings, and hex": {
			file: "token02, 746f7470666c6f772d6578616d706c652d303031, totp, 6, 30\n", code: 1, says: []string{"looks like hex"}, lacks: []string{"746f", "token02"},
		},
		"a heading that is not known": {
			file: "user,secret,otp_secret\nana," + secretB + ",x\n", code: 1, says: []string{"heading 3 (`otp_secret`) is not known: known headings are user"}, lacks: []string{secretB},
		},
		"a line of Excel's": {
			file: "sep=;\nuser;secret;;\nana;" + secretB + ";;\n", says: []string{"line 3: ana: "},
		},
		"two authenticators": {
			file: "user,name,secret\nana,phone," + secretA + "\nana,token," + secretB + "\n", says: []string{"line 2: ana: ", "line 3: ana: "},
		},
		"weak secrets": {
			file: "user,secret\nana,KRSXG5CTMVRXEZLU\nben,KRSXG5CTMVRXEZLUKRSXG5BR\n", says: []string{"line 2: ana: ", ": its secret is weak", "line 3: ben: "},
		},
		"weak secrets, refused": {
			file: "user,secret\nana,KRSXG5CTMVRXEZLU\n", flags: []string{"--weak=refuse"}, code: 4, says: []string{"line 2: refused: the secret is weak"},
		},
		"under 80 bits": {
			file: "user,secret\nana,KRSXG5CTMVRXE\n", code: 4, says: []string{"line 2: refused: bad secret: shorter than 80 bits"}, lacks: []string{"KRSX"},
		},
		"a tutorial's secret": {
			file: "user,secret\nana,JBSWY3DPEHPK3PXP\nben,jbsw y3dp ehpk 3pxp\neva,otpauth://totp/x?secret=JBSWY3DPEHPK3PXP\n", code: 4,
			says:  []string{"line 2: refused: bad secret: an example from documentation", "line 3: refused: bad secret: an example", "line 4: refused: bad key URI: totp: bad secret: an example"},
			lacks: []string{"JBSW", "jbsw"},
		},
		"one secret for two accounts": {
			file: "user,secret\nana," + secretB + "\nben," + secretB + "\n", code: 4,
			says: []string{"line 2: refused: another account has the same secret", "line 3: refused: another account has the same secret"}, lacks: []string{"ana", "ben"},
		},
		"ids of another kind": {
			file: "user,secret\nhal@acme.example," + secretB + "\n", says: []string{"line 2: hal@acme.example: ", "1 id was never seen here"},
		},
		"ids of another kind, and a list": {
			file: "user,secret\nhal@acme.example," + secretB + "\n", known: "user\nU5\n", code: 4, says: []string{"line 2: refused: the product does not know this id"}, lacks: []string{"hal"},
		},
		"hex that base32 has as well": {
			file: "user,secret\nana,2a3b4c5d6e7f2a3b4c5d6e7f2a3b4c5d6e7f2a3b\n", code: 4, says: []string{"line 2: refused: the secret is ambiguous: hex or base32?"}, lacks: []string{"2a3b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newInstallation(t)
			flags := append([]string{"import", "-", reason}, c.flags...)
			if c.known != "" {
				path := filepath.Join(h.dir, "known.csv")
				require.NoError(t, os.WriteFile(path, []byte(c.known), 0o600))
				flags = append(flags, "--known", path)
			}
			for _, more := range [][]string{nil, {"--json"}, {"--yes"}} {
				h.in = c.file
				r := h.run(append(flags, more...)...)
				require.Equal(t, c.code, r.code, "%v: %s%s", more, r.out, r.err)
				for _, words := range c.says {
					if len(more) == 0 || more[0] == "--yes" {
						require.Contains(t, r.out+r.err, words, more)
					}
				}
				for _, secret := range append(c.lacks, secretA, secretB) {
					require.NotContains(t, r.out+r.err, secret, more)
				}
			}
		})
	}
}

// Wherever a secret is by mistake, in whatever encoding, nothing that is printed contains
// it, and no account gets it as its name.
func TestImportShowsNoSecret(t *testing.T) {
	raw := []byte("totpflow-example-001")
	secrets := map[string]string{
		"base32": secretB, "lower case": strings.ToLower(secretB), "grouped": "ORXX I4DG NRXX OLLF PBQW 24DM MUWT AMBR", "weak": weak80,
		"hex": hex.EncodeToString(raw), "HEX": strings.ToUpper(hex.EncodeToString(raw)), "base64": base64.StdEncoding.EncodeToString(raw),
		"URI": "otpauth://totp/Old:ana?secret=" + secretB, "Google": export, "Steam": "steam://" + secretB, "raw": string(raw), "digits": "12345678901234567890",
		"signs": "xK3!9vQz#Lm2@pR7&tY4",
	}
	for _, other := range []string{idAlike, "ana", "U5", secretA, ""} {
		h := newInstallation(t)
		for _, columns := range []string{"user,secret", "tenant,user,secret", "user,tenant,secret", "user,name,secret", "secret,user", "name,user,secret", "user", "tenant,user"} {
			for name, secret := range secrets {
				if name == "raw" && strings.HasPrefix(columns, "name") || name == "raw" && other == secretA {
					continue // words, which count as a name if a secret is beside them
				}
				cells := []string{secret}
				for range strings.Count(columns, ",") {
					cells = append(cells, other)
				}
				file := fmt.Sprintf("%s\n%s\n", columns, strings.Join(cells, ","))
				for _, flags := range [][]string{{"--json"}, {"--yes"}, {"--yes", "--json"}} {
					h.in = file
					r := h.run(append(flags, "import", "-", reason)...)
					said := r.out + r.err
					if strings.HasPrefix(columns, "secret") && r.code == 0 {
						continue // the secret stands where it belongs
					}
					require.NotZero(t, r.code, "%s: %s\n%s", name, file, said)
					for _, part := range []string{secret, secretB, string(raw), "CiEK"} {
						require.NotContains(t, strings.ToLower(said), strings.ToLower(part), "%s: %s", name, file)
					}
				}
			}
		}
		list := h.ok("list", "--json").out
		for name, secret := range secrets {
			require.NotContains(t, list, secret, name)
		}
	}
}

// Secrets as people type and paste them, and URIs of other programs: the imported key is
// the one that was meant, or none.
func TestImportSpellings(t *testing.T) {
	h := newInstallation(t)
	const uri = "otpauth://totp/Old:ana?secret=" + secretA
	eight, minute := totp.Params{Digits: 8}, totp.Params{Period: time.Minute}
	spaced := "gezd gnbv gy3t qojq gezd gnbv gy3t qojq"
	n := 0
	for cell, want := range map[string]totp.Params{
		spaced:                                     {},
		strings.ReplaceAll(spaced, " ", "-"):       {},
		secretA + "====":                           {},
		secretA[:16] + "\n" + secretA[16:]:         {},
		"\ufeff" + secretA:                         {},
		"\uff27" + secretA[1:]:                     {},
		strings.ReplaceAll(spaced, " ", "\u00a0"):  {},
		"\u201c" + secretA + "\u201d":              {},
		uri + "&amp;digits=8&amp;algorithm=SHA256": {Digits: 8, Algorithm: totp.SHA256},
		uri + "&#38;digits=8":                      eight,
		uri + "&%20digits=8":                       eight,
		uri + "&interval=60":                       minute,
		uri + "&step=60":                           minute,
		uri + "&algo=SHA256":                       {Algorithm: totp.SHA256},
		uri + "&hash=SHA512":                       {Algorithm: totp.SHA512},
		uri + "&digit=8":                           eight,
		uri + "&algorithm=SHA-256":                 {Algorithm: totp.SHA256},
		uri + "&algorithm=HmacSHA512":              {Algorithm: totp.SHA512},
		uri + "&algorithm=sha1&issuer=Old&image=x&color=red&lock=1&codeDisplay=x&counter=3&tags=y": {},
	} {
		n++
		user := fmt.Sprintf("person-%d", n)
		h.in = "user,secret\n" + user + ",\"" + cell + "\"\n"
		h.ok("import", "-", reason, "--yes")
		h.clock.Set(time.Now())
		key, err := totp.ParseSecret(secretA, want)
		require.NoError(t, err)
		code, err := key.Code(h.clock.Now())
		require.NoError(t, err)
		s := h.service()
		next, err := s.SignIn(h.ctx, totpflow.User{ID: totpflow.AccountID{User: user}})
		require.NoError(t, err)
		_, err = s.VerifyCode(h.ctx, next.Challenge, code)
		require.NoError(t, err, "%q", cell)
		h.ok("forget", user, reason, "--yes") // the next person has the same secret
	}
	h.in = "user,secret\nleft,S46SQCPPTCNPROMHWYBDCTBZXV\n"
	h.ok("import", "-", reason, "--yes")
	for cell, why := range map[string]string{
		secretA[:31] + "0":             "symbol 32 is 0, 1, 8 or 9",
		"1" + secretA[1:]:              "symbol 1 is 0, 1, 8 or 9",
		secretA[:30]:                   "no secret has 30 symbols",
		uri + "&epoch=100":             "epoch is not 0",
		uri + "&size=8":                "size may be the number of digits",
		uri + "&timeStep=60":           "step in its name",
		uri + "&encoder=steam":         "encoder",
		uri + "&digits=8&amp;digits=6": "digits given twice",
	} {
		h.in = "user,secret\nben,\"" + cell + "\"\n"
		r := h.fails(4, "1 of 1 were refused", "import", "-", reason, "--yes")
		require.Contains(t, r.out, why)
		require.NotContains(t, r.out, secretA[:20])
	}
}
