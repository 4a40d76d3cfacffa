package main

import (
	"cmp"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

// A figure is the median of the rounds, and the middle half of them.
type figure struct{ median, low, high float64 }

func figureOf(values []float64) figure {
	values = slices.Clone(values)
	slices.Sort(values)
	at := func(part float64) float64 { return values[int(part*float64(len(values)-1)+0.5)] }
	return figure{at(0.5), at(0.25), at(0.75)}
}

// A result is what the rounds of one work have shown: nanoseconds per call, and how many
// times as fast as the base we were in the same round.
type result struct {
	work              work
	ours, base        figure
	ratio             figure
	p50, p99, basep99 figure
	busy              bool    // the machine had other work
	allocs, bytes     float64 // of ours, for one call
}

// A pace is how long each arm of a round runs, and how many rounds there are.
type pace struct {
	rounds int
	each   time.Duration
}

// measure runs the arms of a work in turns. Each round has its own ratio, so that other
// work of the machine affects both.
func measure(l *lab, w work, p pace) (result, error) {
	arms := []arm{w.ours}
	if w.base.start != nil {
		arms = append(arms, w.base)
	}
	runs := make([]*run, len(arms))
	for i, a := range arms {
		calls, err := a.start(l)
		if err != nil {
			return result{}, err
		}
		runs[i] = &run{calls: calls, clients: w.clients, cpu: w.cpu}
		if !w.heavy {
			runs[i].calibrate(p.each)
		}
	}
	var ratios []float64
	for round := range p.rounds {
		for i := range runs {
			r := runs[(i+round)%len(runs)] // a different one first each time
			runtime.GC()
			r.round(p.each)
		}
		if len(runs) == 2 {
			last := len(runs[0].nanos) - 1
			ratios = append(ratios, runs[1].nanos[last]/runs[0].nanos[last])
		}
	}
	res := result{work: w, ours: figureOf(runs[0].nanos), p50: figureOf(runs[0].p50s), p99: figureOf(runs[0].p99s)}
	res.busy = busy()
	if len(runs) == 2 {
		res.base, res.basep99, res.ratio = figureOf(runs[1].nanos), figureOf(runs[1].p99s), figureOf(ratios)
	}
	if w.clients == 0 && !w.heavy {
		res.allocs, res.bytes = allocations(runs[0].calls)
	}
	return res, nil
}

// A run is one arm at work.
type run struct {
	calls
	clients           int
	cpu               bool
	n                 int // calls of a round, if one goroutine calls
	nanos, p50s, p99s []float64
}

// calibrate finds how many calls fill a round.
func (r *run) calibrate(each time.Duration) {
	if r.clients > 0 {
		return
	}
	for r.n = 1; ; r.n *= 2 {
		if took := r.time(); took > each/4 {
			r.n = max(1, int(float64(r.n)*float64(each)/float64(took)))
			return
		}
	}
}

func (r *run) time() time.Duration {
	r.begin(r.n)
	defer r.end()
	now := wall
	if r.cpu {
		now = processor
	}
	begin := now()
	for range r.n {
		r.call(0)
	}
	return now() - begin
}

var started = time.Now()

func wall() time.Duration { return time.Since(started) }

// processor returns the processor time that this process has used. Other programs of the
// machine add nothing to it.
func processor() time.Duration {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func (c calls) begin(n int) {
	if c.before != nil {
		c.before(n)
	}
}

func (c calls) end() {
	if c.after != nil {
		c.after()
	}
}

func (r *run) round(each time.Duration) {
	if r.clients == 0 {
		r.n = max(r.n, 1)
		took := float64(r.time()) / float64(r.n)
		r.nanos, r.p50s, r.p99s = append(r.nanos, took), append(r.p50s, took), append(r.p99s, took)
		return
	}
	r.begin(r.clients)
	defer r.end()
	var all sync.WaitGroup
	taken := make([][]time.Duration, r.clients)
	begin := time.Now()
	for c := range r.clients {
		all.Go(func() {
			for time.Since(begin) < each || len(taken[c]) == 0 {
				from := time.Now()
				r.call(c)
				taken[c] = append(taken[c], time.Since(from))
			}
		})
	}
	all.Wait()
	took := time.Since(begin)
	calls := slices.Concat(taken...)
	slices.SortFunc(calls, cmp.Compare)
	r.nanos = append(r.nanos, float64(took)/float64(len(calls)))
	r.p50s = append(r.p50s, float64(calls[len(calls)/2]))
	r.p99s = append(r.p99s, float64(calls[len(calls)*99/100]))
}

// allocations returns those of one call, and their bytes.
func allocations(c calls) (allocs, bytes float64) {
	const n = 50
	c.begin(n)
	defer c.end()
	var before, after runtime.MemStats
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	runtime.ReadMemStats(&before)
	for range n {
		c.call(0)
	}
	runtime.ReadMemStats(&after)
	return float64((after.Mallocs - before.Mallocs) / n), float64((after.TotalAlloc - before.TotalAlloc) / n)
}
