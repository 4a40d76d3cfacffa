package keyring_test

import (
	"crypto/fips140"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/totpflow/totpflow/keyring"
)

// fipsChild tells the test binary that it was started by TestFIPS.
const fipsChild = "KEYRING_TEST_FIPS"

// The whole suite passes in FIPS 140-3 mode, which is chosen when a process starts. Where
// the mode is enforced, algorithms that are not approved are refused.
func TestFIPS(t *testing.T) {
	if os.Getenv(fipsChild) != "" {
		require.True(t, fips140.Enabled())
		return
	}
	for mode, run := range map[string]string{"on": ".", "only": "^(TestEnforced|TestGenerate|TestFIPS)$"} {
		t.Run(mode, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+run, "-test.count=1", "-test.v")
			cmd.Env = append(os.Environ(), "GODEBUG=fips140="+mode, fipsChild+"=1")
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, string(out))
			require.Contains(t, string(out), "--- PASS: TestFIPS", "the child has run something")
			require.Contains(t, string(out), "--- PASS: TestGenerate")
		})
	}
}

// AES-256-GCM always works. XChaCha20-Poly1305 either works or is refused with
// an error, when the ring is parsed and when an envelope is opened; x/crypto
// enforces this from Go 1.26 on.
func TestEnforced(t *testing.T) {
	rings := both(keyring.Generate())
	a := mustParse(t, rings["aes-256-gcm"])
	got, err := a.Open("p", a.Seal("p", []byte("secret"), "ann"), "ann")
	require.NoError(t, err)
	require.Equal(t, "secret", string(got))
	require.NoError(t, a.VerifyMAC("p", a.MAC("p", "ann"), "ann"))

	var foreign []byte
	for _, s := range readGolden(t).Seals {
		if s.Suite == "xchacha20-poly1305" && len(s.AD) == 0 {
			foreign = unhex(t, s.Envelope)
		}
	}
	require.NotEmpty(t, foreign)
	golden := mustParse(t, goldenRings["aes-256-gcm"])

	_, missing := chacha20poly1305.NewX(make([]byte, 32))
	x, err := keyring.Parse(rings["xchacha20-poly1305"])
	if missing != nil {
		require.ErrorIs(t, err, keyring.ErrUnknownSuite)
		require.Nil(t, x)
		refused(t, golden, keyring.ErrUnknownSuite, "account record", foreign)
		return
	}
	require.NoError(t, err)
	require.NotNil(t, x)
	_, err = golden.Open("account record", foreign)
	require.NoError(t, err)
}
