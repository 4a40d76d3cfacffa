package totp_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"text/template"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/totp"
)

// canary is a secret whose bytes are letters, so that every form of it can be searched for.
var canary = []byte("CanarySecretBytes!23")

// spellings returns the forms in which a printer could leak the canary.
func spellings() []string {
	list := func(format, separator string) string {
		parts := make([]string, len(canary))
		for i, c := range canary {
			parts[i] = fmt.Sprintf(format, c)
		}
		return strings.Join(parts[:6], separator)
	}
	return []string{
		string(canary[:8]), encode(canary)[:12], strings.ToLower(encode(canary))[:12],
		hex.EncodeToString(canary)[:12], strings.ToUpper(hex.EncodeToString(canary))[:12],
		base64.StdEncoding.EncodeToString(canary)[:12],
		list("%d", " "), list("%d", ","), list("%d", ", "), list("%#x", ", "), list("%#02x", ","), list("%x", " "),
		list("%q", " "), list("%U", " "), list("%o", " "), list("%b", " "),
	}
}

func requireNoCanary(t *testing.T, out, how string) {
	for _, s := range spellings() {
		require.NotContains(t, out, s, how)
	}
}

type exported struct{ Key totp.Key }
type unexported struct{ key totp.Key }
type pointer struct{ key *totp.Key }
type embedded struct{ totp.Key }
type deep struct {
	Any  any
	list []unexported
	m    map[string]unexported
	p    *deep
}

// nestings returns the places where a Key may be inside a value that somebody prints. In
// unexported fields fmt calls no methods: there the secret is safe because it is behind a
// function.
func nestings(k totp.Key) map[string]any {
	return map[string]any{
		"bare": k, "pointer": &k, "exported field": exported{k}, "unexported field": unexported{k}, "pointer to unexported": &unexported{k},
		"pointer in unexported": pointer{&k}, "slice": []totp.Key{k}, "array": [1]totp.Key{k}, "map": map[string]totp.Key{"k": k}, "any": any(k),
		"slice of unexported": []unexported{{k}}, "map of unexported": map[int]unexported{1: {k}},
		"embedded": embedded{k}, "anonymous": struct{ k, l totp.Key }{k, k},
		"deep": deep{Any: &unexported{k}, list: []unexported{{k}}, m: map[string]unexported{"a": {k}}, p: &deep{Any: k}},
	}
}

func TestRedactionFormats(t *testing.T) {
	key := parse(t, encode(canary), totp.Params{})
	require.Contains(t, key.Secret(), spellings()[1], "the search can find something")
	verbs := "vTtbcdoOqxXUeEfFgGspw"
	for nesting, value := range nestings(key) {
		n := 0
		for _, flags := range []string{"", "+", "#", " ", "0", "-", "# ", "+#", "200.100"} {
			for _, verb := range verbs {
				format := "%" + flags + string(verb)
				requireNoCanary(t, fmt.Sprintf(format, value), nesting+" "+format)
				requireNoCanary(t, fmt.Errorf("wrapped "+format, value).Error(), nesting+" "+format)
				n++
			}
		}
		require.NotZero(t, n)
		requireNoCanary(t, fmt.Sprint(value)+fmt.Sprintln(value), nesting)
		var b bytes.Buffer
		require.NoError(t, template.Must(template.New("").Parse(`{{.}} {{printf "%#v" .}}`)).Execute(&b, value))
		requireNoCanary(t, b.String(), nesting+" template")
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		require.Equal(t, "totp.Key([redacted])", fmt.Sprintf(format, key))
		require.Equal(t, "totp.Key([redacted])", fmt.Sprintf(format, &key))
	}
}

func TestRedactionEncodings(t *testing.T) {
	key := parse(t, encode(canary), totp.Params{})
	for nesting, value := range nestings(key) {
		out, _ := json.Marshal(value) // refusing is as good as hiding
		requireNoCanary(t, string(out), nesting+" JSON")
		out, _ = xml.Marshal(value)
		requireNoCanary(t, string(out), nesting+" XML")
		var b bytes.Buffer
		err := gob.NewEncoder(&b).Encode(value)
		requireNoCanary(t, b.String(), nesting+" gob")
		if nesting == "bare" {
			require.Error(t, err)
		}
		b.Reset()
		for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
			l := slog.New(h).With("with", value).WithGroup("group")
			l.Info("message", "value", value, slog.Any("any", value), slog.Group("inner", "value", value))
		}
		require.Contains(t, b.String(), "message")
		requireNoCanary(t, b.String(), nesting+" slog")
	}
}

// There is no way back from the printed text: a program that stores it fails before it
// stores anything else.
func TestRedactionDoesNotDecode(t *testing.T) {
	key := parse(t, encode(canary), totp.Params{})
	out, err := json.Marshal(exported{key})
	require.NoError(t, err)
	require.JSONEq(t, `{"Key": "totp.Key([redacted])"}`, string(out))
	var back exported
	require.Error(t, json.Unmarshal(out, &back))
	require.True(t, back.Key.IsZero())
	require.NoError(t, json.Unmarshal([]byte(`{"Key": {"secret": "x"}}`), &back))
	require.True(t, back.Key.IsZero(), "nothing that decodes becomes a key")
}

// The trace of a crash is printed by the runtime, not by fmt. The test runs itself once for each value that it panics with.
func TestRedactionPanic(t *testing.T) {
	if nesting := os.Getenv("TOTP_TEST_PANIC"); nesting != "" {
		panic(nestings(parse(t, encode(canary), totp.Params{}))[nesting])
	}
	for _, nesting := range []string{"bare", "unexported field", "pointer", "deep"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestRedactionPanic$")
		cmd.Env = append(os.Environ(), "TOTP_TEST_PANIC="+nesting, "GOTRACEBACK=all")
		out, err := cmd.CombinedOutput()
		require.Error(t, err)
		require.Contains(t, string(out), "panic:")
		require.Contains(t, string(out), "goroutine")
		requireNoCanary(t, string(out), nesting)
	}
}
