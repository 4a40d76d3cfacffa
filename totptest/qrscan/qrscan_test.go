package qrscan_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math/rand/v2"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/totpflow/totpflow/totptest/qrscan"
)

const uri = "otpauth://totp/B%C3%BCro:anna@example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=B%C3%BCro"

// symbol draws text as a QR code of the given pixels per module, with the quiet
// zone of four that the library's pictures have.
func symbol(t *testing.T, text string, scale int) image.Image {
	t.Helper()
	matrix, err := qrcode.NewQRCodeWriter().Encode(text, gozxing.BarcodeFormat_QR_CODE, 0, 0,
		map[gozxing.EncodeHintType]any{gozxing.EncodeHintType_CHARACTER_SET: "UTF-8"})
	if err != nil {
		t.Fatal(err)
	}
	img := image.NewGray(image.Rect(0, 0, matrix.GetWidth()*scale, matrix.GetHeight()*scale))
	for y := range img.Rect.Max.Y {
		for x := range img.Rect.Max.X {
			if !matrix.Get(x/scale, y/scale) {
				img.SetGray(x, y, color.Gray{Y: 255})
			}
		}
	}
	return img
}

// page draws a screenshot: a background, grey bars as lines of text, the code somewhere.
func page(ground color.Color, code image.Image, at image.Point) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, 1280, 900))
	draw.Draw(img, img.Rect, image.NewUniform(ground), image.Point{}, draw.Src)
	random := rand.New(rand.NewPCG(1, 2))
	for y := 20; y < 880; y += 22 {
		for x := 20; x < 1200; {
			word := image.Rect(x, y, x+4+random.IntN(60), y+10)
			draw.Draw(img, word, image.NewUniform(color.Gray{Y: 120}), image.Point{}, draw.Src)
			x = word.Max.X + 8
		}
	}
	draw.Draw(img, code.Bounds().Add(at), code, code.Bounds().Min, draw.Src)
	return img
}

func TestDecodeImage(t *testing.T) {
	pictures := map[string]image.Image{
		"two pixels per module":       symbol(t, uri, 2),
		"six pixels per module":       symbol(t, uri, 6),
		"twenty pixels per module":    symbol(t, uri, 20),
		"screenshot of a white page":  page(color.White, symbol(t, uri, 6), image.Pt(700, 300)),
		"screenshot of a dark page":   page(color.Gray{Y: 24}, symbol(t, uri, 6), image.Pt(80, 420)),
		"screenshot, large code":      page(color.Gray{Y: 24}, symbol(t, uri, 12), image.Pt(400, 30)),
		"picture that starts off 0,0": symbol(t, uri, 6).(*image.Gray).SubImage(image.Rect(10, 10, 1000, 1000)),
	}
	for name, picture := range pictures {
		t.Run(name, func(t *testing.T) {
			text, err := qrscan.DecodeImage(picture)
			if err != nil || text != uri {
				t.Errorf("got %q, %v; want %q", text, err, uri)
			}
		})
	}
}

func TestDecodeReadsAPNG(t *testing.T) {
	var file bytes.Buffer
	if err := png.Encode(&file, symbol(t, uri, 4)); err != nil {
		t.Fatal(err)
	}
	text, err := qrscan.Decode(file.Bytes())
	if err != nil || text != uri {
		t.Errorf("got %q, %v; want %q", text, err, uri)
	}
}

func TestDecodeRefuses(t *testing.T) {
	if text, err := qrscan.Decode([]byte("not a picture")); err == nil || text != "" {
		t.Errorf("not a PNG: got %q, %v", text, err)
	}
	for name, picture := range map[string]image.Image{
		"no code":           page(color.White, image.NewGray(image.Rect(0, 0, 1, 1)), image.Pt(0, 0)),
		"an empty picture":  image.NewGray(image.Rect(0, 0, 0, 0)),
		"a picture of 1 px": image.NewGray(image.Rect(0, 0, 1, 1)),
	} {
		if text, err := qrscan.DecodeImage(picture); !errors.Is(err, qrscan.ErrNotFound) || text != "" {
			t.Errorf("%s: got %q, %v; want ErrNotFound", name, text, err)
		}
	}
}

// Squares elsewhere on the page look like the corners of a code, but the code beside them
// is read.
func TestCornersElsewhere(t *testing.T) {
	code := symbol(t, uri, 6)
	for seed := range uint64(10) {
		random := rand.New(rand.NewPCG(seed, 0))
		img := page(color.White, code, image.Pt(60, 300)).(*image.RGBA)
		for range 6 {
			at := image.Pt(500+random.IntN(700), random.IntN(850))
			for i, side := range []int{42, 30, 18} { // 7, 5 and 3 modules
				square := image.Rect(0, 0, side, side).Add(at).Add(image.Pt((42-side)/2, (42-side)/2))
				draw.Draw(img, square, image.NewUniform(color.Gray{Y: uint8(255 * (i % 2))}), image.Point{}, draw.Src)
			}
		}
		if got, err := qrscan.DecodeImage(img); err != nil || got != uri {
			t.Errorf("seed %d: %q %v", seed, got, err)
		}
	}
}
