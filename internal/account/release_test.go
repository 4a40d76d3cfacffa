package account

import (
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
)

// releaseKeys are the keys that all releases in the test use.
const releaseKeys = "totpflow-keys-1:xchacha20-poly1305:1:b6a8995c.K-zNRt6ndqgtn2tAd5a8P-rNfSs7ps5ukpYOx0GPIkc"

// TestRelease is one process of a product during a rolling upgrade, for
// tests/e2e/upgrade, which builds this test under several formats. It opens the records
// that other releases have sealed, each of which is a version and bytes in hexadecimal,
// reports the result, and seals one itself.
func TestRelease(t *testing.T) {
	keys, err := keyring.Parse(releaseKeys)
	require.NoError(t, err)
	var out io.Writer = os.Stdout
	records, asked := os.LookupEnv("TOTPFLOW_RECORDS")
	if !asked {
		out = io.Discard
	}
	for _, line := range strings.Fields(records) {
		version, sealed, _ := strings.Cut(line, ":")
		rec := store.Record{ID: id, State: "active"}
		rec.Version, err = store.ParseVersion(version)
		require.NoError(t, err)
		rec.Sealed, err = hex.DecodeString(sealed)
		require.NoError(t, err)
		var a Account
		err := a.Open(keys, rec)
		switch {
		case err == nil:
			require.Equal(t, full(t).Generation, a.Generation)
			require.Len(t, a.Enrollment.Authenticators(), 1)
			fmt.Fprintln(out, "opened")
		default:
			require.ErrorIs(t, err, ErrFormat)
			require.Zero(t, a, "never an account without a second factor")
			fmt.Fprintln(out, "refused")
		}
	}
	rec, err := Seal(keys, id, full(t), at, time.Time{})
	require.NoError(t, err)
	fmt.Fprintf(out, "sealed %s:%x\n", rec.Version, rec.Sealed)
}
