package enroll

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"sync"

	"rsc.io/qr"
)

// Quiet zones in modules. ISO/IEC 18004 asks for four; in a terminal, where height is
// short, two are enough too (without any, a code on a dark background is not read).
const (
	quietPicture  = 4
	quietTerminal = 2
)

// symbol is a QR code with its quiet zone: a square of size modules.
type symbol struct {
	code  *qr.Code
	quiet int
	size  int
}

// newSymbol encodes text. The error is that of a text too long for a QR code.
func newSymbol(text string, level qr.Level, quiet int) (symbol, error) {
	code, err := qr.Encode(text, level)
	if err != nil {
		return symbol{}, fmt.Errorf("enroll: %w", err)
	}
	return symbol{code: code, quiet: quiet, size: code.Size + 2*quiet}, nil
}

// dark reports whether a module is black. Everything outside the code itself is
// light: the quiet zone, and the row that a terminal needs to make the count even.
func (s symbol) dark(x, y int) bool { return s.code.Black(x-s.quiet, y-s.quiet) }

// png draws the symbol black on its own white, scale pixels per module. The picture has a
// white background of its own, since a reader would otherwise fail on a page in dark
// colours. Two palette entries make it a 1-bit file of 0.5 to 2 kB.
func (s symbol) png(scale int) ([]byte, error) {
	p := picture{rows: make([][]byte, 0, s.size*scale)}
	for y := range s.size {
		row := make([]byte, 0, s.size*scale)
		for x := range s.size {
			ink := byte(0)
			if s.dark(x, y) {
				ink = 1
			}
			for range scale {
				row = append(row, ink)
			}
		}
		for range scale {
			p.rows = append(p.rows, row)
		}
	}
	var b bytes.Buffer
	encoder := png.Encoder{BufferPool: &buffers}
	if err := encoder.Encode(&b, p); err != nil {
		return nil, fmt.Errorf("enroll: %w", err)
	}
	return b.Bytes(), nil
}

// A picture is an [image.PalettedImage] that draws each row of modules once: the
// encoder asks for each pixel.
type picture struct{ rows [][]byte }

var blackOnWhite = color.Palette{color.White, color.Black}

func (p picture) ColorModel() color.Model     { return blackOnWhite }
func (p picture) Bounds() image.Rectangle     { return image.Rect(0, 0, len(p.rows), len(p.rows)) }
func (p picture) At(x, y int) color.Color     { return blackOnWhite[p.ColorIndexAt(x, y)] }
func (p picture) ColorIndexAt(x, y int) uint8 { return p.rows[y][x] }

// buffers are what the encoder needs to compress, close to a megabyte.
var buffers pool

type pool struct{ pool sync.Pool }

func (p *pool) Get() *png.EncoderBuffer {
	b, _ := p.pool.Get().(*png.EncoderBuffer)
	return b
}

func (p *pool) Put(b *png.EncoderBuffer) { p.pool.Put(b) }

// svg draws the symbol as one white square and one black path of horizontal
// runs. crispEdges: with smoothing, hairlines of page colour show between rows.
func (s symbol) svg(scale int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]d %[1]d" width="%[2]d" height="%[2]d" shape-rendering="crispEdges">`,
		s.size, s.size*scale)
	fmt.Fprintf(&b, `<rect width="%[1]d" height="%[1]d" fill="#fff"/><path fill="#000" d="`, s.size)
	for y := range s.size {
		for x := 0; x < s.size; x++ {
			run := 0
			for s.dark(x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x, y, run, run)
				x += run // the module after a run is light
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return b.String()
}

// The glyphs by what they ink: neither half of the cell, the lower, the upper, both.
var halfBlocks = [4]string{" ", "▄", "▀", "█"}

// terminal draws two rows of modules per line. With colour the ink is black and the
// background white, whatever the terminal's own colours are. Without, the terminal's
// foreground has to stand for white: right where it is light on dark.
func (s symbol) terminal(colour bool) string {
	const blackOnWhite, plain = "\x1b[38;5;16;48;5;231m", "\x1b[0m"
	ink := func(x, y int) int {
		if s.dark(x, y) == colour {
			return 1
		}
		return 0
	}
	var b strings.Builder
	for y := 0; y < s.size; y += 2 {
		if colour {
			b.WriteString(blackOnWhite)
		}
		for x := range s.size {
			b.WriteString(halfBlocks[2*ink(x, y)+ink(x, y+1)])
		}
		if colour {
			b.WriteString(plain) // per line, so that the white does not run to the margin
		}
		b.WriteByte('\n')
	}
	return b.String()
}
