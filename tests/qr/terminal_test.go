package qr_test

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
)

// theme is a terminal's own colours.
type theme struct{ text, ground color.Color }

var (
	darkTheme  = theme{color.Gray{Y: 229}, color.Gray{Y: 20}}
	lightTheme = theme{color.Gray{Y: 30}, color.White}
)

func TestTerminalIsRead(t *testing.T) {
	each(t, func(t *testing.T, o enroll.Offer) {
		coloured := screen(t, o.Terminal(true))
		requireRead(t, o.URI(), render(t, coloured, darkTheme))
		requireRead(t, o.URI(), render(t, coloured, lightTheme))
		// Without colours it is made for light text on dark ground.
		requireRead(t, o.URI(), render(t, screen(t, o.Terminal(false)), darkTheme))
	})
}

// screen prints text in a real terminal and returns what stands on it then, as
// lines with the colours that the terminal understood.
func screen(t *testing.T, text string) []string {
	t.Helper()
	const end = "end of picture"
	dir, err := os.MkdirTemp("", "qr") // short: a socket's path has at most 107 bytes
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	file := filepath.Join(dir, "text")
	require.NoError(t, os.WriteFile(file, []byte(text+end+"\n"), 0o600))
	tmux := func(args ...string) string {
		t.Helper()
		return string(run(t, "tmux", "tmux", append([]string{"-u", "-S", filepath.Join(dir, "socket"), "-f", "/dev/null"}, args...)...))
	}

	width, height := size(text)
	tmux("new-session", "-d", "-x", fmt.Sprint(width+10), "-y", fmt.Sprint(height+4), "cat '"+file+"'; exec sleep 300")
	t.Cleanup(func() { tmux("kill-server") })
	var shown string
	for deadline := time.Now().Add(time.Minute); !strings.Contains(shown, end); {
		require.True(t, time.Now().Before(deadline), "the terminal shows only:\n%s", shown)
		shown = tmux("capture-pane", "-p", "-e", "-N")
	}
	lines := strings.Split(shown, "\n")
	for i, line := range lines {
		if strings.Contains(line, end) {
			require.Equal(t, height, i, "no line was broken")
		}
	}
	return lines
}

var sequence = regexp.MustCompile("\x1b\\[([0-9;]*)m")

func size(text string) (width, height int) {
	for line := range strings.Lines(sequence.ReplaceAllString(text, "")) {
		width = max(width, len([]rune(line)))
		height++
	}
	return width, height
}

// render draws a screen: cells twice as high as wide, the half blocks filling
// their halves, every other character a little box.
func render(t *testing.T, lines []string, own theme) image.Image {
	t.Helper()
	const w, h = 5, 10
	columns := 0
	for _, line := range lines {
		columns = max(columns, len([]rune(sequence.ReplaceAllString(line, ""))))
	}
	img := image.NewRGBA(image.Rect(0, 0, (columns+8)*w, (len(lines)+4)*h))
	fill := func(r image.Rectangle, c color.Color) {
		draw.Draw(img, r, image.NewUniform(c), image.Point{}, draw.Src)
	}
	fill(img.Rect, own.ground)

	now := own // tmux carries colours on from line to line
	for row, line := range lines {
		column := 0
		for line != "" {
			if at := sequence.FindStringSubmatchIndex(line); at != nil && at[0] == 0 {
				now = now.apply(t, line[at[2]:at[3]], own)
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
	return img
}

// apply understands the colour sequences that tmux answers with.
func (c theme) apply(t *testing.T, codes string, own theme) theme {
	t.Helper()
	palette := map[string]color.Color{"16": color.Black, "231": color.White}
	switch foreground, background := strings.TrimPrefix(codes, "38;5;"), strings.TrimPrefix(codes, "48;5;"); {
	case codes == "" || codes == "0":
		return own
	case codes == "39":
		c.text = own.text
	case codes == "49":
		c.ground = own.ground
	case palette[foreground] != nil:
		c.text = palette[foreground]
	case palette[background] != nil:
		c.ground = palette[background]
	default:
		t.Fatalf("unexpected sequence %q", codes)
	}
	return c
}
