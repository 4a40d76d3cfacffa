package enroll_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"rsc.io/qr"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/totp"
)

// labels are short, long, not ASCII, or would break a careless URI.
var labels = map[string]totp.Label{
	"plain":     {Issuer: "Acme Backup", Account: "alice@example.com"},
	"no issuer": {Account: "alice"},
	"ampersand": {Issuer: "E&secret=A", Account: "a&b=c?d#e%20f"},
	"unicode":   {Issuer: "Sicherung Köln 例", Account: "zoë+🔑@exämple.org"},
	"markup":    {Issuer: `"/><script>alert(1)</script>`, Account: "]]>"},
	"longest":   {Issuer: strings.Repeat("ß", 64), Account: strings.Repeat("界", 85)},
}

func mustOffer(t testing.TB, k totp.Key, l totp.Label) enroll.Offer {
	o, err := enroll.NewOffer(k, l)
	require.NoError(t, err)
	return o
}

func TestOfferURIAndSecret(t *testing.T) {
	long, err := totp.NewKey(totp.Params{Algorithm: totp.SHA512, Digits: 8})
	require.NoError(t, err)
	for name, l := range labels {
		for _, k := range []totp.Key{keyA, key8, long} {
			o := mustOffer(t, k, l)
			key, label, err := totp.ParseURI(o.URI())
			require.NoError(t, err, name)
			require.True(t, key.Equal(k))
			require.Equal(t, l, label)

			typed, err := totp.ParseSecret(o.Secret(), k.Params())
			require.NoError(t, err)
			require.True(t, typed.Equal(k))
			require.Regexp(t, `^([A-Z2-7]{4} )+[A-Z2-7]{1,4}$`, o.Secret())
		}
	}
	require.Equal(t, "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ", mustOffer(t, keyA, labels["plain"]).Secret())
}

func TestNewOfferRefuses(t *testing.T) {
	_, err := enroll.NewOffer(totp.Key{}, labels["plain"])
	require.ErrorIs(t, err, totp.ErrNoKey)
	for _, l := range []totp.Label{{}, {Issuer: "Acme"}, {Account: "a:b"}, {Account: "a\nb"}, {Account: strings.Repeat("a", 5000)}} {
		o, err := enroll.NewOffer(keyA, l)
		require.ErrorIs(t, err, totp.ErrLabel)
		require.Empty(t, o.URI())
	}
}

func TestTheZeroOfferShowsNothing(t *testing.T) {
	var o enroll.Offer
	require.Empty(t, o.URI()+o.Secret()+o.SVG()+o.Terminal(true)+o.Terminal(false))
	_, err := o.PNG(0)
	require.ErrorIs(t, err, totp.ErrNoKey)
}

// grid is a QR code as modules, true for dark, with a quiet zone around it.
type grid [][]bool

// symbolOf makes the grid straight from the encoder, to compare with the drawing.
func symbolOf(t *testing.T, text string, level qr.Level, quiet int) grid {
	c, err := qr.Encode(text, level)
	require.NoError(t, err)
	g := make(grid, c.Size+2*quiet)
	for y := range g {
		g[y] = make([]bool, len(g))
		for x := range g[y] {
			g[y][x] = c.Black(x-quiet, y-quiet)
		}
	}
	return g
}

func TestPNG(t *testing.T) {
	for name, l := range labels {
		o := mustOffer(t, keyA, l)
		want := symbolOf(t, o.URI(), qr.M, 4)
		for _, scale := range []int{0, 6, 11} {
			file, err := o.PNG(scale)
			require.NoError(t, err)
			if scale == 0 {
				scale = 8
			}
			decoded, err := png.Decode(bytes.NewReader(file))
			require.NoError(t, err)
			img, paletted := decoded.(*image.Paletted)
			require.True(t, paletted)
			require.Equal(t, color.Palette{color.RGBA{255, 255, 255, 255}, color.RGBA{0, 0, 0, 255}}, img.Palette)
			require.Equal(t, byte(1), file[24], "one bit per pixel")
			require.Equal(t, image.Rect(0, 0, len(want)*scale, len(want)*scale), img.Bounds())
			for y := range img.Rect.Max.Y {
				for x := range img.Rect.Max.X {
					if dark := img.ColorIndexAt(x, y) == 1; dark != want[y/scale][x/scale] {
						t.Fatalf("%s: pixel %d,%d is dark: %v", name, x, y, dark)
					}
				}
			}
		}
	}
	small, err := mustOffer(t, keyA, labels["plain"]).PNG(0)
	require.NoError(t, err)
	require.Less(t, len(small), 2048)
	_, err = mustOffer(t, keyA, labels["plain"]).PNG(32)
	require.NoError(t, err)
}

func TestPNGRefusesScales(t *testing.T) {
	o := mustOffer(t, keyA, labels["plain"])
	for _, scale := range []int{-1, 1, 5, 33, math.MaxInt} {
		_, err := o.PNG(scale)
		require.ErrorIs(t, err, enroll.ErrScale, "%d", scale)
	}
}

var run = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`)

func TestSVG(t *testing.T) {
	for name, l := range labels {
		o := mustOffer(t, keyA, l)
		svg := o.SVG()
		want := symbolOf(t, o.URI(), qr.M, 4)
		requireXML(t, svg)
		require.Contains(t, svg, fmt.Sprintf(`viewBox="0 0 %[1]d %[1]d" width="%[2]d" height="%[2]d" shape-rendering="crispEdges"`, len(want), 8*len(want)))
		require.Contains(t, svg, fmt.Sprintf(`><rect width="%[1]d" height="%[1]d" fill="#fff"/><path fill="#000" d="M`, len(want)), "its own white background, first")
		require.NotContains(t, svg, "script")
		require.NotContains(t, svg, "otpauth")

		got := symbolOf(t, o.URI(), qr.M, 4)
		for y := range got {
			clear(got[y])
		}
		for _, m := range run.FindAllStringSubmatch(svg, -1) {
			n := make([]int, 5)
			for i := 1; i < 5; i++ {
				n[i], _ = strconv.Atoi(m[i])
			}
			require.Equal(t, n[3], n[4])
			for x := n[1]; x < n[1]+n[3]; x++ {
				got[n[2]][x] = true
			}
		}
		require.Equal(t, want, got, name)
		require.Empty(t, run.ReplaceAllString(svg[strings.Index(svg, ` d="`)+4:strings.Index(svg, `"/></svg>`)], ""))
	}
}

func requireXML(t *testing.T, doc string) {
	d := xml.NewDecoder(strings.NewReader(doc))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestTerminal(t *testing.T) {
	for name, l := range labels {
		o := mustOffer(t, keyA, l)
		want := symbolOf(t, o.URI(), qr.L, 2)
		for _, colour := range []bool{true, false} {
			text := o.Terminal(colour)
			require.True(t, strings.HasSuffix(text, "\n"))
			lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
			require.Len(t, lines, (len(want)+1)/2, name)
			for i, line := range lines {
				if colour {
					var found bool
					line, found = strings.CutPrefix(line, "\x1b[38;5;16;48;5;231m")
					require.True(t, found, "black on white, in every line")
					line, found = strings.CutSuffix(line, "\x1b[0m")
					require.True(t, found, "and not beyond it")
				}
				cells := []rune(line)
				require.Len(t, cells, len(want))
				for x, cell := range cells {
					upper, lower := cell == '▀' || cell == '█', cell == '▄' || cell == '█'
					require.True(t, upper || lower || cell == ' ')
					dark := func(y int) bool { return y < len(want) && want[y][x] }
					// With colour the ink is black; without colour it is the light text.
					require.Equal(t, dark(2*i) == colour, upper)
					require.Equal(t, dark(2*i+1) == colour, lower)
				}
			}
		}
	}
}

// The code of an ordinary label fits an 80×24 terminal with a line to spare.
func TestTerminalFitsTheScreen(t *testing.T) {
	lines := strings.Split(mustOffer(t, keyA, totp.Label{Issuer: "Acme", Account: "alice@example.com"}).Terminal(false), "\n")
	require.LessOrEqual(t, len(lines), 23)
	require.LessOrEqual(t, len([]rune(lines[0])), 80)
}
