package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sample is code, and a test that knows little of it.
var sample = map[string]string{
	"go.mod": "module sample\n\ngo 1.25\n",
	"sample.go": `package sample

import "errors"

var errOdd = errors.New("odd")

// Half returns the half of what is even, and 10 at most.
func Half(n int) (int, error) {
	if n%2 != 0 || n < 0 {
		return 0, errOdd
	}
	seen := 0
	for i := 0; i < n; i += 2 {
		seen++
	}
	name := "a" + "b"
	_ = name
	return min(seen, 10), nil
}

func unused(b bool) bool { return !b }
`,
	"sample_test.go": `package sample

import "testing"

func TestHalf(t *testing.T) {
	if n, err := Half(6); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	if _, err := Half(3); err == nil {
		t.Fatal("odd")
	}
}
`,
}

// Every kind of mutant is made, tried, and told apart from the others.
func TestMutantsOfASample(t *testing.T) {
	t.Setenv("GOWORK", "off")
	root := t.TempDir()
	for name, text := range sample {
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(text), 0o600))
	}
	r, err := prepare(root, t.TempDir(), target{folder: "."})
	require.NoError(t, err)
	got := make(map[string]outcome)
	for _, m := range r.mutants {
		got[strings.TrimPrefix(m.key(), "sample.go ")] = r.try(m)
	}
	require.Equal(t, map[string]outcome{
		"Half: n%2 != 0 -> false":    killed,
		"Half: n < 0 -> false":       notReached, // nobody asks for the half of -2
		"Half: n%2 != 0 -> true":     killed,
		"Half: n < 0 -> <=":          survived, // nor of 0
		"Half: errOdd -> nil":        killed,
		"Half: i < n -> false":       killed,
		"Half: i < n -> <=":          killed,
		"Half: seen++ -> removed":    killed,
		"Half: \"a\" + \"b\" -> -":   noCompile,
		"Half: min(seen, 10) -> max": killed,
		"unused: b -> true":          notReached,
		"unused: b -> false":         notReached,
	}, got)
}

// The list of mutants that make no difference has reasons, and none twice.
func TestList(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list.txt")
	for text, good := range map[string]bool{
		"# A comment\n\na.go F: x -> true\n    One reason,\n    in two lines.\na.go F: x -> true #2\n\tAnother.\n": true,
		"a.go F: x -> true\n":                                        false,
		"    A reason of nothing.\n":                                 false,
		"a.go F: x -> true\n    A.\na.go F: x -> true\n    Again.\n": false,
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		l, err := readList(path)
		require.Equal(t, good, err == nil, text)
		if good {
			require.Len(t, l, 2)
			require.Equal(t, "One reason, in two lines.", l["a.go F: x -> true"].reason)
			require.Equal(t, []string{"a.go F: x -> true", "a.go F: x -> true #2"}, l.unseen(&run{target: target{folder: "."}}))
		}
	}
}

// The list in the repository is one that can be read, and of files that are tried.
func TestListOfTheRepository(t *testing.T) {
	l, err := readList(filepath.Join("../../..", listPath))
	require.NoError(t, err)
	for key := range l {
		file, _, _ := strings.Cut(key, " ")
		require.FileExists(t, filepath.Join("../../..", file))
		tried := false
		for _, target := range targets {
			tried = tried || (&run{target: target}).has(file)
		}
		require.True(t, tried, key)
	}
}
