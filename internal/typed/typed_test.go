package typed_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/typed"
)

func TestAppend(t *testing.T) {
	for _, v := range []struct {
		why, in, want string
		err           error
	}{
		{"plain", "050471", "050471", nil},
		{"nothing", "", "", nil},
		{"white space", " 0\u00a05\u20090\u202f4\u30007\u20281\t\r\n", "050471", nil},
		{"dashes", "0-5\u20130\u20114\u22127\uff0d1\u2014", "050471", nil},
		{"a soft hyphen, Japanese long marks", "0\u00ad5\u30fc0\uff70471", "050471", nil},
		{"quotation marks", "\"0'5`0\u20144\u201e7\u201c1\u00bb\u00b4", "050471", nil},
		{"marks of a list", "\u2022 050471", "050471", nil},
		{"primes", "\u20320\u2033504", "0504", nil},
		{"other marks of a list", "\u00b70\u20235\u20430\u25cf4\u25cb7\u25e61\u25aa", "050471", nil},
		{"what cannot be seen", "\ufeff0\u200b5\u200d0\u202a4\u20607\ufe0f1\u202c\u3164", "050471", nil},
		{"a full stop at the end", "050471.", "050471", nil},
		{"a comma at the end", "050471,\n", "050471", nil},
		{"one, not two", "050471..", "050471.", nil},
		{"a full stop elsewhere", ".050.471", ".050.471", nil},
		{"nothing but a full stop", ".", "", nil},
		{"full-width digits", "\uff10\uff15\uff10\uff14\uff17\uff11", "050471", nil},
		{"Arabic-Indic digits", "\u0660\u0665\u0660\u0664\u0667\u0661", "050471", nil},
		{"Devanagari digits", "\u0966\u096b\u0966 \u096a\u096d\u0967", "050471", nil},
		{"mathematical digits, beyond the basic plane", "\U0001d7ce\U0001d7d7", "09", nil},
		{"full-width hyphens and quotation marks", "\uff0d\uff02\uff07\uff4005\uff40", "05", nil},
		{"full-width letters and signs", "\uff21\uff42\uff0b\uff08\uff0e", "Ab+(", nil},
		{"the first and the last full-width sign", "\uff01\uff5e", "!~", nil},
		{"letters keep their case", "aBc", "aBc", nil},
		{"digits of two scripts", "05\u0660471", "05", typed.ErrScripts},
		{"a nine of ours before another script", "9\u0660", "9", typed.ErrScripts},
		{"digits of two scripts, both foreign", "\u0660\u0966", "0", typed.ErrScripts},
		{"full-width and plain digits", "0\uff15", "0", typed.ErrScripts},
		{"two sets of mathematical digits", "\U0001d7ce\U0001d7d8", "0", typed.ErrScripts},
		{"a letter of another script that looks like ours", "\u0410", "", typed.ErrCharacter},
		{"a long s, which folds to s", "ab\u017f", "ab", typed.ErrCharacter},
		{"a superscript", "05\u00b2", "05", typed.ErrCharacter},
		{"a circled digit", "\u2460", "", typed.ErrCharacter},
		{"a control character", "05\x000471", "05", typed.ErrCharacter},
		{"an escape sequence", "\x1b[200~050471", "", typed.ErrCharacter},
		{"a character that deletes", "05\x7f", "05", typed.ErrCharacter},
		{"not UTF-8", "05\xff", "05", typed.ErrCharacter},
		{"a sign of Arabic numbers, which is seen", "\u0600050471", "", typed.ErrCharacter},
		{"an emoji", "0\U0001f600", "0", typed.ErrCharacter},
	} {
		got, err := typed.Append([]byte("as it was "), v.in)
		require.Equal(t, v.err, err, v.why)
		require.Equal(t, "as it was "+v.want, string(got), v.why)
	}
}

// A full stop that was there before stays.
func TestAppendKeepsWhatWasThere(t *testing.T) {
	for _, was := range []string{"1.", "1,"} {
		got, err := typed.Append([]byte(was), " ")
		require.NoError(t, err)
		require.Equal(t, was, string(got))
	}
}

// The ten digits of a script are consecutive, and the ranges of the table begin with a
// zero: zeroOf assumes this of Unicode.
func TestDigitsOfEveryScript(t *testing.T) {
	scripts := 0
	check := func(lo, hi rune, stride uint32) {
		require.Equal(t, uint32(1), stride)
		require.Zero(t, (hi-lo+1)%10, "%U", lo)
		for zero := lo; zero <= hi; zero += 10 {
			scripts++
			var text strings.Builder
			for d := range rune(10) {
				text.WriteRune(zero + d)
			}
			got, err := typed.Append(nil, text.String())
			require.NoError(t, err)
			require.Equal(t, "0123456789", string(got), "%U", zero)
		}
	}
	for _, r := range unicode.Nd.R16 {
		check(rune(r.Lo), rune(r.Hi), uint32(r.Stride))
	}
	for _, r := range unicode.Nd.R32 {
		check(rune(r.Lo), rune(r.Hi), r.Stride)
	}
	require.Greater(t, scripts, 60)
}

// Every character of Unicode is left out, becomes one character of ASCII, or is refused;
// and no letter but the ASCII ones becomes one of them.
func TestEveryCharacter(t *testing.T) {
	left, read := 0, 0
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		got, err := typed.Append(nil, "x"+string(r)+"y")
		switch {
		case err != nil:
			if string(got) != "x" || err != typed.ErrCharacter {
				t.Fatalf("%U: %q, %v", r, got, err)
			}
		case string(got) == "xy":
			if unicode.IsLetter(r) && r != 'ー' && r != 'ｰ' && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) || unicode.IsDigit(r) {
				t.Fatalf("%U is left out", r)
			}
			left++
		default:
			read++
			if len(got) != 3 || got[1] <= ' ' || got[1] > '~' {
				t.Fatalf("%U: %q", r, got)
			}
			if r > unicode.MaxASCII && !unicode.IsDigit(r) && rune(got[1])+0xfee0 != r {
				t.Fatalf("%U is taken for %q", r, got[1])
			}
			if r <= unicode.MaxASCII && rune(got[1]) != r {
				t.Fatalf("%U is taken for %q", r, got[1])
			}
		}
	}
	t.Logf("%d characters are left out, %d are read", left, read)
	require.Greater(t, left, 300)
	require.Greater(t, read, 700)
}

func TestNoAllocations(t *testing.T) {
	var room [typed.Max]byte
	for _, in := range []string{"050 471", "\u0660\u0665\u0660\u0664\u0667\u0661\u200b", "05\uff10", "12345a", "\xff", strings.Repeat("1", 99)} {
		require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = typed.Digits(room[:0], in, 6) }), "%q", in)
	}
}

func FuzzAppend(f *testing.F) {
	for _, seed := range []string{"050 471", "\u202a+43 660 1234567\u202c", "１２３", "12٣", " 1.  0FXV-S4ND-CEDK-C22V", "\xff", ".,"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out, err := typed.Append(nil, in)
		require.LessOrEqual(t, len(out), len(in))
		for _, c := range out {
			require.True(t, ' ' < c && c <= '~' && !strings.ContainsRune("-'\"`", rune(c)), "%q", c)
		}
		if err != nil {
			require.Contains(t, []error{typed.ErrCharacter, typed.ErrScripts}, err)
			return
		}
		again, err := typed.Append(nil, string(out)+".") // which shows that the text itself has no full stop
		require.NoError(t, err)
		require.Equal(t, string(out), string(again), "what is plain stays")
	})
}
