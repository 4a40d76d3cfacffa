package qr_test

import (
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/tests/tools/terminal"
)

func TestTerminalIsRead(t *testing.T) {
	each(t, func(t *testing.T, o enroll.Offer) {
		coloured := screen(t, o.Terminal(true))
		requireRead(t, o.URI(), picture(t, coloured, terminal.Dark))
		requireRead(t, o.URI(), picture(t, coloured, terminal.Light))
		// Without colours it is made for light text on a dark background.
		requireRead(t, o.URI(), picture(t, screen(t, o.Terminal(false)), terminal.Dark))
	})
}

// screen prints text in a real terminal and returns the text on it afterwards.
func screen(t *testing.T, text string) terminal.Screen {
	t.Helper()
	const end = "ended with 0" // the terminal shows this below it
	file := filepath.Join(t.TempDir(), "text")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	width, height := size(text)
	w, err := terminal.Start(width+10, height+4, nil, "cat", file)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	shown, err := w.Sees(end)
	require.NoError(t, err)
	for i, line := range shown {
		if strings.Contains(line, end) {
			require.Equal(t, height, i, "no line was broken")
		}
	}
	return shown
}

func size(text string) (width, height int) {
	for line := range strings.Lines(terminal.Plain(text)) {
		width = max(width, len([]rune(line)))
		height++
	}
	return width, height
}

func picture(t *testing.T, shown terminal.Screen, theme terminal.Theme) image.Image {
	t.Helper()
	img, err := shown.Picture(theme)
	require.NoError(t, err)
	return img
}
