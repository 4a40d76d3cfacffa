package otp

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pass-otp reads our URIs, keeps them as they are, and shows the codes that Verify expects.
func TestPass(t *testing.T) {
	pass, gpg, gpgconf := program(t, "pass", "pass"), program(t, "gpg", "gnupg"), program(t, "gpgconf", "gnupg")
	file(t, "/usr/lib/password-store/extensions/otp.bash", "pass-extension-otp")
	program(t, "oathtool", "oathtool")

	home, err := os.MkdirTemp("", "gpg") // short: the path of the agent's socket may have 108 bytes
	require.NoError(t, err)
	env := []string{"HOME=" + home, "GNUPGHOME=" + filepath.Join(home, "g"), "PASSWORD_STORE_DIR=" + filepath.Join(home, "p")}
	require.NoError(t, os.Mkdir(filepath.Join(home, "g"), 0o700))
	t.Cleanup(func() { // the agent outlives gpg
		command{path: gpgconf, args: []string{"--kill", "all"}, env: env}.must(t)
		_ = os.RemoveAll(home)
	})
	command{path: gpg, env: env, args: []string{"--batch", "--quiet", "--faked-system-time", "20200101T000000",
		"--passphrase", "", "--quick-generate-key", "interop@example.com", "default", "default", "never"}}.must(t)
	command{path: pass, env: env, args: []string{"init", "interop@example.com"}}.must(t)

	for i, key := range samples(t) {
		uri, err := key.URI(label)
		require.NoError(t, err)
		name := "key" + strconv.Itoa(i)
		command{path: pass, env: env, args: []string{"otp", "validate", uri}}.must(t)
		command{path: pass, env: env, args: []string{"otp", "insert", name}, stdin: uri + "\n"}.must(t)
		require.Equal(t, uri, command{path: pass, env: env, args: []string{"otp", "uri", name}}.must(t))
		for _, at := range []time.Time{newYear, newYear.Add(time.Hour)} {
			show := command{path: pass, env: env, args: []string{"otp", "code", name}}.at(t, at)
			require.Equal(t, code(t, key, at), show.must(t), "%+v", key.Params())
		}
	}
}
