package docs_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var namedTest = regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Za-z0-9]+)`")

// Every row of README's table of guarantees names a test that there is, or a folder
// whose tests are meant as a whole.
func TestGuarantees(t *testing.T) {
	var tests strings.Builder
	for _, path := range files(t, func(path string) bool {
		return strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, root+"/tests/") && strings.HasSuffix(path, ".go")
	}) {
		tests.WriteString(read(t, path))
	}
	code := tests.String()
	_, table, ok := strings.Cut(read(t, root+"/README.md"), "## What holds, and the test that says so")
	require.True(t, ok)
	table, _, _ = strings.Cut(table, "\n## ")
	rows := 0
	for _, row := range strings.Split(table, "\n") {
		if !strings.HasPrefix(row, "|") || strings.HasPrefix(row, "| guarantee") || strings.HasPrefix(row, "|---") {
			continue
		}
		rows++
		found := namedTest.FindAllStringSubmatch(row, -1)
		if len(found) == 0 {
			require.Contains(t, row, "`tests/", "the row names no test: %s", row)
		}
		for _, m := range found {
			require.Contains(t, code, "func "+m[1]+"(", "the row names a test that is not there: %s", row)
		}
	}
	require.Greater(t, rows, 30)
}
