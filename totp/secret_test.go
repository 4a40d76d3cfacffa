package totp_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/totp"
)

// Secrets as people type and paste them (K is the seed of RFC 6238).
func TestSpellingsOfASecret(t *testing.T) {
	want := parse(t, seed20, totp.Params{})
	grouped := "gezd gnbv gy3t qojq gezd gnbv gy3t qojq"
	for _, typed := range []string{
		seed20, grouped, strings.ToUpper(strings.ReplaceAll(grouped, " ", "-")), seed20 + "====", seed20 + " = =",
		seed20[:16] + "\n" + seed20[16:], seed20[:16] + "\r\n  " + seed20[16:] + "\r\n",
		"\ufeff" + seed20, "\u200e" + seed20 + "\u200b",
		"\uff27" + seed20[1:], "\uff47" + strings.ToLower(seed20[1:]),
		strings.ReplaceAll(grouped, " ", "\u00a0"), strings.ReplaceAll(grouped, " ", "\u2013"),
		"\u201e" + grouped + "\u201c", "`" + grouped + "`", grouped + ".",
	} {
		key, err := totp.ParseSecret(typed, totp.Params{})
		require.NoError(t, err, "%q", typed)
		require.True(t, want.Equal(key), "%q", typed)
		require.Equal(t, seed20, key.Secret(), "the one text that we write")
	}
	for typed, why := range map[string]string{
		seed20[:31] + "0":              "symbol 32 is 0, 1, 8 or 9",
		"1" + seed20[1:]:               "symbol 1 is 0, 1, 8 or 9",
		"gezd gn8v" + seed20[8:]:       "symbol 7 is 0, 1, 8 or 9",
		"gezd-9nbv" + seed20[8:]:       "symbol 5 is 0, 1, 8 or 9",
		"GEZDGNBV!" + seed20[9:]:       "symbol 9 is neither a letter of A to Z nor a digit of 2 to 7",
		"GEZDGN\u00fc" + seed20[7:]:    "symbol 7 is neither",
		seed20[:8] + "=" + seed20[8:]:  "symbol 9 is neither",
		"GEZDGNBV_" + seed20[9:]:       "symbol 9 is neither a letter of A to Z nor a digit of 2 to 7",
		seed20 + "\x00":                "symbol 33 is neither",
		seed20[:8] + "\uff13" + seed20: "digits of two scripts",
		seed20[:30]:                    "no secret has 30 symbols: one is missing, or there is one too many",
		seed20 + "A":                   "no secret has 33 symbols",
		seed20[:24]:                    "shorter than 128 bits",
		"":                             "shorter than 128 bits",
		strings.Repeat("A", 1025):      "longer than 1024 bytes",
		strings.Repeat("A", 32):        "all zeros",
	} {
		if why == "digits of two scripts" {
			typed = "GEZDGNBVGY3\uff13" // contains an ordinary 3 and a full-width one
		}
		key, err := totp.ParseSecret(typed, totp.Params{})
		require.ErrorIs(t, err, totp.ErrSecret, "%.40q", typed)
		require.ErrorContains(t, err, why, "%.40q", typed)
		require.True(t, key.IsZero())
		requireSilent(t, err, typed)
	}
}

// Symbols of every value are read, with and without a sign between them, up to the greatest
// length, and no byte outside of ASCII is one of them.
func TestEverySymbolOfASecret(t *testing.T) {
	const all = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	want := parse(t, all, totp.Params{})
	for _, typed := range []string{all, strings.ToLower(all), all[:16] + " " + all[16:], strings.ToLower(all) + "-"} {
		require.True(t, want.Equal(parse(t, typed, totp.Params{})), typed)
	}
	for _, longest := range []string{strings.Repeat(all, 32), strings.Repeat(all, 31) + all[:24] + "--------"} {
		require.Len(t, longest, 1024)
		parse(t, longest, totp.Params{})
	}
	for c := 0x80; c <= 0xff; c++ {
		_, err := totp.ParseSecret(all[:31]+string([]byte{byte(c)}), totp.Params{})
		require.ErrorIs(t, err, totp.ErrSecret, "%x", c)
	}
	uri, err := want.URI(totp.Label{Account: "alice"})
	require.NoError(t, err)
	key, _, err := totp.ParseURI(strings.Replace(uri, all, strings.ToLower(all), 1))
	require.NoError(t, err)
	require.True(t, want.Equal(key))
}

// Bits after the last byte: any app reads such a secret like this, and we never write
// one.
func TestLeftoverBits(t *testing.T) {
	const theirs, ours = "S46SQCPPTCNPROMHWYBDCTBZXV", "S46SQCPPTCNPROMHWYBDCTBZXU"
	key := parse(t, theirs, totp.Params{})
	require.Equal(t, ours, key.Secret())
	require.True(t, parse(t, ours, totp.Params{}).Equal(key))
	read, label, err := totp.ReadURI("otpauth://totp/alice?secret=" + theirs)
	require.NoError(t, err)
	require.True(t, key.Equal(read))
	uri, err := read.URI(label)
	require.NoError(t, err)
	require.Contains(t, uri, "secret="+ours)
	// Two readers of a URI must not differ, so the strict parser accepts only the form in
	// which we write it.
	_, _, err = totp.ParseURI("otpauth://totp/alice?secret=" + theirs)
	require.ErrorIs(t, err, totp.ErrSecret)
	for range 1000 {
		key, err := totp.NewKey(totp.Params{})
		require.NoError(t, err)
		require.Equal(t, encode(decode(t, key.Secret())), key.Secret())
	}
}
