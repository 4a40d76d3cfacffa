// Package docs_test holds the documentation to the code: Go snippets come from
// files that compile, links lead somewhere, exported symbols are explained, and
// every package opens with an example that runs.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

// root is the repository, seen from this folder.
const root = "../.."

// files returns the files of the repository for which keep says yes, as paths
// under root. It fails when there is none: a filter that matches nothing would
// let every test pass.
func files(t *testing.T, keep func(path string) bool) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == ".work" || d.Name() == "testdata"):
			return fs.SkipDir
		case !d.IsDir() && keep(path):
			found = append(found, path)
		}
		return nil
	})
	require.NoError(t, err)
	require.NotEmpty(t, found)
	return found
}

func markdown(path string) bool { return filepath.Ext(path) == ".md" }

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// link is [text](target), and the two attributes that GitHub leaves in HTML.
var link = regexp.MustCompile(`\]\(([^)\s]+)[^)]*\)|(?:src|href)="([^"]+)"`)

// Every relative link leads to a file, and every fragment to a heading in it.
func TestLinks(t *testing.T) {
	seen := 0
	for _, path := range files(t, markdown) {
		for _, m := range link.FindAllStringSubmatch(prose(read(t, path)), -1) {
			target := m[1] + m[2]
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			seen++
			file, fragment, _ := strings.Cut(target, "#")
			to := path
			if file != "" {
				to = filepath.Join(filepath.Dir(path), file)
			}
			info, err := os.Stat(to)
			if err != nil {
				t.Errorf("%s: link to %s: there is no such file", path, target)
				continue
			}
			if fragment != "" && !info.IsDir() && !headings(read(t, to))[fragment] {
				t.Errorf("%s: link to %s: there is no such heading", path, target)
			}
		}
	}
	require.NotZero(t, seen, "no relative link was found")
}

// prose is the text without its code.
func prose(text string) string {
	var b strings.Builder
	code := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			code = !code
		} else if !code {
			b.WriteString(line)
		}
	}
	return regexp.MustCompile("`[^`\n]*`").ReplaceAllString(b.String(), "")
}

// headings returns the fragments that GitHub makes for the headings of a page.
func headings(text string) map[string]bool {
	all := make(map[string]bool)
	code := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "```") {
			code = !code
		}
		title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " ")
		if code || !ok || !strings.HasPrefix(line, "#") {
			continue
		}
		all[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, strings.TrimSpace(title))] = true
	}
	return all
}

// Every test that a page names as the one that holds a promise is there.
func TestNamedTests(t *testing.T) {
	var sources strings.Builder
	for _, path := range files(t, func(path string) bool { return strings.HasSuffix(path, "_test.go") }) {
		sources.WriteString(read(t, path))
	}
	seen := 0
	for _, path := range files(t, markdown) {
		for _, name := range named.FindAllString(read(t, path), -1) {
			seen++
			if !strings.Contains(sources.String(), "\nfunc "+name+"(") {
				t.Errorf("%s: there is no test %s", path, name)
			}
		}
	}
	require.NotZero(t, seen, "no page names a test")
}

var named = regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark|Example)[A-Z]\w*`)

// A path of the machine that somebody worked on helps no reader, and says more
// of that machine than it should.
func TestNoMachinePaths(t *testing.T) {
	machine := regexp.MustCompile(`(?m)(?:^|[^\w.\-])/(?:work|root|home|Users)/[\w.\-]+`)
	require.Regexp(t, machine, "see /"+"home/ana/totpflow")
	text := func(path string) bool {
		switch filepath.Ext(path) {
		case ".md", ".go", ".mod", ".txt", ".yml", ".html", ".css", ".js", ".sql", "":
			return true
		}
		return false
	}
	for _, path := range files(t, text) {
		for _, found := range machine.FindAllString(read(t, path), -1) {
			t.Errorf("%s: names a path of a machine: %s", path, strings.TrimSpace(found))
		}
	}
}
