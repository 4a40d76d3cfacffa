package main

import (
	"fmt"
	"math"
	"os"
	"strings"
)

// A plot is two panels of lines over one axis, both axes logarithmic.
type plot struct {
	title, x string
	panels   []panel
}

type panel struct {
	title string
	lines []line
}

type line struct {
	name string
	x, y []float64
}

var colours = []string{"#1f5fa8", "#b3461d", "#2c7a3f", "#6b3fa0"}

const (
	panelWidth, panelHeight = 380, 240
	left, top, bottom       = 70, 40, 60
)

// write draws the plot as SVG, on a ground of its own.
func (p plot) write(path string) error {
	width, height := len(p.panels)*(panelWidth+left+20), panelHeight+top+bottom
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" role="img" aria-label="%s">`+"\n", width, height, p.title)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	for i, pl := range p.panels {
		pl.draw(&b, i*(panelWidth+left+20)+left, p.x)
	}
	b.WriteString("</svg>\n")
	return os.WriteFile(path, []byte(b.String()), 0o644) //nolint:gosec // a picture
}

func (p panel) draw(b *strings.Builder, x0 int, axis string) {
	lowX, highX, lowY, highY := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, l := range p.lines {
		for i := range l.x {
			lowX, highX = min(lowX, l.x[i]), max(highX, l.x[i])
			lowY, highY = min(lowY, l.y[i]), max(highY, l.y[i])
		}
	}
	lowY, highY = math.Pow(10, math.Floor(math.Log10(lowY))), math.Pow(10, math.Ceil(math.Log10(highY)))
	at := func(x, y float64) (float64, float64) {
		dx := math.Log(x/lowX) / max(math.Log(highX/lowX), 1e-9)
		dy := math.Log(y/lowY) / max(math.Log(highY/lowY), 1e-9)
		return float64(x0) + dx*panelWidth, float64(top) + (1-dy)*panelHeight
	}
	fmt.Fprintf(b, `<text x="%d" y="20" font-weight="bold">%s</text>`+"\n", x0, p.title)
	for y := lowY; y <= highY*1.01; y *= 10 {
		_, py := at(lowX, y)
		fmt.Fprintf(b, `<path d="M%d %.0fh%d" stroke="#ddd"/><text x="%d" y="%.0f" text-anchor="end">%s</text>`+"\n", x0, py, panelWidth, x0-6, py+4, short(y))
	}
	for n, l := range p.lines {
		colour := colours[n%len(colours)]
		var path strings.Builder
		for i := range l.x {
			px, py := at(l.x[i], l.y[i])
			verb := "L"
			if i == 0 {
				verb = "M"
			}
			fmt.Fprintf(&path, "%s%.1f %.1f", verb, px, py)
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", px, py, colour)
			if n == 0 {
				fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", px, top+panelHeight+16, short(l.x[i]))
			}
		}
		fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", path.String(), colour)
		fmt.Fprintf(b, `<text x="%d" y="%d" fill="%s">%s</text>`+"\n", x0+n*120, top+panelHeight+50, colour, l.name)
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", x0+panelWidth/2, top+panelHeight+33, axis)
}

// short formats a number for an axis.
func short(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%gM", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%gk", v/1e3)
	}
	return fmt.Sprintf("%g", v)
}
