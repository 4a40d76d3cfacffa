package otp

import (
	"os"
	"os/user"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/totp"
)

// pam is a login with libpam-google-authenticator, an independent verifier. pam_wrapper
// lets it have its configuration in a folder of the test, so the test does not need root.
type pam struct {
	user, secret string
	env          []string
}

func newPAM(t *testing.T, key totp.Key) pam {
	module := file(t, "/usr/lib/*/security/pam_google_authenticator.so", "libpam-google-authenticator")
	wrapper := file(t, "/usr/lib/*/libpam_wrapper.so", "libpam-wrapper")
	u, err := user.Current()
	require.NoError(t, err)
	dir := t.TempDir()
	p := pam{user: u.Username, secret: filepath.Join(dir, "secret"), env: []string{
		"WRAPPER=" + wrapper, "PAM_WRAPPER=1", "PAM_WRAPPER_SERVICE_DIR=" + filepath.Join(dir, "services")}}
	require.NoError(t, os.Mkdir(filepath.Join(dir, "services"), 0o700))
	service := "auth required " + module + " user=" + p.user + " secret=" + p.secret + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "services", "totpflow"), []byte(service), 0o600))
	state := key.Secret() + "\n\" TOTP_AUTH\n\" WINDOW_SIZE 3\n\" DISALLOW_REUSE\n"
	require.NoError(t, os.WriteFile(p.secret, []byte(state), 0o600))
	return p
}

// login reports whether the code is accepted at that time.
func (p pam) login(t *testing.T, typed string, at time.Time) bool {
	tester := program(t, "pamtester", "pamtester")
	// faketime preloads a library too, so the wrapper is added by a shell that runs under it.
	out, errout, err := command{path: "/bin/sh", env: p.env, stdin: typed + "\n", args: []string{
		"-c", `LD_PRELOAD="$LD_PRELOAD $WRAPPER" exec "$0" totpflow "$1" authenticate`, tester, p.user,
	}}.at(t, at).run(t)
	if err == nil {
		require.Contains(t, out, "successfully authenticated")
		return true
	}
	require.Contains(t, errout, "Authentication failure", "the module itself must have said no")
	return false
}

func TestPAMVerdicts(t *testing.T) {
	verdicts := map[bool]int{}
	key, err := totp.NewKey(totp.Params{})
	require.NoError(t, err)
	for off := -3; off <= 3; off++ {
		for _, into := range []time.Duration{0, 10 * time.Second} {
			at := newYear.Add(into)
			typed := code(t, key, at.Add(time.Duration(off)*30*time.Second))
			_, ours := key.Verify(typed, at, 0, totp.Standard())
			require.Equal(t, newPAM(t, key).login(t, typed, at), ours == nil, "offset %d", off)
			verdicts[ours == nil]++
		}
	}
	require.Equal(t, map[bool]int{true: 6, false: 8}, verdicts)
}

// Both sides accept a code once, then the next one, and never the first again.
func TestPAMReplay(t *testing.T) {
	key, err := totp.NewKey(totp.Params{})
	require.NoError(t, err)
	door, last := newPAM(t, key), totp.Step(0)
	first, second := code(t, key, newYear), code(t, key, newYear.Add(30*time.Second))
	for i, typed := range []string{first, first, second, first, second} {
		step, ours := key.Verify(typed, newYear, last, totp.Standard())
		require.Equal(t, door.login(t, typed, newYear), ours == nil, "submission %d", i)
		if i == 0 || i == 2 {
			require.NoError(t, ours)
			last = step
		} else {
			require.ErrorIs(t, ours, totp.ErrAlreadyUsed)
		}
	}
}
