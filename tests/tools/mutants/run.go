package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A target is a package, and the folders whose tests must kill its mutants.
type target struct {
	folder string
	files  []string // empty: all
	tests  []string // folders besides its own
	only   string   // which tests of these, a pattern; empty: all
}

// of returns the part of the target that the paths choose: a folder, some of its files,
// or everything if there are no paths.
func (t target) of(paths []string) (_ target, chosen bool) {
	for _, p := range paths {
		switch p = path.Clean(filepath.ToSlash(p)); {
		case p == t.folder:
			return t, true
		case path.Ext(p) == ".go" && path.Dir(p) == t.folder:
			t.files = append(t.files, path.Base(p))
		}
	}
	return t, len(t.files) > 0 || len(paths) == 0
}

// A run is the state of one target while it is tried.
type run struct {
	target
	root, temp string
	mutants    []mutant
	dropped    map[int]bool // those that do not compile
	suites     []suite
}

// A suite is the tests of one package, compiled with all mutants.
type suite struct {
	folder, binary string
	tests          []test
}

type test struct {
	name    string
	took    time.Duration
	reaches map[int]bool
}

const (
	envMutant = "TOTPFLOW_MUTANT"
	envLog    = "TOTPFLOW_MUTANT_LOG"
	// memory is how much a mutant that never ends may use, in KiB.
	memory = 6 << 20
)

// prepare compiles the tests with all mutants that compile, and finds out which test
// reaches which mutants.
func prepare(root, temp string, t target) (*run, error) {
	r := &run{target: t, root: root, temp: temp, dropped: make(map[int]bool)}
	sources, edits, name, err := r.find()
	if err != nil {
		return nil, err
	}
	overlay := filepath.Join(temp, "overlay.json")
	for {
		if err := r.overlay(overlay, sources, edits, name); err != nil {
			return nil, err
		}
		out, err := r.golang("build", "-gcflags=-e", "-overlay", overlay, "./"+t.folder)
		if err == nil {
			break
		}
		if !r.drop(out, sources, edits) {
			return nil, fmt.Errorf("%s: %w\n%s", t.folder, err, out)
		}
	}
	others := slices.DeleteFunc(slices.Clone(t.tests), func(folder string) bool { return folder == t.folder })
	for i, folder := range append([]string{t.folder}, others...) {
		pattern := "."
		if i > 0 && t.only != "" {
			pattern = t.only
		}
		s := suite{folder: filepath.Join(root, folder), binary: filepath.Join(temp, fmt.Sprintf("tests%d", i))}
		if out, err := r.golang("test", "-c", "-vet=off", "-overlay", overlay, "-o", s.binary, "./"+folder); err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", folder, err, out)
		}
		if err := r.reach(&s, pattern); err != nil {
			return nil, err
		}
		r.suites = append(r.suites, s)
	}
	return r, nil
}

// find reads the package and finds its mutants.
func (r *run) find() (sources map[string][]byte, edits map[string][]edit, name string, err error) {
	paths, err := filepath.Glob(filepath.Join(r.root, r.folder, "*.go"))
	if err != nil {
		return nil, nil, "", err
	}
	sources, edits = make(map[string][]byte), make(map[string][]edit)
	word := regexp.MustCompile(`(?m)^package (\w+)`)
	for _, path := range paths {
		base := filepath.Base(path)
		if strings.HasSuffix(base, "_test.go") || len(r.files) > 0 && !slices.Contains(r.files, base) {
			continue
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, "", err
		}
		found, changes, err := mutate(filepath.ToSlash(filepath.Join(r.folder, base)), source, 1+len(r.mutants))
		if err != nil {
			return nil, nil, "", err
		}
		if m := word.FindSubmatch(source); m != nil {
			name = string(m[1])
		}
		r.mutants = append(r.mutants, found...)
		sources[path], edits[path] = source, changes
	}
	if len(r.mutants) == 0 {
		return nil, nil, "", errors.New(r.folder + ": nothing to change")
	}
	return sources, edits, name, nil
}

// overlay writes the changed files, and tells the go command where they are.
func (r *run) overlay(file string, sources map[string][]byte, edits map[string][]edit, name string) error {
	replace := make(map[string]string)
	put := func(path string, text []byte) error {
		replace[path] = filepath.Join(r.temp, filepath.Base(path))
		return os.WriteFile(replace[path], text, 0o600)
	}
	for path, source := range sources {
		text, _ := apply(source, edits[path], r.dropped)
		if err := put(path, text); err != nil {
			return err
		}
	}
	helper := fmt.Sprintf(switches, name, envMutant, len(r.mutants)+1, envLog)
	if err := put(filepath.Join(r.root, r.folder, "mutants_.go"), []byte(helper)); err != nil {
		return err
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

var complaint = regexp.MustCompile(`(?m)^([^:\s]+\.go):(\d+):(?:(\d+):)? `)

// drop drops the mutants that the compiler complains about: those whose text it names, or
// otherwise those in its lines, first those that may not compile.
func (r *run) drop(out []byte, sources map[string][]byte, edits map[string][]edit) bool {
	before := len(r.dropped)
	compiled, lines := maps.Clone(r.dropped), make(map[string][]int)
	for _, m := range complaint.FindAllSubmatch(out, -1) {
		base := filepath.Base(string(m[1]))
		line, _ := strconv.Atoi(string(m[2]))
		column, _ := strconv.Atoi(string(m[3]))
		path := filepath.Join(r.root, r.folder, base)
		lines[base] = append(lines[base], line)
		if column == 0 { // some complaints have none
			continue
		}
		text, spans := apply(sources[path], edits[path], compiled)
		if of := owner(text, spans, line, column); of != 0 {
			r.dropped[of] = true
		}
	}
	for _, all := range []bool{false, true} {
		if len(r.dropped) > before {
			return true
		}
		for _, c := range r.mutants {
			if slices.Contains(lines[filepath.Base(c.file)], c.line) && (c.may || all) {
				r.dropped[c.id] = true
			}
		}
	}
	return len(r.dropped) > before
}

func (r *run) golang(args ...string) ([]byte, error) {
	c := exec.Command("go", args...)
	c.Dir = r.root
	return c.CombinedOutput()
}

// reach runs every test of the pattern alone, without a mutant, and notes which mutants
// it reaches.
func (r *run) reach(s *suite, pattern string) error {
	c := exec.Command(s.binary, "-test.list", pattern)
	c.Dir = s.folder
	list, err := c.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", s.folder, err)
	}
	log := filepath.Join(r.temp, "log")
	for _, name := range strings.Fields(string(list)) {
		if strings.HasPrefix(name, "Benchmark") {
			continue
		}
		if err := os.WriteFile(log, nil, 0o600); err != nil {
			return err
		}
		began := time.Now()
		out, err := s.run(time.Minute, []string{name}, envLog+"="+log)
		if err != nil {
			return fmt.Errorf("%s: %s fails without any mutant: %w\n%s", r.folder, name, err, out)
		}
		t := test{name: name, took: time.Since(began), reaches: make(map[int]bool)}
		seen, err := os.ReadFile(log)
		if err != nil {
			return err
		}
		for _, word := range strings.Fields(string(seen)) {
			id, err := strconv.Atoi(word)
			if err != nil {
				return err
			}
			t.reaches[id] = true
		}
		s.tests = append(s.tests, t)
	}
	slices.SortStableFunc(s.tests, func(a, b test) int { return cmp.Compare(a.took, b.took) })
	return nil
}

// run runs some tests of the suite.
func (s suite) run(limit time.Duration, names []string, env ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	// A process that a test has started may outlive it, and may never end either.
	bounds := fmt.Sprintf(`ulimit -v %d; ulimit -t %d; exec "$@"`, memory, 4*int(1+limit/time.Second))
	c := exec.CommandContext(ctx, "sh", "-c", bounds, "sh",
		s.binary, "-test.failfast", "-test.run", "^("+strings.Join(names, "|")+")$")
	c.Dir, c.Env, c.WaitDelay = s.folder, append(os.Environ(), env...), time.Second
	out, err := c.CombinedOutput()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return out, err
}

// An outcome is the result for a mutant.
type outcome string

const (
	killed     outcome = "killed"
	timedOut   outcome = "timed out"
	survived   outcome = "survived"
	notReached outcome = "not reached"
	noCompile  outcome = "does not compile"
)

// batch is how long quick tests run before the slow ones do.
const batch = 500 * time.Millisecond

// try runs the tests with one mutant, the quick ones first.
func (r *run) try(m mutant) outcome {
	if r.dropped[m.id] {
		return noCompile
	}
	end := notReached
	for _, s := range r.suites {
		var names []string
		var sum time.Duration
		last := len(s.tests) - 1
		for i, t := range s.tests {
			if t.reaches[m.id] {
				names, sum = append(names, t.name), sum+t.took
			}
			if len(names) == 0 || i < last && sum < batch {
				continue
			}
			end = survived
			_, err := s.run(10*time.Second+5*sum, names, envMutant+"="+strconv.Itoa(m.id))
			switch {
			case errors.Is(err, context.DeadlineExceeded):
				return timedOut
			case err != nil:
				return killed
			}
			names, sum = nil, 0
		}
	}
	return end
}

// outcomes counts the mutants by outcome.
type outcomes map[outcome]int

func (o outcomes) String() string {
	var b bytes.Buffer
	for _, name := range []outcome{killed, timedOut, noCompile, equivalent, survived, notReached} {
		if o[name] > 0 {
			fmt.Fprintf(&b, ", %d %s", o[name], name)
		}
	}
	return b.String()
}

// has reports whether a file belongs to the target.
func (r *run) has(file string) bool {
	folder, base := path.Split(file)
	return path.Clean(folder) == r.folder && (len(r.files) == 0 || slices.Contains(r.files, base))
}
