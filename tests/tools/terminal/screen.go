package terminal

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"regexp"
	"strings"
)

// A Screen is what a window shows: its lines, with the colours that the terminal
// understood.
type Screen []string

var sequence = regexp.MustCompile("\x1b\\[([0-9;]*)m")

// Plain returns a text without its colours.
func Plain(text string) string { return sequence.ReplaceAllString(text, "") }

// Text returns the screen without its colours.
func (s Screen) Text() string { return Plain(strings.Join(s, "\n")) }

// A Theme is a terminal's own colours.
type Theme struct{ text, ground color.Color }

// The themes that people use.
var (
	Dark  = Theme{color.Gray{Y: 229}, color.Gray{Y: 20}}
	Light = Theme{color.Gray{Y: 30}, color.White}
)

// Picture draws the screen: cells are twice as high as wide, half blocks fill their
// halves, and every other character is a small box.
func (s Screen) Picture(own Theme) (image.Image, error) {
	const w, h = 5, 10
	columns := 0
	for _, line := range s {
		columns = max(columns, len([]rune(Plain(line))))
	}
	img := image.NewRGBA(image.Rect(0, 0, (columns+8)*w, (len(s)+4)*h))
	fill := func(r image.Rectangle, c color.Color) {
		draw.Draw(img, r, image.NewUniform(c), image.Point{}, draw.Src)
	}
	fill(img.Rect, own.ground)

	now := own // tmux carries colours on from line to line
	var err error
	for row, line := range s {
		column := 0
		for line != "" {
			if at := sequence.FindStringSubmatchIndex(line); at != nil && at[0] == 0 {
				if now, err = now.apply(line[at[2]:at[3]], own); err != nil {
					return nil, err
				}
				line = line[at[1]:]
				continue
			}
			glyph := []rune(line)[0]
			line = line[len(string(glyph)):]
			cell := image.Rect(0, 0, w, h).Add(image.Pt(column*w, row*h))
			upper, lower := cell, cell
			upper.Max.Y -= h / 2
			lower.Min.Y += h / 2
			fill(cell, now.ground)
			switch glyph {
			case ' ':
			case '█':
				fill(cell, now.text)
			case '▀':
				fill(upper, now.text)
			case '▄':
				fill(lower, now.text)
			default:
				fill(cell.Inset(1), now.text)
			}
			column++
		}
	}
	return img, nil
}

// apply interprets the colour sequences in tmux's answer.
func (c Theme) apply(codes string, own Theme) (Theme, error) {
	palette := map[string]color.Color{"16": color.Black, "231": color.White}
	switch foreground, background := strings.TrimPrefix(codes, "38;5;"), strings.TrimPrefix(codes, "48;5;"); {
	case codes == "" || codes == "0":
		return own, nil
	case codes == "39":
		c.text = own.text
	case codes == "49":
		c.ground = own.ground
	case palette[foreground] != nil:
		c.text = palette[foreground]
	case palette[background] != nil:
		c.ground = palette[background]
	default:
		return c, fmt.Errorf("unexpected sequence %q", codes)
	}
	return c, nil
}
