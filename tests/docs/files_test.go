package docs_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// files returns the text files of the repository that keep selects, as paths under root.
// It fails if there is none: a filter that matches nothing would let every test pass.
func files(t *testing.T, keep func(path string) bool) []string {
	t.Helper()
	all, err := texts(root)
	require.NoError(t, err)
	var found []string
	for _, path := range all {
		if keep(path) && !strings.Contains(filepath.ToSlash(path), "/testdata/") {
			found = append(found, path)
		}
	}
	require.NotEmpty(t, found)
	return found
}

// texts returns the files in dir that git tracks, or would track after "git add", and
// that are text by git's own rule: no zero byte near the beginning. A program that
// somebody built, a database or an ignored file is not among them.
func texts(dir string) ([]string, error) {
	git := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	git.Dir = dir
	git.Stderr = os.Stderr
	out, err := git.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	var found []string
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		path := filepath.Join(dir, filepath.FromSlash(name))
		text, err := isText(path)
		if err != nil {
			return nil, err
		}
		if text {
			found = append(found, path)
		}
	}
	return found, nil
}

// isText also reports false for a file that was deleted and not yet committed.
func isText(path string) (bool, error) {
	info, err := os.Lstat(path)
	if os.IsNotExist(err) {
		return false, nil
	}
	if err != nil || !info.Mode().IsRegular() {
		return false, err
	}
	content, err := os.ReadFile(path)
	return err == nil && bytes.IndexByte(content[:min(len(content), 8000)], 0) < 0, err
}

// complain reports in one line what is wrong with a file, however much that is.
func complain(t *testing.T, path string, bad []string) {
	t.Helper()
	if s := oneLine(path, bad); s != "" {
		t.Error(s)
	}
}

func oneLine(path string, bad []string) string {
	const shown = 3
	switch n := len(bad); {
	case n == 0:
		return ""
	case n <= shown:
		return path + ": " + strings.Join(bad, "; ")
	default:
		return fmt.Sprintf("%s: %s; and %d more", path, strings.Join(bad[:shown], "; "), n-shown)
	}
}

// Programs that were built in the tree, ignored files and deleted files are not read; new
// files are.
func TestTexts(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		".gitignore": "*.db\n", "tracked.md": "text", "gone.md": "text", "sub/new.go": "package sub", "program": "\x7fELF\x00\x01", "a.db": "text", "ö \n.md": "text",
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "tracked.md", "gone.md"}} {
		git := exec.Command("git", args...)
		git.Dir = dir
		require.NoError(t, git.Run())
	}
	require.NoError(t, os.Remove(filepath.Join(dir, "gone.md")))
	found, err := texts(dir)
	require.NoError(t, err)
	for i := range found {
		found[i], err = filepath.Rel(dir, found[i])
		require.NoError(t, err)
	}
	require.ElementsMatch(t, []string{".gitignore", "tracked.md", "sub/new.go", "ö \n.md"}, found)

	_, err = texts(filepath.Join(dir, "missing"))
	require.Error(t, err)
}

func TestOneLine(t *testing.T) {
	require.Empty(t, oneLine("a.md", nil))
	require.Equal(t, "a.md: b; c", oneLine("a.md", []string{"b", "c"}))
	require.Equal(t, "a.md: 0; 0; 0; and 97 more", oneLine("a.md", strings.Split(strings.Repeat("0", 100), "")))
}

// The list of Debian packages names existing folders of tests: a named folder is left out
// if its package is missing.
func TestPackagesList(t *testing.T) {
	seen := 0
	for line := range strings.Lines(read(t, filepath.Join(root, "scripts", "packages.txt"))) {
		fields := strings.Split(line, "|")
		if strings.HasPrefix(line, "#") || len(fields) != 4 {
			continue
		}
		for _, folder := range strings.Fields(fields[2]) {
			seen++
			require.DirExists(t, filepath.Join(root, folder), line)
		}
	}
	require.Greater(t, seen, 20)
}
