package recovery_test

import (
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/typed"
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
	// Chi-square with 31 degrees of freedom: a value above 102.0 occurs less than once in
	// 10^8 if every symbol is equally likely.
	require.Less(t, chiSquare(bySymbol, codes*16), 102.0)
	for place, counts := range byPlace {
		require.Less(t, chiSquare(counts, codes), 102.0, "symbol %d of the code", place+1)
	}
	// A bias of one symbol in sixteen, as from a remainder of 26 letters, would be seen.
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

// Spellings as https://www.crockford.com/base32.html reads them, and as people
// type and paste them.
func TestNormalize(t *testing.T) {
	const want = "0123-4567-89AB-CD1Z"
	for _, spelling := range []string{
		"0123-4567-89AB-CD1Z", "0123456789ABCD1Z", "0123 4567 89ab cd1z", "o123-4567-89ab-cdiz", "O123-4567-89AB-CDLZ",
		"oi23-4567-89ab-cdlz", " 0-1 2-3 4-5-6-7-8-9-a-b-c-d-1-z ", "--0123456789ABCD1Z--", "0l23456789abcdIz",
		" 1.  0123-4567-89AB-CD1Z", "  10.  0123-4567-89AB-CD1Z\n", "12) 0123-4567-89AB-CD1Z", "3.) 0123-4567-89AB-CD1Z",
		"\u2022 0123-4567-89AB-CD1Z", "* 0123-4567-89AB-CD1Z", "- 0123-4567-89AB-CD1Z",
		"0123\u00a04567-89AB-CD1Z", "0123\t4567-89AB-CD1Z", "0123-4567-89AB-CD1Z\n", "0123-4567-89AB-CD1Z\r\n",
		"0123\u20134567\u201389AB\u2013CD1Z", "0123\u20114567\u221289AB\u00adCD1Z", "\u00ad0123456789AB\u00adCD1Z",
		"\"0123-4567-89AB-CD1Z\"", "\u201e0123-4567-89AB-CD1Z\u201c", "\u00ab0123 4567 89AB CD1Z\u00bb",
		"0123-4567-89AB-CD1Z.", "0123-4567-89AB-CD1Z,", "\ufeff0123-4567-89AB-CD1Z\u200b",
		"\uff10\uff11\uff12\uff13 \uff14\uff15\uff16\uff17 \uff18\uff19\uff21\uff22 \uff23\uff24\uff11\uff3a",
	} {
		got, err := recovery.Normalize(spelling)
		require.NoError(t, err, spelling)
		require.Equal(t, want, got, spelling)
	}
	for bad, why := range map[string]string{
		"": "0 letters and digits, not 16", "-": "0 letters", "0123-4567-89AB-CD1": "15 letters", "0123-4567-89AB-CD1ZZ": "17 letters",
		"0123-4567-89AB-CD1Z 1123-4567-89AB-CD1Z":   "two codes",
		"1. 0123-4567-89AB-CD1Z\n2. 1123-4567-89AB": "character 18 does not belong",
		"U123-4567-89AB-CD1Z":                       "character 1 does not belong", "0123-u567-89AB-CD1Z": "character 5 does not belong",
		"7. U123-4567-89AB-CD1Z": "character 1 does not belong", "0123-4567-89AB-CD1!": "character 16 does not belong",
		"A. 0123-4567-89AB-CD1Z":   "character 2 does not belong",
		"123. 0123-4567-89AB-CD1Z": "character 4 does not belong", "1... 0123-4567-89AB-CD1Z": "character 1 does not belong", ". 0123-4567-89AB-CD1Z": "character 1 does not belong",
		"\uff10123-4567-89AB-CD1Z": "digits of two scripts", "0123-4567-89AB-CD1\x00": "character 16 does not belong",
		"\xff123-4567-89AB-CD1Z": "character 1 does not belong", "@123-4567-89AB-CD1Z": "character 1 does not belong", "[123-4567-89AB-CD1Z": "character 1 does not belong",
		"0123-4567-89AB-CD\u0131Z": "character 15 does not belong", "0123-4567-89AB-CD1Z" + strings.Repeat(" ", 110): "too long",
		strings.Repeat("0", 10_000_000): "too long",
	} {
		got, err := recovery.Normalize(bad)
		require.ErrorIs(t, err, recovery.ErrMalformed, "%.40q", bad)
		require.ErrorContains(t, err, why, "%.40q", bad)
		require.NotContains(t, err.Error(), "123", "a refused code may be a real one with a slip of the pen")
		require.Empty(t, got)
	}
}

func FuzzNormalize(f *testing.F) {
	for _, seed := range []string{"0123-4567-89AB-CD1Z", " 1.  0FXV-S4ND-CEDK-C22V", "*0FXVS4NDCEDKC22V", "12.)0FXVS4NDCEDKC22V", "oilO ILOI 0000 1111", "U000-0000-0000-0000", "-", "0123–4567–89AB–CD1Z", "\xff"} {
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
		// Injective on the codes of New: a text that was read as this code differs from
		// it only as the rules say.
		text, err := typed.Append(nil, in)
		require.NoError(t, err)
		plain := regexp.MustCompile(`^(\*|[0-9]{1,2}[.)]{1,2})`).ReplaceAllString(string(text), "")
		plain = strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(plain))
		require.Equal(t, strings.ReplaceAll(out, "-", ""), plain)
		require.Empty(t, strings.Trim(plain, alphabet))
	})
}

// At most 128 bytes are read, spaces included.
func TestNormalizeLooksAt128Bytes(t *testing.T) {
	const code = "0123-4567-89AB-CDEF"
	got, err := recovery.Normalize(code + strings.Repeat(" ", 128-len(code)))
	require.NoError(t, err)
	require.Equal(t, code, got)
	_, err = recovery.Normalize(code + strings.Repeat(" ", 129-len(code)))
	require.ErrorIs(t, err, recovery.ErrMalformed)
}

// Each line of the sheet that we print, copied whole, is read as its code.
func TestLinesOfTheSheet(t *testing.T) {
	codes, _ := recovery.New(made)
	text := recovery.Sheet{Issuer: "Acme", Account: "ana", Codes: codes}.Text()
	read := 0
	for line := range strings.Lines(text) {
		if got, err := recovery.Normalize(line); err == nil {
			require.Equal(t, codes[read], got, line)
			read++
		}
	}
	require.Equal(t, len(codes), read)
}

// A code is 16 symbols of five bits. To try half of the codes, at 10^12 hashes a second,
// takes ten thousand years and more.
func TestYearsOfHashing(t *testing.T) {
	bits := len(strings.ReplaceAll(recovery.NewCode(), "-", "")) * int(math.Log2(float64(len(alphabet))))
	require.Equal(t, 80, bits)
	years := math.Exp2(float64(bits)) / 2 / 1e12 / (365 * 24 * 3600)
	require.Greater(t, years, 10_000.0)
	require.Less(t, years, 20_000.0)
}

func TestAbout400Bytes(t *testing.T) {
	codes, s := recovery.New(made)
	require.Len(t, codes, 10)
	require.InDelta(t, 400, len(s.Encode()), 50)
}
