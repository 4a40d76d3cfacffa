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
	ofTest = regexp.MustCompile("`([a-z0-9/.]+)`(?: `(Test[A-Za-z0-9]+)`)?")
	inCode = regexp.MustCompile("`([^`]*)`")
)

// Every row of the products names existing pages, packages and symbols, and a test in the folder that
// it names.
func TestProducts(t *testing.T) {
	rows, known := 0, symbols(t)
	for line := range strings.Lines(read(t, filepath.Join(root, "docs", "products.md"))) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| What ") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		require.Len(t, cells, 3, line)
		rows++
		require.NotEmpty(t, strings.TrimSpace(cells[1]), "no page: %s", line)
		for _, m := range inCode.FindAllStringSubmatch(cells[1], -1) {
			require.True(t, offered(known, m[1]), "%s does not exist: %s", m[1], line)
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

// offered reports whether a page, a package, or a symbol such as admin.Purpose or
// Account.SessionValid, of whatever package, exists.
func offered(known map[string]map[string]bool, name string) bool {
	of, symbol, _ := strings.Cut(name, ".")
	switch {
	case symbol == "html":
		return exists("web", "templates", name)
	case symbol == "":
		return known[filepath.Base(of)] != nil && (of == "totpflow" || exists(of))
	case known[of] != nil:
		return known[of][symbol]
	}
	for _, names := range known {
		if names[name] {
			return true
		}
	}
	return false
}

func exists(path ...string) bool {
	_, err := os.Stat(filepath.Join(append([]string{root}, path...)...))
	return err == nil
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
