package keyring_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/keyring"
)

func TestMAC(t *testing.T) {
	for suite, s := range both(keyring.Generate()) {
		t.Run(suite, func(t *testing.T) {
			r := mustParse(t, s)
			tag := r.MAC("token", "ab", "c")
			require.Len(t, tag, keyring.TagSize)
			require.Equal(t, tag, r.MAC("token", "ab", "c"))
			require.Equal(t, refMAC(t, s, "token", "ab", "c"), tag)
			require.NoError(t, r.VerifyMAC("token", tag, "ab", "c"))
		})
	}
}

// Each of these lists of fields, under each purpose, has a tag of its own.
func TestMACIsInjective(t *testing.T) {
	lists := [][]string{
		nil, {""}, {"", ""}, {"a"}, {"a", ""}, {"", "a"}, {"ab", "c"}, {"a", "bc"}, {"abc"}, {"abc", ""},
		{"a", "b", "c"}, {"c", "b", "a"}, {"\x00"}, {"\x00\x00\x00\x00\x00\x00\x00\x00"},
		{"ab\x00\x00\x00\x00\x00\x00\x00\x01c"}, {"\x00\x00\x00\x00\x00\x00\x00\x01a"},
	}
	r := mustParse(t, keyring.Generate())
	seen := map[string]bool{}
	purposes := []string{"", "token", "tok", "seal/aes-256-gcm/token"}
	for _, purpose := range purposes {
		for _, list := range lists {
			tag := r.MAC(purpose, list...)
			require.False(t, seen[string(tag)], "%q %q", purpose, list)
			seen[string(tag)] = true
			for _, p := range purposes {
				for _, l := range lists {
					if p != purpose || !slices.Equal(l, list) {
						require.ErrorIs(t, r.VerifyMAC(p, tag, l...), keyring.ErrBroken)
					}
				}
			}
		}
	}
	require.Len(t, seen, len(purposes)*len(lists))
}

func TestVerifyMACRefusesEveryChange(t *testing.T) {
	r := mustParse(t, keyring.Generate())
	tag := r.MAC("token", "ann")
	check := func(b []byte) {
		t.Helper()
		require.NotEqual(t, tag, b)
		require.ErrorIs(t, r.VerifyMAC("token", b, "ann"), keyring.ErrOpen)
	}
	for bit := range 8 * len(tag) {
		b := slices.Clone(tag)
		b[bit/8] ^= 1 << (bit % 8)
		check(b)
	}
	for n := range tag {
		check(tag[:n])
		check(tag[n+1:])
	}
	for _, more := range [][]byte{{0}, {0xff}, tag} {
		check(slices.Concat(tag, more))
		check(slices.Concat(more, tag))
	}
	check(nil)
}

// The classes of ModifiedTag in Wycheproof's hmac_sha256_test.json, on the 32
// bytes of HMAC behind the key id.
func TestVerifyMACModifiedTags(t *testing.T) {
	r := mustParse(t, keyring.Generate())
	tag := r.MAC("token", "ann")
	each := func(change func(i int, b byte) byte) []byte {
		out := slices.Clone(tag)
		for i := 4; i < len(out); i++ {
			out[i] = change(i-4, out[i])
		}
		return out
	}
	reversed := slices.Clone(tag)
	slices.Reverse(reversed[4:])
	cases := map[string][]byte{
		"all bits flipped":          each(func(_ int, b byte) byte { return ^b }),
		"all zero":                  each(func(int, byte) byte { return 0 }),
		"all ones":                  each(func(int, byte) byte { return 0xff }),
		"highest bits flipped":      each(func(_ int, b byte) byte { return b ^ 0x80 }),
		"lowest bits flipped":       each(func(_ int, b byte) byte { return b ^ 0x01 }),
		"first half zero":           each(func(i int, b byte) byte { return b * byte(i/16) }),
		"last half zero":            each(func(i int, b byte) byte { return b * byte(1-i/16) }),
		"first byte zero":           each(func(i int, b byte) byte { return b * byte(min(i, 1)) }),
		"reversed":                  reversed,
		"truncated to 16 bytes":     tag[:20],
		"truncated to 31 bytes":     tag[:35],
		"without the key id":        tag[4:],
		"key id only":               tag[:4],
		"tag of other fields":       r.MAC("token", "bob"),
		"tag of another purpose":    r.MAC("challenge", "ann"),
		"envelope of the fields":    r.Seal("token", []byte("ann")),
		"key id, then HMAC twice":   slices.Concat(tag, tag[4:]),
		"empty but of right length": make([]byte, keyring.TagSize),
	}
	for name, b := range cases {
		t.Run(name, func(t *testing.T) {
			if bytes.Equal(b, tag) { // a zero byte where the case sets one to zero
				return
			}
			require.ErrorIs(t, r.VerifyMAC("token", b, "ann"), keyring.ErrOpen)
		})
	}
}

// Tags under the id of another key of the ring, of which the attacker knows, are refused.
func TestMACKeyIDExchanged(t *testing.T) {
	old := keyring.Generate()
	s, err := keyring.Rotate(old)
	require.NoError(t, err)
	r := mustParse(t, s)
	was, is := mustParse(t, old).MAC("token", "ann"), r.MAC("token", "ann")
	require.NoError(t, r.VerifyMAC("token", was, "ann"))
	require.NoError(t, r.VerifyMAC("token", is, "ann"))
	require.ErrorIs(t, r.VerifyMAC("token", slices.Concat(was[:4], is[4:]), "ann"), keyring.ErrBroken)
	require.ErrorIs(t, r.VerifyMAC("token", slices.Concat(is[:4], was[4:]), "ann"), keyring.ErrBroken)
	foreign := mustParse(t, keyring.Generate()).MAC("token", "ann")
	require.ErrorIs(t, r.VerifyMAC("token", foreign, "ann"), keyring.ErrUnknownKey)
}
