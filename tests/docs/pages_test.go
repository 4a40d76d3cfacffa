package docs_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// frontPage is the number of words that README.md may have, code included. Details belong
// to the pages of docs.
const frontPage = 1400

// The README is read to the end only if it is short.
func TestFrontPage(t *testing.T) {
	words := len(strings.Fields(read(t, filepath.Join(root, "README.md"))))
	t.Log(words, "words")
	require.LessOrEqual(t, words, frontPage, "move something to a page of docs, and link it")
}

// inDocs returns the pages of the folder docs.
func inDocs(t *testing.T) []string {
	return files(t, func(path string) bool { return markdown(path) && filepath.Dir(path) == filepath.Join(root, "docs") })
}

// A reader sees at the top whether a page is for them.
func TestPagesOpenWithTheirReaders(t *testing.T) {
	opens := regexp.MustCompile(`^# [^\n]+\n\nFor (?:people|developers|operators|everybody) `)
	for _, path := range inDocs(t) {
		require.Regexp(t, opens, read(t, path), "%s does not begin with who it is for", path)
	}
}

// Every page can be found from the index.
func TestIndex(t *testing.T) {
	index := read(t, filepath.Join(root, "docs", "README.md"))
	for _, path := range inDocs(t) {
		if name := filepath.Base(path); name != "README.md" {
			require.Contains(t, index, "("+name+")", "docs/README.md has no link to it")
		}
	}
}

// Every guarantee names a test or an existing folder of tests. TestNamedTests checks that
// the tests exist.
func TestGuarantees(t *testing.T) {
	folder := regexp.MustCompile("`(tests/[a-z/]+)`")
	rows := 0
	for line := range strings.Lines(read(t, filepath.Join(root, "docs", "guarantees.md"))) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if !strings.HasPrefix(line, "| ") || len(cells) != 2 || strings.HasPrefix(line, "| guarantee ") {
			continue
		}
		rows++
		folders := folder.FindAllStringSubmatch(cells[1], -1)
		require.True(t, len(folders) > 0 || named.MatchString(cells[1]), "no test holds this: %s", line)
		for _, m := range folders {
			require.DirExists(t, filepath.Join(root, m[1]), line)
		}
	}
	require.GreaterOrEqual(t, rows, 30, "a guarantee is given up by its own change, not by losing its row")
}
