package docs_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Everything that the page for administrators tells them to use is a button, a link or a
// word on the pages.
func TestHelpDesk(t *testing.T) {
	words := read(t, filepath.Join(root, "web", "words", "en.json")) + read(t, filepath.Join(root, "web", "adminweb", "words", "en.json"))
	found := 0
	for line := range strings.Lines(read(t, filepath.Join(root, "docs", "helpdesk.md"))) {
		cells := strings.SplitN(line, " | ", 2)
		if strings.HasPrefix(line, "| ") && len(cells) == 2 {
			line = cells[1] // the first column is what people say
		}
		for _, m := range regexp.MustCompile(`“([^”]+)”`).FindAllStringSubmatch(line, -1) {
			found++
			require.Contains(t, words, `"`+m[1]+`"`)
		}
	}
	require.Greater(t, found, 10)
}
