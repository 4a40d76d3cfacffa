package main

import (
	"fmt"
	"time"
)

// A work is something that is measured, with arms that do the same.
type work struct {
	name    string // of its benchmark: Benchmark<name>/<arm>/<variant>
	variant string
	title   string // in the table
	ours    arm
	base    arm // the base of the ratio; without one the goal is a figure of our own
	goal    goal

	// A work of single calls is timed by the call. One of clients is timed by how many
	// calls they do at once, and by how long each one takes.
	clients  int
	accounts int  // in the database, where that is what differs
	cpu      bool // waits for nothing, so that the processor's time is what it takes
	heavy    bool // a call takes so long that a round is one call
}

// An arm is one way to do a work.
type arm struct {
	name  string
	start func(*lab) (calls, error) // prepares, unmeasured
}

// Calls are what an arm does in its turn.
type calls struct {
	call   func(client int)
	before func(n int) // before n calls, not measured; nil for nothing to do
	after  func()
}

// full is the name below the benchmark.
func (a arm) full(w work) string { return a.name + "/" + w.sized() }

// full is the work's name and variant.
func (w work) full() string { return w.name + "/" + w.sized() }

// sized is the variant with the number of clients.
func (w work) sized() string {
	if w.clients > 0 {
		return fmt.Sprintf("%s-%d", w.variant, w.clients)
	}
	return w.variant
}

// A goal is what a work must reach.
type goal struct {
	ratio float64 // how many times as fast as the base, at least; below one, how slow at most
	time  time.Duration
	rate  float64 // calls per second
	p50   bool    // time is that of the middle call
	p99   bool    // time is that of the slowest call of a hundred
	size  float64 // items of one call, where rate is of items
}

func faster(ratio float64) goal      { return goal{ratio: ratio} }
func slower(times float64) goal      { return goal{ratio: 1 / times} }
func within(d time.Duration) goal    { return goal{time: d} }
func tail(d time.Duration) goal      { return goal{time: d, p99: true} }
func rate(items int, a float64) goal { return goal{rate: a, size: float64(items)} }

// String returns the goal as the table shows it.
func (g goal) String() string {
	switch {
	case g.ratio >= 1 || g.ratio > 0.5:
		return fmt.Sprintf("≥ %.3g ×", g.ratio)
	case g.ratio > 0:
		return fmt.Sprintf("≤ 1/%.3g ×", 1/g.ratio)
	case g.p50:
		return fmt.Sprintf("p50 ≤ %v", g.time)
	case g.p99:
		return fmt.Sprintf("p99 ≤ %v", g.time)
	case g.time > 0:
		return fmt.Sprintf("≤ %v", g.time)
	case g.rate > 0:
		return fmt.Sprintf("≥ %.0f/s", g.rate)
	}
	return "–"
}

// reached reports whether a result is within the goal.
func (g goal) reached(r result) bool {
	switch {
	case g.ratio > 0:
		return r.ratio.median >= g.ratio
	case g.p50:
		return r.p50.median <= float64(g.time)
	case g.p99:
		return r.p99.median <= float64(g.time)
	case g.time > 0:
		return r.ours.median <= float64(g.time)
	case g.rate > 0:
		return g.size/r.ours.median*1e9 >= g.rate
	}
	return true
}
