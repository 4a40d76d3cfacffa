package trust_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/wire/wiretest"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/trust"
)

const goldenFile = "testdata/golden.json"

// golden pins a token and its record, which must stay valid for ever.
type golden struct {
	Ring    string
	Scope   trust.Scope
	Token   string
	Name    string
	Browser trust.Browser
}

const goldenRing = "totpflow-keys-1:aes-256-gcm:7:5d2c8f07.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

func TestGolden(t *testing.T) {
	file, err := os.ReadFile(goldenFile)
	require.NoError(t, err)
	var g golden
	require.NoError(t, json.Unmarshal(file, &g))
	require.Equal(t, goldenRing, g.Ring)
	r := parse(t, g.Ring)
	token := trust.Token(g.Token)

	// The record of the browser, byte by byte.
	browser := g.Browser
	require.Equal(t, browser, wiretest.Golden(t, "testdata/browser", &browser))
	wiretest.Strict(t, &browser)

	got, err := trust.Check(r, g.Scope, token, []trust.Browser{browser}, now, trust.DefaultAge)
	require.NoError(t, err)
	require.Equal(t, browser, got)
	require.Equal(t, g.Name, token.Name())

	// The token is as drawn: what precedes the tag, and what the tag is over.
	raw := decode(t, g.Token)
	require.Len(t, raw, 102)
	require.Equal(t, byte(1), raw[0])
	name := r.MAC("trust name", "acme", "ann", "console")
	require.Equal(t, name[4:13], raw[1:10])
	require.Equal(t, browser.ID, hex.EncodeToString(raw[10:26]))
	require.Equal(t, fmt.Sprintf("%016x", browser.Issued.Unix()), hex.EncodeToString(raw[26:34]))
	require.Equal(t, r.MAC("trust token", "acme", "ann", "console", "7", string(raw[:66])), raw[66:])
}

// RFC 6265, section 4.1.1: a cookie's name is a token of RFC 2616.
func TestName(t *testing.T) {
	form := regexp.MustCompile(`^[A-Za-z0-9_-]{12}$`)
	text, r := newRing(t)
	names := map[string]trust.Scope{}
	for _, tenant := range []string{"", "acme", "acm"} {
		for _, user := range []string{"ann", "eann", "bob", "hostile\r\nSet-Cookie: x; =,\x00"} {
			for _, audience := range []string{"", "console", "agent"} {
				s := trust.Scope{Tenant: tenant, User: user, Audience: audience}
				token, _ := trust.Issue(r, s, "", now)
				require.Regexp(t, form, token.Name())
				require.NotContains(t, names, token.Name())
				names[token.Name()] = s

				second, _ := trust.Issue(r, s, "", now)
				require.Equal(t, token.Name(), second.Name(), "one cookie per person")
			}
		}
	}
	require.Len(t, names, 36)

	// Keyed: another ring gives other names.
	token, _ := trust.Issue(r, ann, "", now)
	_, other := newRing(t)
	foreign, _ := trust.Issue(other, ann, "", now)
	require.NotEqual(t, token.Name(), foreign.Name())
	raised, err := keyring.RaiseEpoch(text)
	require.NoError(t, err)
	later, _ := trust.Issue(parse(t, raised), ann, "", now)
	require.Equal(t, token.Name(), later.Name(), "the new cookie replaces the dead one")

	for _, s := range []string{"", "x", string(token[1:]), string(token) + "A", strings.Repeat("!", 136)} {
		require.Empty(t, trust.Token(s).Name())
	}
}

func TestTokenPrintsRedacted(t *testing.T) {
	_, r := newRing(t)
	token, _ := trust.Issue(r, ann, "", now)
	raw := decode(t, string(token))
	secrets := []string{string(token), string(token[50:80]), hex.EncodeToString(raw[34:44]), strings.ToUpper(hex.EncodeToString([]byte(token[50:60]))), hex.EncodeToString([]byte(token[50:60]))}

	type shown struct{ Token trust.Token }
	nestings := map[string]any{
		"plain": token, "pointer": &token, "field": shown{token}, "slice": []trust.Token{token},
		"map": map[string]trust.Token{"t": token}, "any": []any{token},
	}
	for name, v := range nestings {
		t.Run(name, func(t *testing.T) {
			for _, verb := range strings.Fields("%v %+v %#v %s %q %x %X %10v %-5s %d %t %c %U %b %T") {
				out := fmt.Sprintf(verb, v)
				for _, s := range secrets {
					require.NotContains(t, out, s, verb)
				}
			}
			var buf bytes.Buffer
			slog.New(slog.NewTextHandler(&buf, nil)).Info("x", "t", v)
			slog.New(slog.NewJSONHandler(&buf, nil)).Info("x", "t", v)
			b, err := json.Marshal(v)
			require.Error(t, err)
			for _, s := range secrets {
				require.NotContains(t, buf.String()+string(b)+err.Error(), s)
			}
		})
	}
	require.Equal(t, trust.Redacted, fmt.Sprintf("%x", token))
	require.Equal(t, trust.Redacted, token.String())
}

// Line ends that a decoder skips do not replace missing characters: a text as long as a
// token, with fewer bytes.
func TestShortTokenOfTheRightLength(t *testing.T) {
	_, r := newRing(t)
	token, browser := trust.Issue(r, ann, "", now)
	short := trust.Token(string(token[:132]) + "\n\n\n\n")
	require.Len(t, string(short), len(string(token)))
	require.Empty(t, short.Name())
	for _, bad := range []trust.Token{short, "", token[1:]} {
		_, err := trust.Check(r, ann, bad, []trust.Browser{browser}, now, trust.DefaultAge)
		require.ErrorIs(t, err, trust.ErrNotTrusted)
		require.ErrorContains(t, err, "malformed token", "no look at the signature")
	}
}
