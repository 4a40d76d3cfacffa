package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	ofPage  = regexp.MustCompile("`([a-z-]+\\.html)`")
	ofTest  = regexp.MustCompile("`([a-z0-9/.]+)`(?: `(Test[A-Za-z0-9]+)`)?")
	ofAdmin = regexp.MustCompile("`admin\\.([A-Z][A-Za-z]+)`")
)

// Every row of the products names an existing page or call, and a test in the folder that
// it names.
func TestProducts(t *testing.T) {
	rows := 0
	for line := range strings.Lines(read(t, filepath.Join(root, "docs", "products.md"))) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| What ") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		require.Len(t, cells, 3, line)
		rows++
		require.NotEmpty(t, strings.TrimSpace(cells[1]), "no page: %s", line)
		for _, m := range ofPage.FindAllStringSubmatch(cells[1], -1) {
			require.FileExists(t, filepath.Join(root, "web", "templates", m[1]), line)
		}
		for _, m := range ofAdmin.FindAllStringSubmatch(cells[1], -1) {
			require.True(t, declares(t, "admin", "", `(?m)^func (\(a Admin\) )?`+m[1]+`\(`), "no call admin.%s", m[1])
		}
		tests := ofTest.FindAllStringSubmatch(cells[2], -1)
		require.NotEmpty(t, tests, "no test: %s", line)
		for _, m := range tests {
			name := m[2]
			if name == "" { // a whole folder of tests
				name = "Test[A-Za-z0-9]+"
			}
			require.True(t, declares(t, m[1], "_test", `(?m)^func `+name+`\(`), "%s has no %s", m[1], name)
		}
	}
	require.GreaterOrEqual(t, rows, 40)
}

// declares reports whether a Go file of the folder, whose name ends like this, has a line
// that matches the pattern.
func declares(t *testing.T, folder, end, pattern string) bool {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, folder, "*"+end+".go"))
	require.NoError(t, err)
	is := regexp.MustCompile(pattern)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		if is.Match(text) {
			return true
		}
	}
	return false
}
