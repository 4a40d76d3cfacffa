package qr_test

import (
	"bytes"
	"cmp"
	"crypto/sha512"
	"encoding/base32"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/totp"
)

// offer is one offer that people may be shown.
type offer struct {
	name  string
	key   totp.Params
	label totp.Label
}

var offers = []offer{
	{"common", totp.Params{}, totp.Label{Issuer: "Acme Backup", Account: "alice@example.com"}},
	{"no issuer", totp.Params{}, totp.Label{Account: "alice"}},
	{"ampersand in the issuer", totp.Params{}, totp.Label{Issuer: "Müller & Söhne?secret=A#", Account: "a+b@example.com"}},
	{"unicode", totp.Params{}, totp.Label{Issuer: "バックアップ 例 🔑", Account: "zoë@exämple.org"}},
	{"all parameters", totp.Params{Algorithm: totp.SHA512, Digits: 8, Period: 60e9}, totp.Label{Issuer: "Acme Backup", Account: "alice@example.com"}},
	{"long", totp.Params{}, totp.Label{Issuer: strings.Repeat("Acme Backup ", 5) + "Ltd", Account: strings.Repeat("alice.", 30) + "@example.com"}},
	{"long in unicode", totp.Params{}, totp.Label{Issuer: strings.Repeat("例", 20), Account: strings.Repeat("ü", 40) + "@exämple.org"}},
}

// keyOf returns the same key in every run: for some keys ZXing does not read the longest
// codes from a screen, which says nothing about the code.
func keyOf(t *testing.T, name string, p totp.Params) totp.Key {
	size := map[totp.Algorithm]int{totp.SHA256: 32, totp.SHA512: 64}[p.Algorithm]
	sum := sha512.Sum512([]byte(name))
	secret := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:cmp.Or(size, 20)])
	key, err := totp.ParseSecret(secret, p)
	require.NoError(t, err)
	return key
}

// each runs a test for every offer, and checks that the key that is read is the one that
// was offered, under the same names.
func each(t *testing.T, read func(t *testing.T, o enroll.Offer)) {
	require.NotEmpty(t, offers)
	for _, c := range offers {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			key := keyOf(t, c.name, c.key)
			o, err := enroll.NewOffer(key, c.label)
			require.NoError(t, err)
			parsed, label, err := totp.ParseURI(o.URI())
			require.NoError(t, err)
			require.True(t, parsed.Equal(key))
			require.Equal(t, c.label, label)
			read(t, o)
		})
	}
}

func TestPNGIsRead(t *testing.T) {
	each(t, func(t *testing.T, o enroll.Offer) {
		for _, scale := range []int{0, 6} {
			file, err := o.PNG(scale)
			require.NoError(t, err)
			requireReadPNG(t, o.URI(), file)
			img, err := png.Decode(bytes.NewReader(file))
			require.NoError(t, err)
			requireRead(t, o.URI(), onPage(img, color.Black))
		}
	})
}

func TestSVGIsRead(t *testing.T) {
	each(t, func(t *testing.T, o enroll.Offer) {
		path := filepath.Join(t.TempDir(), "code.svg")
		require.NoError(t, os.WriteFile(path, []byte(o.SVG()), 0o600))
		for _, args := range [][]string{
			{path},
			{"--background-color", "black", path}, // shows if the white background were not part of the picture
			{"--zoom", "1.37", path},              // module edges between pixels
		} {
			file := run(t, "librsvg2-bin", "rsvg-convert", args...)
			img, err := png.Decode(bytes.NewReader(file))
			require.NoError(t, err)
			requireRead(t, o.URI(), onPage(img, color.Black))
		}
	})
}
