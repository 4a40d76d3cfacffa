package totp_test

import (
	"crypto/fips140"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/totp"
)

// The tests of this package, run again by a process with GODEBUG=fips140=on: same codes, from Go's FIPS 140-3 module.
func TestFIPS(t *testing.T) {
	out, err := again("fips140=on", "^(TestVectors.*|TestVerify.*|TestMAC.*|TestConcurrentUse|TestFIPSEnabled)$").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "PASS: TestFIPSEnabled")
	require.Contains(t, string(out), "PASS: TestVectorsTOTP")
}

// With GODEBUG=fips140=only Go panics where SHA-1 is used. A library that takes the secrets of others has to answer with an
// error instead.
func TestFIPSOnly(t *testing.T) {
	out, err := again("fips140=only", "^TestFIPSEnforced$").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "PASS: TestFIPSEnforced")
}

func again(godebug, tests string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.v", "-test.run="+tests)
	cmd.Env = append(os.Environ(), "GODEBUG="+godebug, "TOTP_TEST_FIPS="+godebug)
	return cmd
}

func TestFIPSEnabled(t *testing.T) {
	if os.Getenv("TOTP_TEST_FIPS") != "" {
		require.True(t, fips140.Enabled(), "TestFIPS would prove nothing")
	}
}

func TestFIPSEnforced(t *testing.T) {
	if os.Getenv("TOTP_TEST_FIPS") != "fips140=only" {
		return // the body is for the process that TestFIPSOnly starts
	}
	for _, secret := range []string{seed20, seed64, seed64 + seed64[:8*8]} { // the last is longer than a block
		_, err := totp.ParseSecret(secret, totp.Params{})
		require.Error(t, err)
		_, _, err = totp.ParseURI("otpauth://totp/x?secret=" + secret)
		require.Error(t, err)
	}
	_, err := totp.NewKey(totp.Params{})
	require.ErrorIs(t, err, totp.ErrParams)
	for a, c := range map[totp.Algorithm]struct{ secret, code string }{totp.SHA256: {seed32, "46119246"}, totp.SHA512: {seed64, "90693936"}} {
		key := parse(t, c.secret, totp.Params{Algorithm: a, Digits: 8})
		step, err := key.Verify(c.code, time.Unix(59, 0), 0, totp.Standard())
		require.NoError(t, err)
		require.Equal(t, totp.Step(1), step)
	}
}
