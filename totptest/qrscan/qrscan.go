// Package qrscan reads a QR code out of a picture, as a person's authenticator app would,
// for tests. Begin with [Decode]. It stores nothing. It defends against QR codes that no
// phone can read. Taking the picture is left to you.
//
// The picture is a file that a program made, or the screenshot of a whole page. The
// package is a separate module, so that its barcode reader never becomes a requirement of
// a product.
//
// [Decode] takes the bytes of a PNG, [DecodeImage] a picture. Both are safe for
// concurrent use.
package qrscan

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"iter"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// ErrNotFound means that no QR code could be read in the picture. The errors of
// the single attempts are joined to it.
var ErrNotFound = errors.New("qrscan: no QR code found")

// Decode reads the one QR code in a PNG file and returns its text.
func Decode(file []byte) (string, error) {
	img, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		return "", fmt.Errorf("qrscan: %w", err)
	}
	return DecodeImage(img)
}

// DecodeImage reads the one QR code in a picture and returns its text, or
// [ErrNotFound]. Transparent pixels count as white. A code in light on dark is
// not read: some phones do not read it either, so a test should fail on it.
func DecodeImage(img image.Image) (string, error) {
	page := flatten(img)
	errs := []error{ErrNotFound}
	for part := range parts(page.Rect) {
		text, err := decode(page, part)
		if err == nil {
			return text, nil
		}
		if part == page.Rect {
			errs = append(errs, err)
		}
	}
	return "", errors.Join(errs...)
}

// parts returns the whole picture, and then parts of it that overlap, as a person would
// point the camera: something else on the page may look like the corner of a code.
func parts(page image.Rectangle) iter.Seq[image.Rectangle] {
	return func(yield func(image.Rectangle) bool) {
		if !yield(page) {
			return
		}
		for _, side := range []int{500} {
			for y := page.Min.Y; y < page.Max.Y; y += side / 3 {
				for x := page.Min.X; x < page.Max.X; x += side / 3 {
					if !yield(image.Rect(x, y, x+side, y+side).Intersect(page)) {
						return
					}
				}
			}
		}
	}
}

// decode reads a part of the page.
func decode(page *image.Gray, part image.Rectangle) (string, error) {
	var errs []error
	// Codes with modules of two or three pixels are found best in the picture itself;
	// large ones on a page full of text are found when it is made smaller.
	for _, factor := range []int{1, 2, 3} {
		source := gozxing.NewLuminanceSourceFromImage(shrink(page, part, factor))
		for _, binarizer := range []gozxing.Binarizer{
			gozxing.NewHybridBinarizer(source),
			gozxing.NewGlobalHistgramBinarizer(source),
		} {
			text, err := read(binarizer)
			if err == nil {
				return text, nil
			}
			errs = append(errs, err)
		}
	}
	return "", errors.Join(errs...)
}

func read(b gozxing.Binarizer) (string, error) {
	bitmap, err := gozxing.NewBinaryBitmap(b)
	if err != nil {
		return "", err
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{
		gozxing.DecodeHintType_TRY_HARDER:    true,
		gozxing.DecodeHintType_CHARACTER_SET: "UTF-8",
	})
	if err != nil {
		return "", err
	}
	return result.GetText(), nil
}

// flatten puts the picture on white, in grey.
func flatten(img image.Image) *image.Gray {
	page := image.NewRGBA(image.Rect(0, 0, img.Bounds().Dx(), img.Bounds().Dy()))
	draw.Draw(page, page.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(page, page.Rect, img, img.Bounds().Min, draw.Over)
	grey := image.NewGray(page.Rect)
	draw.Draw(grey, grey.Rect, page, image.Point{}, draw.Src)
	return grey
}

// shrink averages squares of factor × factor pixels of a part into one.
func shrink(img *image.Gray, part image.Rectangle, factor int) *image.Gray {
	small := image.NewGray(image.Rect(0, 0, max(part.Dx()/factor, 1), max(part.Dy()/factor, 1)))
	for y := range small.Rect.Max.Y {
		for x := range small.Rect.Max.X {
			sum := 0
			for dy := range factor {
				for dx := range factor {
					sum += int(img.GrayAt(part.Min.X+x*factor+dx, part.Min.Y+y*factor+dy).Y)
				}
			}
			small.SetGray(x, y, color.Gray{Y: uint8(sum / (factor * factor))})
		}
	}
	return small
}
