package spellings_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/internal/spellings"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/totp"
)

// The library reads every spelling in a list as the same code, step or number.
func TestSpellings(t *testing.T) {
	const code = "050471" // of the key of RFC 6238
	key, err := totp.ParseSecret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", totp.Params{})
	require.NoError(t, err)
	at := time.Unix(1111111111, 0)
	for _, text := range spellings.OfCode(code) {
		step, err := key.Verify(text, at, 0, totp.Standard())
		require.NoError(t, err, "%q", text)
		require.Equal(t, key.Step(at), step, "%q", text)
	}
	for _, text := range spellings.NotOfCode(code) {
		_, err := key.Verify(text, at, 0, totp.Standard())
		require.ErrorIs(t, err, totp.ErrMalformedCode, "%q", text)
	}
	codes, _ := recovery.New(at)
	sheet := codes[0]
	for _, text := range spellings.OfRecoveryCode(sheet) {
		got, err := recovery.Normalize(text)
		require.NoError(t, err, "%q", text)
		require.Equal(t, sheet, got, "%q", text)
	}
	for _, text := range spellings.NotOfRecoveryCode(sheet) {
		_, err := recovery.Normalize(text)
		require.ErrorIs(t, err, recovery.ErrMalformed, "%q", text)
	}
	for _, text := range spellings.OfNumber() {
		n, err := phone.ParseNumber(text)
		require.NoError(t, err, "%q", text)
		require.Equal(t, "+436601234567", n.E164(), "%q", text)
	}
}
