package recovery_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/recovery"
)

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ" // Crockford's base 32

func TestCodesAreUniform(t *testing.T) {
	const codes = 20_000
	var bySymbol [32]int
	var byPlace [16][32]int
	seen := map[string]bool{}
	for range codes {
		code := recovery.NewCode()
		require.Regexp(t, `^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$`, code)
		require.False(t, seen[code])
		seen[code] = true
		for place, c := range strings.ReplaceAll(code, "-", "") {
			i := strings.IndexRune(alphabet, c)
			bySymbol[i]++
			byPlace[place][i]++
		}
	}
	// Chi-square with 31 degrees of freedom: above 102.0 less than once in 10^8
	// when every symbol is as likely as the others.
	require.Less(t, chiSquare(bySymbol, codes*16), 102.0)
	for place, counts := range byPlace {
		require.Less(t, chiSquare(counts, codes), 102.0, "symbol %d of the code", place+1)
	}
	// A bias of one symbol in sixteen, as of a remainder of 26 letters, would
	// be seen.
	biased := bySymbol
	biased[0] += codes / 2
	require.Greater(t, chiSquare(biased, codes*16), 102.0)
}

func chiSquare(counts [32]int, total int) (x float64) {
	expected := float64(total) / 32
	for _, n := range counts {
		x += math.Pow(float64(n)-expected, 2) / expected
	}
	return x
}

// Spellings as https://www.crockford.com/base32.html reads them.
func TestNormalize(t *testing.T) {
	const want = "0123-4567-89AB-CD1Z"
	for _, spelling := range []string{
		"0123-4567-89AB-CD1Z", "0123456789ABCD1Z", "0123 4567 89ab cd1z", "o123-4567-89ab-cdiz", "O123-4567-89AB-CDLZ",
		"oi23-4567-89ab-cdlz", " 0-1 2-3 4-5-6-7-8-9-a-b-c-d-1-z ", "--0123456789ABCD1Z--", "0l23456789abcdIz",
	} {
		got, err := recovery.Normalize(spelling)
		require.NoError(t, err, spelling)
		require.Equal(t, want, got, spelling)
	}
	for _, bad := range []string{
		"", "-", "0123-4567-89AB-CD1", "0123-4567-89AB-CD1ZZ", "U123-4567-89AB-CD1Z", "u123-4567-89AB-CD1Z", "0123-4567-89AB-CD1!",
		"0123\u00a04567-89AB-CD1Z", "0123\t4567-89AB-CD1Z", "0123-4567-89AB-CD1Z\n", "０123-4567-89AB-CD1Z", "0123–4567–89AB–CD1Z", "0123-4567-89AB-CD1\x00",
		"\xff123-4567-89AB-CD1Z", "@123-4567-89AB-CD1Z", "[123-4567-89AB-CD1Z", "`123-4567-89AB-CD1Z", "0123-4567-89AB-CD1Z" + strings.Repeat(" ", 46),
		strings.Repeat("0", 10_000_000),
	} {
		got, err := recovery.Normalize(bad)
		require.ErrorIs(t, err, recovery.ErrMalformed, "%.40q", bad)
		require.Empty(t, got)
	}
}

func FuzzNormalize(f *testing.F) {
	for _, seed := range []string{"0123-4567-89AB-CD1Z", "oilO ILOI 0000 1111", "U000-0000-0000-0000", "-", "0123–4567–89AB–CD1Z", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out, err := recovery.Normalize(in)
		if err != nil {
			require.ErrorIs(t, err, recovery.ErrMalformed)
			require.Empty(t, out)
			return
		}
		require.Len(t, out, 19)
		again, err := recovery.Normalize(out)
		require.NoError(t, err)
		require.Equal(t, out, again, "the one spelling stays")
		// Injective on what New makes: whatever was read as this code differs
		// from it only as the rules say.
		plain := strings.NewReplacer(" ", "", "-", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(in))
		require.Equal(t, strings.ReplaceAll(out, "-", ""), plain)
		require.Empty(t, strings.Trim(plain, alphabet))
	})
}

// The bound of what is looked at is 64 bytes, spaces included.
func TestNormalizeLooksAt64Bytes(t *testing.T) {
	const code = "0123-4567-89AB-CDEF"
	got, err := recovery.Normalize(code + strings.Repeat(" ", 64-len(code)))
	require.NoError(t, err)
	require.Equal(t, code, got)
	_, err = recovery.Normalize(code + strings.Repeat(" ", 65-len(code)))
	require.ErrorIs(t, err, recovery.ErrMalformed)
}
