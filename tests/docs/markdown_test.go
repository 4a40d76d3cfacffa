// Package docs_test checks the documentation against the code: Go snippets come from
// files that compile, links lead somewhere, exported symbols are explained, and every
// package opens with an example that runs.
package docs_test

import (
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
		var bad []string
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
				bad = append(bad, "link to "+target+": there is no such file")
				continue
			}
			if fragment != "" && !info.IsDir() && !headings(read(t, to))[fragment] {
				bad = append(bad, "link to "+target+": there is no such heading")
			}
		}
		complain(t, path, bad)
	}
	require.NotZero(t, seen, "no relative link was found")
}

// prose returns the text without its code.
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

// Every test that a page names as proof of a promise exists.
func TestNamedTests(t *testing.T) {
	var sources strings.Builder
	for _, path := range files(t, func(path string) bool { return strings.HasSuffix(path, "_test.go") }) {
		sources.WriteString(read(t, path))
	}
	seen := 0
	for _, path := range files(t, markdown) {
		var bad []string
		for _, name := range named.FindAllString(read(t, path), -1) {
			seen++
			if !strings.Contains(sources.String(), "\nfunc "+name+"(") {
				bad = append(bad, "no test is named "+name)
			}
		}
		complain(t, path, bad)
	}
	require.NotZero(t, seen, "no page names a test")
}

// Every error that a page tells readers to look for exists in the code, and so does every
// call in the guide's table of routes: a new name in the code is a new name there.
func TestNamedErrorsAndCalls(t *testing.T) {
	var sources strings.Builder
	for _, path := range files(t, func(path string) bool { return filepath.Ext(path) == ".go" && !strings.HasSuffix(path, "_test.go") }) {
		sources.WriteString(read(t, path))
	}
	code := sources.String()
	seen := 0
	for _, path := range files(t, markdown) {
		var bad []string
		for _, name := range regexp.MustCompile(`\bErr[A-Z]\w+`).FindAllString(read(t, path), -1) {
			seen++
			if !regexp.MustCompile(`(?m)^(?:var)?\s+` + name + `\s[^(]*=`).MatchString(code) {
				bad = append(bad, "no error is named "+name)
			}
		}
		complain(t, path, bad)
	}
	require.Greater(t, seen, 40)

	routes := 0
	for line := range strings.Lines(read(t, filepath.Join(root, "docs", "guide.md"))) {
		cells := strings.Split(line, " | ")
		if len(cells) != 4 || !strings.HasPrefix(line, "| ") {
			continue
		}
		for _, m := range regexp.MustCompile("`(?:\\w+\\.)?(\\w+)`").FindAllStringSubmatch(cells[1], -1) {
			routes++
			call := regexp.MustCompile(`(?m)^(?:func \(\w+ \*?\w+\) ` + m[1] + `\(|type ` + m[1] + ` )`)
			require.True(t, call.MatchString(code), "no call is named %s", m[1])
		}
	}
	require.Greater(t, routes, 15)
}

var named = regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark|Example)[A-Z]\w*`)

// A path on the machine of an author helps no reader, and reveals more about that machine
// than it should.
func TestNoMachinePaths(t *testing.T) {
	machine := regexp.MustCompile(`(?m)(?:^|[^\w.\-])/(?:work|root|home|Users)/[\w.\-]+`)
	require.Regexp(t, machine, "see /"+"home/ana/totpflow")
	for _, path := range files(t, func(string) bool { return true }) {
		var bad []string
		for _, found := range machine.FindAllString(read(t, path), -1) {
			bad = append(bad, "names a path of a machine: "+strings.TrimSpace(found))
		}
		complain(t, path, bad)
	}
}
