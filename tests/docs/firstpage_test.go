package docs_test

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// firstPage has the questions that the first paragraph of a package answers: where to
// begin, what is stored, which attack it stops, and what the host does itself.
var firstPage = []*regexp.Regexp{
	regexp.MustCompile(`\bBegin with (?:\[|an adapter)`),
	regexp.MustCompile(`\bIt stores\b`),
	regexp.MustCompile(`\bagainst\b`),
	regexp.MustCompile(`\bleft to you\b`),
}

// A reader of pkg.go.dev knows after five lines whether this is the right package.
func TestFirstPages(t *testing.T) {
	seen := 0
	for _, path := range files(t, func(path string) bool {
		return filepath.Ext(path) == ".go" && !strings.HasSuffix(path, "_test.go") && !strings.Contains(filepath.ToSlash(path), "/internal/") &&
			!strings.HasPrefix(path, filepath.Join(root, "examples")) && !strings.HasPrefix(path, filepath.Join(root, "tests"))
	}) {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.PackageClauseOnly)
		require.NoError(t, err)
		if file.Doc == nil || file.Name.Name == "main" {
			continue
		}
		seen++
		first, _, _ := strings.Cut(file.Doc.Text(), "\n\n")
		require.LessOrEqual(t, strings.Count(strings.TrimSpace(first), "\n")+1, 5, "%s: the first paragraph is longer than five lines", path)
		for _, answer := range firstPage {
			require.Regexp(t, answer, strings.Join(strings.Fields(first), " "), path)
		}
	}
	require.Greater(t, seen, 20)
}
