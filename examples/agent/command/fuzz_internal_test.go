package command

import (
	"bufio"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

// Whatever a server answers, the result is what was asked for, a refusal with a word, or
// one of the agent's own errors.
func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(`{"session":"s","proof":"p","setup_until":"2026-03-02T09:30:10Z","recovery_codes_left":3}`))
	f.Add(401, []byte(`{"error":"code_required","challenge":"c","methods":["totp"],"pair":true,"clock_off":-60}`))
	f.Add(403, []byte(`{"error":""}`))
	f.Add(302, []byte(`<html>`))
	f.Add(200, []byte(`{"session":1}`))
	f.Add(204, []byte(`{`))
	f.Fuzz(func(t *testing.T, status int, text []byte) {
		var in signedIn
		err := answer(status, text, &in)
		good := status >= 200 && status <= 299
		var no *refusal
		switch {
		case err == nil:
			require.True(t, good)
		case errors.As(err, &no):
			require.False(t, good)
			require.NotEmpty(t, no.Word)
		default:
			require.ErrorIs(t, err, errAnswer)
		}
		if !good {
			require.Zero(t, in)
		}
	})
}

// A server's address is accepted only if the requests use TLS or stay on this machine,
// and if they go to the host that the person has read.
func FuzzNewClient(f *testing.F) {
	for _, s := range []string{
		"https://console.example", "https://console.example/base/", "http://localhost:8080", "http://127.1/", "http://localhost@evil.example",
		"http://localhost.evil.example", "https://x/?a=b", "HTTPS://x", "https:x", "https://:", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, address string) {
		c, err := newClient(address)
		if err != nil {
			require.ErrorIs(t, err, errServer)
			return
		}
		given, err := url.Parse(address)
		require.NoError(t, err)
		goes, err := url.Parse(c.base + "/api/signin")
		require.NoError(t, err)
		require.Equal(t, given.Host, goes.Host)
		require.NotEmpty(t, goes.Hostname())
		require.Nil(t, goes.User)
		require.True(t, strings.HasSuffix(goes.Path, "/api/signin"))
		if goes.Scheme != "https" {
			ip := net.ParseIP(goes.Hostname())
			require.True(t, goes.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
		}
	})
}

// The account file in the agent's folder either names the person who is signed in or is
// reported as broken. A lock file that makes no sense counts as a lock.
func FuzzFiles(f *testing.F) {
	f.Add([]byte(`{"version":1,"server":"https://console.example","email":"ana@acme.example","device":"abcdefghijklmnop","idle":600,"keyring":true}`))
	f.Add([]byte(`{"version":2}`))
	f.Add([]byte(`null`))
	f.Add([]byte("ABCDEFGHIJKLMNOPQRSTUVWXYZ\n"))
	f.Add([]byte("\n"))
	f.Add([]byte(""))
	f.Add([]byte(`{"version":1,"device":"--help"}`))
	folder := f.TempDir()
	files := files{folder: folder, mine: mine}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, name := range []string{accountFile, lockFile} {
			require.NoError(t, os.WriteFile(filepath.Join(folder, name), text, 0o600))
		}
		who, err := files.account()
		if err != nil {
			require.ErrorIs(t, err, errBroken)
			require.NotErrorIs(t, err, fs.ErrNotExist, "broken is not signed out")
			require.Nil(t, who)
		} else {
			require.Equal(t, version, who.Version)
			require.Regexp(t, `^[a-z0-9]+$`, who.Device, "it is an argument of the keyring's program")
			require.NoError(t, files.writeJSON(accountFile, who))
			again, err := files.account()
			require.NoError(t, err)
			require.Equal(t, who, again)
		}
		mark := files.mark()
		require.NotEmpty(t, mark, "as if there were none")
		if strings.TrimSpace(string(text)) == "" {
			require.NotEqual(t, mark, files.mark())
		}
		locked, err := files.lock()
		require.NoError(t, err)
		require.NotEqual(t, mark, locked)
		require.Equal(t, locked, files.mark())
	})
}

// Whatever is typed is sent as one answer, unchanged.
func FuzzAskCode(f *testing.F) {
	for _, s := range []string{"123456\n", "123 456", "ABCD-EFGH-JKMN-PQRS\n", "mail\nXXXX\n", " MAIL \r\n", "\n", "١٢٣٤٥٦\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		a := newAsker(System{Getenv: func(string) string { return "" }, In: strings.NewReader(typed), Err: new(strings.Builder)})
		a.lines = bufio.NewReader(strings.NewReader(typed))
		c, err := a.askCode(t.Context(), false, false, "askCode")
		if err != nil {
			return
		}
		require.Len(t, c, 1)
		for _, text := range c {
			require.Contains(t, typed, text)
		}
		if digits, ok := c["code"].(string); ok {
			require.Empty(t, strings.TrimFunc(digits, func(r rune) bool { return unicode.IsDigit(r) || r == ' ' || r == '-' }), "of any one script")
		}
	})
}
