package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sample is code with an incomplete test.
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

type point struct {
	X, Y int64
	name string
	next []point
}

// Line is two points.
func Line(x, y int64) *point {
	p := &point{X: x, Y: 0, name: "a", next: []point{{X: 1, Y: y}, {}}}
	p.X, p.Y = y, x
	var err error
	p.next[1], err = point{Y: y}, errOdd
	_ = err
	return p
}
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
	p := Line(2, 3)
	if p.X != 3 || p.name != "a" || p.next[0].Y != 3 || p.next[1].Y != 3 {
		t.Fatal(p)
	}
}
`,
}

// Every kind of mutant is made, tried, and distinguished from the others.
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

		"Line: X: x -> zero":                                           survived, // it is overwritten
		`Line: name: "a" -> zero`:                                      killed,
		"Line: next: []point{{X: 1, Y: y}, {}} -> zero":                killed,
		"Line: X: 1 -> zero":                                           noCompile, // an int, for all that the tool knows
		"Line: Y: y -> zero":                                           killed,
		"Line: Y: y -> zero #2":                                        killed,
		"Line: p.X, p.Y = y, x -> removed":                             killed,
		"Line: p.X, p.Y = y, x -> without part 1":                      killed,
		"Line: p.X, p.Y = y, x -> without part 2":                      survived,
		"Line: p.next[1], err = point{Y: y}, errOdd -> removed":        killed,
		"Line: p.next[1], err = point{Y: y}, errOdd -> without part 1": killed,
		"Line: p.next[1], err = point{Y: y}, errOdd -> without part 2": survived,
	}, got)
}

// A path chooses a target, or some of its files; another path chooses nothing.
func TestTargetOf(t *testing.T) {
	admin := target{folder: "admin"}
	for _, c := range []struct {
		paths  []string
		files  []string
		chosen bool
	}{
		{nil, nil, true},
		{[]string{"web", "./admin/"}, nil, true},
		{[]string{"admin/csv.go", "web/web.go", "admin/bulk.go"}, []string{"csv.go", "bulk.go"}, true},
		{[]string{"web", "web/adminweb", "admin.go"}, nil, false},
	} {
		got, chosen := admin.of(c.paths)
		require.Equal(t, c.chosen, chosen, c.paths)
		require.Equal(t, c.files, got.files, c.paths)
	}
}

// The list of mutants that make no difference has reasons, and no entry twice.
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

// The list in the repository can be read, and each of its entries matches a mutant: when
// code moves to another file, its entries must move along.
func TestListOfTheRepository(t *testing.T) {
	l, err := readList(filepath.Join("../../..", listPath))
	require.NoError(t, err)
	made := make(map[string]bool)
	for _, target := range targets {
		r := &run{target: target, root: "../../.."}
		_, _, _, err := r.find()
		require.NoError(t, err)
		for _, m := range r.mutants {
			made[m.key()] = true
		}
	}
	var gone []string
	for key := range l {
		if !made[key] {
			gone = append(gone, key)
		}
	}
	slices.Sort(gone)
	require.Empty(t, strings.Join(gone, "\n"))
}

// noTarget are packages whose mutants are not tried, with the reason.
var noTarget = map[string]string{
	"benchmarks":                       "measures, and decides nothing",
	"cmd/totpflow":                     "starts the command",
	"cmd/totpflow/internal/screen":     "decides nothing: it writes to the terminal",
	"internal/servicetest":             "test equipment",
	"internal/skew":                    "holds a constant",
	"internal/transitions":             "test equipment",
	"internal/wire/wiretest":           "test equipment",
	"phone/provider/internal/posttest": "test equipment",
	"store/storetest":                  "test equipment, which its own tests run on broken stores",
	"totptest":                         "test equipment",
	"totptest/kit":                     "test equipment",
	"totptest/qrscan":                  "test equipment",
	"web/hosttest":                     "test equipment",
	"web/memhost":                      "for examples and tests",
	"web/webtest":                      "test equipment",
}

// Every package that a product links is a target, or has a reason not to be one.
func TestTargets(t *testing.T) {
	const root = "../../.."
	folders := make(map[string]bool)
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(root, path)
		folder := filepath.ToSlash(rel)
		switch {
		case err != nil:
			return err
		case d.IsDir() && (folder == "tests" || folder == "examples" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && folder != "."):
			return fs.SkipDir
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
			folders[filepath.ToSlash(filepath.Dir(rel))] = true
		}
		return nil
	}))
	for _, target := range targets {
		require.True(t, folders[target.folder], "%s is a target, and not there", target.folder)
		for _, folder := range target.tests {
			require.DirExists(t, filepath.Join(root, folder))
		}
		delete(folders, target.folder)
	}
	for folder := range noTarget {
		require.True(t, folders[folder], "%s is no target, and not there", folder)
		delete(folders, folder)
	}
	require.Empty(t, folders, "neither among the targets nor in noTarget")
}
