package phone_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/typed"
	"github.com/totpflow/totpflow/phone"
)

// I56: each of the million codes is equally likely. This test would not see a remainder
// of 32 bits; it would see a remainder of 24 bits, a missing leading zero or a short
// draw.
func TestCodesAreUniform(t *testing.T) {
	const codes = 200_000
	var byPlace [6][10]int
	var byThousand [1000]int
	for range codes {
		code := phone.NewCode().Digits()
		require.Len(t, code, 6)
		thousand := 0
		for place, c := range code {
			byPlace[place][c-'0']++
			if place < 3 {
				thousand = thousand*10 + int(c-'0')
			}
		}
		byThousand[thousand]++
	}
	// Chi-square with 9 and 999 degrees of freedom: a value above these limits occurs
	// less than once in 10^8 if all codes are equally likely.
	for place, counts := range byPlace {
		require.Less(t, chiSquare(counts[:], codes), 56.0, "digit %d", place+1)
	}
	require.Less(t, chiSquare(byThousand[:], codes), 1270.0)
	require.NotZero(t, slices.Min(byThousand[:]), "from 000 to 999")
	// Bytes modulo ten, as is often seen, favour 0 to 5 by 26 to 25.
	biased := byPlace[0]
	for d := range biased {
		biased[d] = codes * []int{26, 26, 26, 26, 26, 26, 25, 25, 25, 25}[d] / 256
	}
	require.Greater(t, chiSquare(biased[:], codes), 56.0, "the test would see it")
}

func chiSquare(counts []int, total int) (x float64) {
	expected := float64(total) / float64(len(counts))
	for _, n := range counts {
		x += math.Pow(float64(n)-expected, 2) / expected
	}
	return x
}

// I16: six digits, in any spelling that package typed accepts.
func TestCodeSpellings(t *testing.T) {
	for _, typed := range []string{"012345", "012 345", " 012-345 ", "0 1 2 3 4 5", "01-23-45", "--012345--",
		"012\u00a0345", "012\u2009345", "012\t345", "012345\n", "\uff10\uff11\uff12\uff13\uff14\uff15", "\u0660\u0661\u0662\u0663\u0664\u0665", "012345."} {
		got, err := phone.Normalize(typed)
		require.NoError(t, err, typed)
		require.Equal(t, "012345", got)
	}
	for _, typed := range []string{
		"", " ", "12345", "0123456", "+12345", "12e456", "0x1234", "01234\uff15",
		"012345\x00", "01234\xff", "012.345", "012_345", "012345" + strings.Repeat(" ", 123), strings.Repeat("0", 10_000_000),
	} {
		got, err := phone.Normalize(typed)
		require.ErrorIs(t, err, phone.ErrMalformed, "%.40q", typed)
		require.Empty(t, got)
	}
}

func FuzzCode(f *testing.F) {
	for _, seed := range []string{"012345", "012 345", "0-1-2-3-4-5", "٠١٢٣٤٥", "+12345", "\xff"} {
		f.Add(seed)
	}
	s, code := send(f, with(f, noon, mobile), noon, "c")
	adding, p, err := phone.State{}.Add(noon, mobile)
	require.NoError(f, err)
	adding, m, err := adding.SendPending(noon, keys, p.ID, phone.SMS, free...)
	require.NoError(f, err)
	f.Add(code)
	f.Add(m.Code.Digits())
	f.Fuzz(func(t *testing.T, input string) {
		digits, _ := phone.Normalize(input)
		_, _, err := adding.VerifyPending(noon, keys, p.ID, input)
		require.Equal(t, digits == m.Code.Digits(), err == nil)
		next, p, err := s.Verify(noon, keys, "c", input)
		digits, malformed := phone.Normalize(input)
		switch {
		case malformed != nil:
			require.ErrorIs(t, err, phone.ErrMalformed)
			require.Equal(t, s, next, "nothing was guessed")
		case digits == code:
			require.NoError(t, err)
			require.Equal(t, mobile, p.Number)
			return
		default:
			require.ErrorIs(t, err, phone.ErrRejected)
			text, err := typed.Append(nil, input)
			require.NoError(t, err)
			require.Equal(t, digits, string(text))
		}
		require.Zero(t, p)
	})
}
