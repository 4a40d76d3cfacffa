package importfile

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Ids of accounts and names of authenticators, as products have them, are not secrets.
func TestFormOfNames(t *testing.T) {
	for _, s := range []string{
		"", " ", "ana", "42", "U5", "1234567890123456789", "4711-0815", "hal@acme.example", "alexander.hamilton@backup.acme.example",
		"maximilianmustermann@acme.example", "max.mustermann", "Maximilian Mustermann", "Anna-Lena Maria", "maximilian.mustermann.1985", "O'Brien, Pat",
		"MaximilianMustermann", "GoogleAuthenticator", "Müller & Söhne GmbH (Berlin)", "ACME\\maximilian.m", "acme/backup-admin", "acme-berlin", "CN=Max Mustermann,OU=Berlin,DC=acme",
		"123e4567-e89b-12d3-a456-426614174000", "{123E4567-E89B-12D3-A456-426614174000}", "山田太郎", "Мария Иванова-Петрова",
		"Google Pixel 7 Pro", "old phone", "Feitian C200 I34", "GALT11420104", "+43 660 1234567", "agent-7", "cus_1234", "usr_00001",
		"IBMHelpdeskAccount", "acme|IBMHelpdeskAccount", "A$AP Ana", "aB3dE5fG", "Y3VzXzEyMzQ=", "ana@a1b2c3d4e5f6g7h8.example", "xK3vQz9Lm2pR7tY4@relay.example",
		"alexander hamiltons", "anna maria schmidt", "schmidt anna maria", "lena anna marianne",
	} {
		require.Empty(t, formOf(s), s)
	}
}

// Secrets of every length in every encoding, as they are written and grouped. The error
// names the form: it tells an administrator which columns were mixed up.
func TestFormOfSecrets(t *testing.T) {
	group := func(s string, n int, by string) string {
		var groups []string
		for ; len(s) > n; s = s[n:] {
			groups = append(groups, s[:n])
		}
		return strings.Join(append(groups, s), by)
	}
	std, url := base64.StdEncoding, base64.RawURLEncoding
	missed := 0 // without padding it may look like joined words
	for _, size := range []int{10, 16, 20, 32, 64} {
		for range 300 {
			raw := make([]byte, size)
			_, err := rand.Read(raw)
			require.NoError(t, err)
			b32 := base32.StdEncoding.EncodeToString(raw)
			bare := strings.TrimRight(b32, "=")
			h := hex.EncodeToString(raw)
			for _, s := range []string{
				b32, bare, strings.ToLower(bare), " " + b32 + "\u00a0", group(bare, 4, " "), group(strings.ToLower(bare), 4, "-"), group(bare, 8, " "),
				h, strings.ToUpper(h), "0x" + h, group(h, 2, ":"), group(h, 4, " "), group(h, 8, "-"),
				"otpauth://totp/x?secret=" + bare, "steam://" + bare, "secret=" + strings.ToLower(bare), std.EncodeToString(raw),
			} {
				if s == std.EncodeToString(raw) && size == 10 {
					continue // 16 symbols, of which two are padding
				}
				require.NotEmpty(t, formOf(s), "%q", s)
			}
			if size > 10 && formOf(url.EncodeToString(raw)) == "" {
				missed++
			}
		}
	}
	require.LessOrEqual(t, missed, 3, "of 1200")
	for s, form := range map[string]string{
		"otpauth-migration://offline?data=CjMKCkhlbGxvId6tvu8SGEV4YW1wbGU6YWxpY2VAZ29vZ2xlLmNvbRoHRXhhbXBsZSABKAEwAg%3D%3D": formExport,
		"otpauth://totp/x?s%65cret=JBSWY3DP": formURI, "secret=jbswy3dp": formURI, "steam://JBSWY3DP": formSteam,
		"12345678901234567890": formHex, "5f7c8ec7c33c6c004bbafe82": formHex, "5f7c8ec7c33c6c004bbafe82@acme.example": formHex,
		"JBSWY3DPEHPK3PXP@acme.example": formBase32, "Jbswy3dpehpk3pxp": formBase32, "01ARZ3NDEKTSV4RRFFQ69G5FAV": formBase64, rand.Text(): formBase32,
		"xK3vQz9Lm2pR7tY4": formBase64, "V1StGXR8_Z5jdHi6B-myT": formBase64, "thequickbrown8foxjum==": formBase64,
		"x|aB3dE5fG7hJ9kL1m": formRandom, "auth0|12345678901234567890": formRandom, "x|ABCDEFGHIJKLMNO7": formRandom, "my s3cret te$t!!": formRandom,
		"auth0|5f7c8ec7c33c6c004bbafe82": formRandom, "my raw s3cret te$t!": formRandom, "xK3!9vQz#Lm2@pR7&tY4": formRandom,
	} {
		require.Equal(t, form, formOf(s), s)
	}
}

// A secret that may or may not be hexadecimal would make a key that no phone has.
func TestAmbiguous(t *testing.T) {
	for s, want := range map[string]string{
		"2a3b4c5d6e7f2a3b4c5d6e7f2a3b4c5d6e7f2a3b":          "hex or base32?",
		"2A3B 4C5D 6E7F 2A3B 4C5D 6E7F 2A3B 4C5D 6E7F 2A3B": "hex or base32?",
		"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ":                  "",
		"gezd gnbv gy3t qojq":                               "",
		"KqLmAbCdEfGhIjKlMnOpQrStUvWxYz23":                  "base32 or base64?",
		"JBSWY3DPEHPK3PXP":                                  "",
		"2a3b4c5d6e7f2a3b4c5d":                              "hex or base32?",
		"2a3b4c5d6e7f2a3b4c5d6":                             "",
		"746f7470666c6f772d6578616d706c652d303031":          "",
		"bXkgc2VjcmV0IHRleHQgb2YgMjA=":                      "",
	} {
		require.Equal(t, want, ambiguous(s), s)
	}
}

// The name of an authenticator may be a long word, and is not a secret.
func TestFormOfAuthenticators(t *testing.T) {
	for s, secret := range map[string]bool{
		"GoogleAuthenticator": false, "googleauthenticator": false, "Microsoft Authenticator": false, "old phone": false, "token 4711-0815": false,
		"KRSXG5CTMVRXEZLU": true, "krsxg5ctmvrxezlu": true, "ABCDEFGHIJKLMNOP": true, "my raw $ecret phrase": true, "746f7470666c6f772d6578616d706c652d303031": true,
	} {
		require.Equal(t, secret, formOfName(s) != "", s)
	}
}

// Random secrets are never mistaken for anything else.
func TestNotAmbiguous(t *testing.T) {
	for range 20000 {
		require.Empty(t, ambiguous(rand.Text()))
	}
}

func TestChanges(t *testing.T) {
	for s, want := range map[string]int{"": 0, "ana": 0, "Ana": 0, "AnaMaria": 1, "ANA": 0, "ana7": 1, "a1b2": 3, "maximilianmustermann1985": 1, "aB3dE5": 5, "ABc": 2, "IBMHelpdeskAccount": 3} {
		require.Equal(t, want, changes(s), fmt.Sprint(s))
	}
}
