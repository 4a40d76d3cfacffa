package keyring_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/keyring"
)

var update = flag.Bool("update", false, "write the test data again; what is released must not change")

// golden is testdata/golden.json: stored formats, byte by byte.
type golden struct {
	Rings map[string]string // by suite; two keys each
	Seals []goldenSeal
	MACs  []goldenMAC
}

type goldenSeal struct {
	Suite, Purpose, Nonce, Plaintext string // Nonce and Plaintext in hex
	AD                               []string
	Envelope                         string // hex
}

type goldenMAC struct {
	Suite, Purpose string
	Fields         []string
	Tag            string // hex
}

const goldenFile = "testdata/golden.json"

// Two keys, bytes 00 01 02 … and ff fe fd …
var goldenRings = map[string]string{
	"xchacha20-poly1305": "totpflow-keys-1:xchacha20-poly1305:1:5d2c8f07.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8,9b01aa3e.__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA",
	"aes-256-gcm":        "totpflow-keys-1:aes-256-gcm:4294967295:5d2c8f07.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8,9b01aa3e.__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA",
}

func writeGolden(t *testing.T) {
	g := golden{Rings: goldenRings}
	for suite, nonce := range map[string]int{"aes-256-gcm": 12, "xchacha20-poly1305": 24} {
		for _, s := range []goldenSeal{
			{Purpose: "account record", Plaintext: hex.EncodeToString([]byte("a secret of 2FA")), AD: []string{"acme", "ann"}},
			{Purpose: "account record", Plaintext: "", AD: nil},
			{Purpose: "", Plaintext: "00", AD: []string{"", "µ\x00"}},
		} {
			s.Suite, s.Nonce = suite, hex.EncodeToString(bytes.Repeat([]byte{0xa7}, nonce))
			s.Envelope = hex.EncodeToString(refSeal(t, goldenRings[suite], s.Purpose, unhex(t, s.Nonce), unhex(t, s.Plaintext), s.AD...))
			g.Seals = append(g.Seals, s)
		}
		for _, m := range []goldenMAC{
			{Purpose: "trust token", Fields: []string{"acme", "ann", "console"}},
			{Purpose: "", Fields: nil},
			{Purpose: "trust token", Fields: []string{""}},
		} {
			m.Suite = suite
			m.Tag = hex.EncodeToString(refMAC(t, goldenRings[suite], m.Purpose, m.Fields...))
			g.MACs = append(g.MACs, m)
		}
	}
	b, err := json.MarshalIndent(g, "", "\t")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(goldenFile, append(b, '\n'), 0o644))
}

func readGolden(t testing.TB) golden {
	t.Helper()
	b, err := os.ReadFile(goldenFile)
	require.NoError(t, err)
	var g golden
	require.NoError(t, json.Unmarshal(b, &g))
	return g
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

func TestGolden(t *testing.T) {
	if *update {
		writeGolden(t)
	}
	g := readGolden(t)
	require.Equal(t, goldenRings, g.Rings)
	require.Len(t, g.Seals, 6)
	require.Len(t, g.MACs, 6)

	for _, s := range g.Seals {
		// Both suites open with the ring of either.
		for _, ring := range g.Rings {
			r := mustParse(t, ring)
			plaintext, err := r.Open(s.Purpose, unhex(t, s.Envelope), s.AD...)
			require.NoError(t, err, "%+v", s)
			require.Equal(t, s.Plaintext, hex.EncodeToString(plaintext))
		}
		require.Equal(t, s.Envelope, hex.EncodeToString(
			refSeal(t, g.Rings[s.Suite], s.Purpose, unhex(t, s.Nonce), unhex(t, s.Plaintext), s.AD...)))
	}
	for _, m := range g.MACs {
		r := mustParse(t, g.Rings[m.Suite])
		require.Equal(t, m.Tag, hex.EncodeToString(r.MAC(m.Purpose, m.Fields...)), "%+v", m)
		require.NoError(t, r.VerifyMAC(m.Purpose, unhex(t, m.Tag), m.Fields...))
	}
	for suite, ring := range g.Rings {
		require.Equal(t, []string{"5d2c8f07", "9b01aa3e"}, mustParse(t, ring).IDs(), suite)
	}
}

// Seal writes what the drawing shows: the reference, given the nonce from the place in
// the drawing, writes the same bytes.
func TestSealIsAsDrawn(t *testing.T) {
	nonces := map[string]int{"xchacha20-poly1305": 24, "aes-256-gcm": 12}
	for suite, ring := range goldenRings {
		r := mustParse(t, ring)
		sealed := r.Seal("p", []byte("content"), "acme", "ann")
		require.Len(t, sealed, 6+nonces[suite]+len("content")+16)
		nonce := sealed[6 : 6+nonces[suite]]
		require.Equal(t, refSeal(t, ring, "p", nonce, []byte("content"), "acme", "ann"), sealed)
	}
}

func mustParse(t testing.TB, s string) *keyring.Ring {
	t.Helper()
	r, err := keyring.Parse(s)
	require.NoError(t, err)
	return r
}
