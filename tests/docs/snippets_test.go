package docs_test

import (
	"flag"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the snippets of the Markdown files anew from their sources")

// source is the comment above a Go snippet. It names the file that the snippet is
// quoted from, and the part of it:
//
//	<!-- from examples/guide/guide.go: session -->
//
// The part is the text between the lines "// region password" and "// endregion", without
// its common indentation and the blank lines around it. Without a part it is the whole
// file. The path starts at the top of the repository.
var source = regexp.MustCompile(`^<!-- from (\S+?)(?:: (\S+))? -->$`)

// Every Go snippet that names its source is equal to it, and the source is compiled with
// its module. README.md and the guide have no other snippets; in other files those
// without a source, fragments that explain, are at least Go and formatted.
func TestSnippets(t *testing.T) {
	seen := 0
	for _, path := range files(t, markdown) {
		lines := strings.Split(read(t, path), "\n")
		changed := false
		for _, s := range slices.Backward(snippets(t, path, lines)) {
			seen++
			if s.source == nil {
				if path == filepath.Join(root, "README.md") || path == filepath.Join(root, "docs", "guide.md") {
					t.Errorf("%s:%d: a Go snippet without a line <!-- from FILE: REGION --> above it", path, s.begin)
				}
				if err := fragment(lines[s.begin:s.end]); err != nil {
					t.Errorf("%s:%d: %v", path, s.begin, err)
				}
				continue
			}
			want, err := quote(s.source[1], s.source[2])
			require.NoErrorf(t, err, "%s:%d", path, s.begin)
			if slices.Equal(lines[s.begin:s.end], want) {
				continue
			}
			if !*update {
				require.Equalf(t, strings.Join(want, "\n"), strings.Join(lines[s.begin:s.end], "\n"),
					"%s:%d: not what %s says; `make docs` writes it anew", path, s.begin, s.source[1])
			}
			lines = slices.Replace(lines, s.begin, s.end, want...)
			changed = true
		}
		if changed {
			require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o644))
		}
	}
	require.NotZero(t, seen, "no Go snippet was found")
}

// A snippet is lines[begin:end] of a file, without the fence around it.
type snippet struct {
	begin, end int
	source     []string // the match of the comment above, nil without one
}

func snippets(t *testing.T, path string, lines []string) []snippet {
	t.Helper()
	var all []snippet
	for i := 0; i < len(lines); i++ {
		if lines[i] != "```go" {
			continue
		}
		s := snippet{begin: i + 1}
		if i > 0 {
			s.source = source.FindStringSubmatch(lines[i-1])
		}
		length := slices.Index(lines[s.begin:], "```")
		require.NotEqualf(t, -1, length, "%s:%d: the fence is not closed", path, i+1)
		s.end = s.begin + length
		all = append(all, s)
		i = s.end
	}
	return all
}

// quote returns the lines of one region of a file, or of the whole file.
func quote(file, region string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	if region == "" {
		return lines, nil
	}
	bare := make([]string, len(lines))
	for i, line := range lines {
		bare[i] = strings.TrimSpace(line)
	}
	begin := slices.Index(bare, "// region "+region) + 1
	if begin == 0 {
		return nil, fmt.Errorf("%s has no region %s", file, region)
	}
	length := slices.Index(bare[begin:], "// endregion")
	if length == -1 {
		return nil, fmt.Errorf("%s: region %s does not end", file, region)
	}
	return strings.Split(strings.Trim(strings.Join(dedent(lines[begin:begin+length]), "\n"), "\n"), "\n"), nil
}

// dedent removes the indentation that all lines share.
func dedent(lines []string) []string {
	shared := -1
	for _, line := range lines {
		tabs := len(line) - len(strings.TrimLeft(line, "\t"))
		if line != "" && (shared == -1 || tabs < shared) {
			shared = tabs
		}
	}
	cut := slices.Clone(lines)
	for i, line := range cut {
		if line != "" {
			cut[i] = line[shared:]
		}
	}
	return cut
}

// fragment reports what is wrong with Go lines that are not part of a file. An ellipsis
// for what the reader fills in is allowed, in its own place: { … }.
func fragment(lines []string) error {
	text := strings.Join(lines, "\n")
	got, err := format.Source([]byte(strings.ReplaceAll(text, "…", "/* more */")))
	if err != nil {
		return fmt.Errorf("not Go: %w", err)
	}
	if strings.ReplaceAll(string(got), "/* more */", "…") != text {
		return fmt.Errorf("not formatted as gofmt does; want\n%s", got)
	}
	return nil
}
