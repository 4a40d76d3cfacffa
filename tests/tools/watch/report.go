package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// An entry is a line of "go test -json" (go doc test2json).
type entry struct {
	Action  string
	Package string
	Test    string
	Elapsed float64 // seconds
	Output  string
}

// A report shows the results of packages as "go test" does without -v.
type report struct {
	to     io.Writer
	output map[string]map[string][]string // by package and test; "" is the package's own
	began  map[string]time.Time           // of the packages under way
	done   []entry                        // tests that have ended
}

func newReport(to io.Writer) *report {
	return &report{to: to, output: make(map[string]map[string][]string), began: make(map[string]time.Time)}
}

// follow reads the entries to their end and shows them, and at each tick what is under
// way.
func (r *report) follow(from io.Reader, ticks <-chan time.Time) error {
	lines, ended := make(chan string), make(chan error, 1)
	go func() {
		defer close(lines)
		in := bufio.NewReader(from)
		for {
			line, err := in.ReadString('\n')
			if line != "" {
				lines <- line
			}
			if err != nil {
				if err == io.EOF {
					err = nil
				}
				ended <- err
				return
			}
		}
	}()
	for {
		select {
		case line, more := <-lines:
			if !more {
				return <-ended
			}
			r.line(line)
		case now := <-ticks:
			r.underWay(now)
		}
	}
}

// line processes one line. A line that is not an entry is shown unchanged.
func (r *report) line(line string) {
	var e entry
	if json.Unmarshal([]byte(line), &e) != nil {
		fmt.Fprint(r.to, line)
		return
	}
	of := r.output[e.Package]
	if of == nil {
		of = make(map[string][]string)
		r.output[e.Package] = of
	}
	switch e.Action {
	case "start":
		r.began[e.Package] = time.Now()
	case "build-output":
		fmt.Fprint(r.to, e.Output)
	case "output":
		of[e.Test] = append(of[e.Test], e.Output)
	case "pass", "skip", "fail":
		r.ends(e, of)
	}
}

// ends drops the output of a test that passed, and shows a package that ended.
func (r *report) ends(e entry, of map[string][]string) {
	if e.Test != "" {
		r.done = append(r.done, e)
		if e.Action != "fail" {
			delete(of, e.Test)
		}
		return
	}
	if e.Action == "fail" { // including the tests that have not ended
		for _, name := range slices.Sorted(keys(of)) {
			if name != "" {
				fmt.Fprint(r.to, strings.Join(of[name], ""))
			}
		}
		fmt.Fprint(r.to, strings.Join(of[""], ""))
	} else {
		own := of[""]
		for _, line := range own[max(0, len(own)-1):] { // "ok", or "no test files"
			fmt.Fprint(r.to, line)
		}
	}
	delete(r.output, e.Package)
	delete(r.began, e.Package)
}

func keys(of map[string][]string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for name := range of {
			if !yield(name) {
				return
			}
		}
	}
}

// underWay names the packages that have been running for a while.
func (r *report) underWay(now time.Time) {
	var names []string
	for name, since := range r.began {
		if took := now.Sub(since); took > time.Minute/2 {
			names = append(names, fmt.Sprintf("%s (%s)", name, took.Round(time.Second)))
		}
	}
	if slices.Sort(names); len(names) > 0 {
		fmt.Fprintf(r.to, "...\trunning: %s\n", strings.Join(names, ", "))
	}
}

// slowest lists the tests that took the longest.
func (r *report) slowest(n int) {
	slices.SortFunc(r.done, func(a, b entry) int { return cmp.Compare(b.Elapsed, a.Elapsed) })
	for _, e := range r.done[:min(n, len(r.done))] {
		if !strings.Contains(e.Test, "/") {
			fmt.Fprintf(r.to, "%8.1f s  %s %s\n", e.Elapsed, e.Package, e.Test)
		}
	}
}
