package applock_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/applock"
)

// The file of a program that was installed on the day when the file was written. It stays
// readable for ever.
type golden struct{ Value, Of, Content, File string }

func readGolden(t testing.TB, name string) (g golden) {
	data, err := os.ReadFile("testdata/" + name + ".json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &g))
	return g
}

func TestGolden(t *testing.T) {
	for _, name := range []string{"xchacha20-poly1305", "aes-256-gcm"} {
		g := readGolden(t, name)
		v, err := applock.Decode([]byte(g.File), applock.Options{Of: g.Of})
		require.NoError(t, err)
		require.Equal(t, g.File, string(v.Encode()))
		val, err := applock.ParseValue(g.Value)
		require.NoError(t, err)
		require.Equal(t, g.Value, val.Text())
		require.Contains(t, g.Value, name)
		require.NoError(t, v.Open(noon, val))
		got, err := v.Content(noon)
		require.NoError(t, err)
		require.Equal(t, g.Content, string(got))
	}
}

func TestDecodeRefuses(t *testing.T) {
	file := string(unlocked(t).Encode())
	for name, bad := range map[string]string{
		"nothing":          "",
		"a line":           "\n",
		"no line end":      strings.TrimSuffix(file, "\n"),
		"two line ends":    file + "\n",
		"Windows' end":     strings.TrimSuffix(file, "\n") + "\r\n",
		"another version":  strings.Replace(file, "vault-1:", "vault-2:", 1),
		"no version":       strings.Replace(file, "vault-1:", "vault:", 1),
		"capitals":         strings.Replace(file, "totpflow", "Totpflow", 1),
		"a space":          " " + file,
		"padding":          strings.TrimSuffix(file, "\n") + "=\n",
		"a broken line":    file[:60] + "\n" + file[60:],
		"standard base64":  file[:60] + "+/" + file[62:],
		"megabytes":        strings.TrimSuffix(file, "\n") + strings.Repeat("A", 4<<20) + "\n",
		"content in clear": "totpflow-vault-1:" + string(session) + "\n",
		"a value":          value.Text() + "\n",
	} {
		v, err := applock.Decode([]byte(bad), options)
		require.ErrorIs(t, err, applock.ErrVault, name)
		require.Nil(t, v, name)
		require.NotContains(t, err.Error(), file[20:40], name)
	}
}

// The longest file that is read has room for the longest content, and not for one byte
// more.
func TestLongestFile(t *testing.T) {
	const head = "totpflow-vault-1:"
	longest := base64.RawURLEncoding.EncodedLen(applock.MaxContent) + 1024
	text := head + strings.Repeat("A", longest-len(head)-1) + "\n"
	_, err := applock.Decode([]byte(text), options)
	require.NoError(t, err)
	_, err = applock.Decode([]byte(text+"A"), options)
	require.ErrorContains(t, err, "too long")
}

// Decode or Open refuses every single changed byte, every cut and every addition.
func TestAlteredIsRefused(t *testing.T) {
	file := unlocked(t).Encode()
	refused := func(data []byte, what string, n int) {
		v, err := applock.Decode(data, options)
		if err != nil {
			require.ErrorIs(t, err, applock.ErrVault)
			return
		}
		err = v.Open(noon, value)
		require.Error(t, err, "%s %d", what, n)
		require.Equal(t, applock.Locked, v.State(noon))
	}
	for i := range file {
		for bit := range 8 {
			changed := []byte(string(file))
			changed[i] ^= 1 << bit
			refused(changed, "bit of byte", i)
		}
		refused(file[:i], "cut at", i)
		refused(append(file[:i:i], file[i+1:]...), "without byte", i)
	}
	for _, more := range []string{"A", "AA", "AAAA"} {
		refused([]byte(strings.TrimSuffix(string(file), "\n")+more+"\n"), "longer by", len(more))
	}
}

// Another account's vault does not open, even if both have the same value.
func TestOfIsBound(t *testing.T) {
	for _, of := range []string{"", "acme/ana/laptop ", "acme/bob/laptop"} {
		v, err := applock.Decode(unlocked(t).Encode(), applock.Options{Of: of})
		require.NoError(t, err)
		require.ErrorIs(t, v.Open(noon, value), applock.ErrVault, of)
		_, err = v.Content(noon)
		require.ErrorIs(t, err, applock.ErrLocked)
	}
}

func TestParseValue(t *testing.T) {
	text := value.Text()
	for _, good := range []string{text, text + "\n", text + "\r\n"} {
		v, err := applock.ParseValue(good)
		require.NoError(t, err)
		require.Equal(t, text, v.Text())
		require.NoError(t, locked(t).Open(noon, v))
	}
	for name, bad := range map[string]string{
		"nothing":        "",
		"its prefix":     "totpflow-unlock-1:",
		"no prefix":      strings.TrimPrefix(text, "totpflow-unlock-1:"),
		"a version":      strings.Replace(text, "unlock-1", "unlock-2", 1),
		"two line ends":  text + "\n\n",
		"a space":        " " + text,
		"a short key":    text[:len(text)-1],
		"a long key":     text + "A",
		"another suite":  strings.Replace(strings.Replace(text, "xchacha20-poly1305", "none", 1), "aes-256-gcm", "none", 1),
		"zero":           text[:len(text)-43] + strings.Repeat("A", 43),
		"megabytes":      text + strings.Repeat("A", 4<<20),
		"a vault's file": string(unlocked(t).Encode()),
	} {
		v, err := applock.ParseValue(bad)
		require.ErrorIs(t, err, applock.ErrValue, name)
		require.True(t, v.IsZero(), name)
		require.NotContains(t, err.Error(), text[len(text)-40:], "an error goes to logs")
	}
	require.Empty(t, applock.Value{}.Text())
	require.NotEqual(t, applock.NewValue().Text(), applock.NewValue().Text())
}

func FuzzDecode(f *testing.F) {
	f.Add(unlocked(f).Encode())
	f.Add([]byte(readGolden(f, "aes-256-gcm").File))
	f.Add([]byte("totpflow-vault-1:\n"))
	f.Add([]byte("totpflow-vault-2:AAAA\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := applock.Decode(data, options)
		if err != nil {
			require.ErrorIs(t, err, applock.ErrVault)
			require.Nil(t, v)
			return
		}
		require.Equal(t, string(data), string(v.Encode()), "one spelling")
		require.Error(t, v.Open(noon, another), "nobody sealed it with this value")
		require.Equal(t, applock.Locked, v.State(noon))
	})
}

func FuzzParseValue(f *testing.F) {
	f.Add(value.Text())
	f.Add(readGolden(f, "aes-256-gcm").Value)
	f.Add("totpflow-keys-1:aes-256-gcm:1:00000000.AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := applock.ParseValue(text)
		if err != nil {
			require.ErrorIs(t, err, applock.ErrValue)
			require.True(t, v.IsZero())
			return
		}
		require.Equal(t, strings.TrimRight(text, "\r\n"), v.Text())
		again, err := applock.ParseValue(v.Text())
		require.NoError(t, err)
		require.Equal(t, v.Text(), again.Text())
	})
}
