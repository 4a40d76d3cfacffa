package main

import (
	"regexp"
	"strings"
	"sync"
	"time"
)

// running are the tests of one binary that have begun and not ended. It is safe
// for concurrent use.
type running struct {
	mu    sync.Mutex
	tests map[string]*test
	idle  time.Time // when the last test has ended, or the binary has begun
}

// A test is one that has begun.
type test struct {
	since    time.Time // of its own work: when it began or went on, or when a subtest ended
	paused   bool      // it waits for its turn
	subtests int       // the number of subtests that have not ended
}

func newRunning(now time.Time) *running {
	return &running{tests: make(map[string]*test), idle: now}
}

var event = regexp.MustCompile(`^ *(=== RUN|=== PAUSE|=== CONT|--- PASS:|--- FAIL:|--- SKIP:) +(\S+)`)

// note interprets a line of package testing.
func (r *running) note(line string, now time.Time) {
	m := event.FindStringSubmatch(line)
	if m == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	name := m[2]
	t := r.tests[name]
	switch m[1] {
	case "=== RUN":
		r.tests[name] = &test{since: now}
		if up := r.parent(name); up != nil {
			up.subtests++
		}
	case "=== PAUSE":
		if t != nil {
			t.paused = true
		}
	case "=== CONT":
		if t != nil {
			t.paused, t.since = false, now
		}
	default:
		if t == nil {
			return
		}
		delete(r.tests, name)
		r.idle = now
		if up := r.parent(name); up != nil {
			up.subtests--
			up.since = now
		}
	}
}

// parent returns the test that has name as a subtest.
func (r *running) parent(name string) *test {
	for {
		at := strings.LastIndexByte(name, '/')
		if at < 0 {
			return nil
		}
		name = name[:at] // a name may have slashes of its own
		if t := r.tests[name]; t != nil {
			return t
		}
	}
}

// late returns a test that has been running for longer than each, the longest first.
func (r *running) late(now time.Time, each time.Duration) (name string, late bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	longest := each
	for n, t := range r.tests {
		if took := now.Sub(t.since); !t.paused && t.subtests == 0 && took > longest {
			name, longest, late = n, took, true
		}
	}
	if len(r.tests) == 0 && now.Sub(r.idle) > each {
		return "TestMain, or what is outside of every test,", true
	}
	return name, late
}
