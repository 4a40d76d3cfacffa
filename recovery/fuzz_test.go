package recovery_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/recovery"
)

// A code is redeemed if it belongs to the set, in any spelling and once, and nothing else
// is.
func FuzzRedeem(f *testing.F) {
	codes, fresh := recovery.New(made)
	f.Add(codes[0])
	f.Add(strings.ToLower(codes[9]))
	f.Add(" " + strings.ReplaceAll(codes[3], "-", "") + "-")
	f.Add(codes[1][:18] + codes[2][18:])
	f.Add(codes[0] + codes[0])
	f.Add("0000-0000-0000-0000")
	f.Add("")
	f.Fuzz(func(t *testing.T, typed string) {
		d, err := fresh.Derive(t.Context(), typed)
		if err != nil {
			require.ErrorIs(t, err, recovery.ErrMalformed)
			_, err = fresh.Redeem(made, d)
			require.ErrorIs(t, err, recovery.ErrStale, "no digest")
			return
		}
		spelt, err := recovery.Normalize(typed)
		require.NoError(t, err)
		next, err := fresh.Redeem(made, d)
		ours := false
		for _, code := range codes {
			ours = ours || code == spelt
		}
		if !ours {
			require.ErrorIs(t, err, recovery.ErrRejected)
			require.NotErrorIs(t, err, recovery.ErrUsed)
			require.Equal(t, fresh, next)
			return
		}
		require.NoError(t, err)
		require.Equal(t, fresh.Remaining()-1, next.Remaining())
		_, err = next.Redeem(made, d)
		require.ErrorIs(t, err, recovery.ErrUsed)
		_, err = recovery.Set{}.Redeem(made, d)
		require.ErrorIs(t, err, recovery.ErrStale, "a digest is of one set")
	})
}
