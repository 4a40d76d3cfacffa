package keyring_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/keyring"
)

// leaks returns the forms in which a secret could show.
func leaks(t *testing.T, ring string) []string {
	_, keys := refKeys(t, ring)
	var out []string
	for _, k := range keys {
		s := k.secret
		out = append(out,
			string(s), string(s[:8]),
			hex.EncodeToString(s[:8]), strings.ToUpper(hex.EncodeToString(s[:8])),
			base64.RawURLEncoding.EncodeToString(s)[:16], base64.StdEncoding.EncodeToString(s)[:16],
			strings.Trim(fmt.Sprint(s[:8]), "[]"),                               // 1 2 3
			strings.TrimSuffix(fmt.Sprintf("%#v", s[:8])[7:], "}"),              // 0x1, 0x2
			strings.Trim(strings.ReplaceAll(fmt.Sprint(s[:8]), " ", ","), "[]"), // JSON
			strings.Trim(fmt.Sprintf("%q", string(s[:8])), `"`),
		)
	}
	return out
}

// A redaction method is not called on a value in an unexported field; hence
// the table of verbs times nestings.
func TestRedaction(t *testing.T) {
	text, err := keyring.Rotate(keyring.Generate())
	require.NoError(t, err)
	secrets := leaks(t, text)
	r := mustParse(t, text)
	r.Seal("p", nil) // fills the subkeys
	r.MAC("p")

	type hidden struct{ ring keyring.Ring }
	type hiddenPointer struct{ ring *keyring.Ring }
	type deep struct{ in hiddenPointer }
	type embedded struct{ *keyring.Ring }
	type shown struct{ Ring *keyring.Ring }
	nestings := map[string]any{
		"pointer":            r,
		"value":              *r,
		"pointer to pointer": &r,
		"unexported value":   hidden{*r},
		"unexported pointer": hiddenPointer{r},
		"pointer to those":   &hiddenPointer{r},
		"two deep":           deep{hiddenPointer{r}},
		"embedded":           embedded{r},
		"exported":           shown{r},
		"slice":              []keyring.Ring{*r},
		"slice of pointers":  []*keyring.Ring{r},
		"array unexported":   [1]hidden{{*r}},
		"map":                map[string]any{"ring": *r, "p": hidden{*r}},
		"any":                []any{*r, r, hidden{*r}},
		"error":              fmt.Errorf("config %v %+v", hidden{*r}, r),
		"attr":               slog.Any("ring", hidden{*r}),
	}
	verbs := strings.Fields("%v %+v %#v %s %q %x %X % x %#x %d %o %b %e %g %t %c %U %p %T %10v %-4s %z")

	seen := 0
	check := func(t *testing.T, how, out string) {
		t.Helper()
		seen++
		for _, s := range secrets {
			require.NotContains(t, out, s, how)
		}
	}
	for name, v := range nestings {
		t.Run(name, func(t *testing.T) {
			for _, verb := range verbs {
				check(t, verb, fmt.Sprintf(verb, v))
			}
			b, err := json.Marshal(v)
			check(t, "JSON", fmt.Sprint(string(b), err))
			var buf bytes.Buffer
			err = gob.NewEncoder(&buf).Encode(v)
			check(t, "gob", fmt.Sprint(buf.String(), err))
			for _, h := range []slog.Handler{slog.NewTextHandler(&buf, nil), slog.NewJSONHandler(&buf, nil)} {
				buf.Reset()
				slog.New(h).Info("start", "config", v)
				check(t, "slog", buf.String())
			}
		})
	}
	require.Equal(t, len(nestings)*(len(verbs)+4), seen)
}

// The table above would find a secret if one showed. The ring is a fixed one: in some
// rings, a character of several bytes crosses the end of the text that is searched for,
// and %q writes it as one.
func TestRedactionTableSees(t *testing.T) {
	text := goldenRings["aes-256-gcm"]
	_, keys := refKeys(t, text)
	type naked struct{ secret []byte }
	for _, verb := range []string{"%v", "%#v", "%x", "%X", "%s", "%q"} {
		out := fmt.Sprintf(verb, naked{keys[0].secret})
		found := false
		for _, s := range leaks(t, text) {
			found = found || strings.Contains(out, s)
		}
		require.True(t, found, "%s: %s", verb, out)
	}
}

func TestPrintsIDs(t *testing.T) {
	r := mustParse(t, goldenRings["aes-256-gcm"])
	want := "keyring.Ring(aes-256-gcm, epoch 4294967295, keys 5d2c8f07 9b01aa3e)"
	require.Equal(t, want, r.String())
	require.Equal(t, want, fmt.Sprintf("%x", *r))
	b, err := json.Marshal(map[string]*keyring.Ring{"keys": r})
	require.NoError(t, err)
	require.JSONEq(t, `{"keys":"`+want+`"}`, string(b))
	require.Equal(t, "keyring.Ring(empty)", fmt.Sprint(keyring.Ring{}))
	var none *keyring.Ring
	require.Equal(t, "<nil>", fmt.Sprint(none))
}
