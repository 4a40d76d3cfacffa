// Command benchmarks measures this library against its peers and against the floors
// below it, and writes docs/performance.md.
//
//	go run ./benchmarks            # measures all, writes the document (make bench)
//	go run ./benchmarks -only QR   # measures what has this in its name, and prints it
//
// The arms of a work run in turns in one process, and each round has a ratio of its own:
// other work of the machine affects both. A ratio is worth quoting; the nanoseconds of
// one machine are not.
//
// It stores nothing but that document, the pictures beside it, and files in a folder
// that it removes. Servers are those of package servers, on loopback.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// works returns all works.
func works() (all []work) {
	for _, some := range [][]work{codes(), offers(), tokens(), inMemory()} {
		all = append(all, some...)
	}
	for i := range all {
		all[i].cpu = true
	}
	for _, some := range [][]work{onServers(), administration(), hot()} {
		all = append(all, some...)
	}
	return all
}

func main() {
	only := flag.String("only", "", "measure works whose name `matches`, and print them")
	out := flag.String("out", "docs", "the `folder` of the document")
	rounds := flag.Int("rounds", 9, "how many rounds")
	each := flag.Duration("each", 200*time.Millisecond, "how long an arm runs in a round")
	flag.IntVar(&many, "accounts", many, "how many accounts the works of administrators have")
	flag.Parse()
	if err := bench(*only, *out, pace{*rounds, *each}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// heap is how much the process keeps, like a small product. Go collects garbage when the
// heap has doubled: a program with nothing in it does so every 4 MiB, which no product
// does, and half of the time of a call would be the collector's.
const heap = 32 << 20 // bytes

func bench(only, out string, p pace) error {
	dir, err := os.MkdirTemp("", "benchmarks")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // the servers run as another user
		return err
	}
	l := newLab(dir, false)
	defer l.close()
	match, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	live := make([]byte, heap)
	defer runtime.KeepAlive(live)
	r := report{Rounds: p.rounds, Each: p.each}
	var results []result
	for _, w := range works() {
		if !match.MatchString(w.name + "/" + w.variant) {
			continue
		}
		res, err := measure(l, w, p)
		if err != nil {
			return fmt.Errorf("%s/%s: %w", w.name, w.variant, err)
		}
		results = append(results, res)
		r.Busy = r.Busy || res.busy
		row := rowOf(res, results)
		fmt.Printf("%s | %s | %s | %s | goal %s | %s | %.0f allocs\n", row.Title, row.Ours, row.Base, row.Ratio, row.Goal, row.Mark, res.allocs)
	}
	if only != "" {
		return nil
	}
	for _, res := range results {
		r.Rows = append(r.Rows, rowOf(res, results))
	}
	return r.finish(l, results, out, p)
}

// finish adds what is not in the table, and writes everything.
func (r report) finish(l *lab, results []result, out string, p pace) error {
	for _, w := range works() {
		if title, ok := profiledWorks[w.name+"/"+w.variant]; ok && w.clients <= 16 && w.clients != 1 {
			text, err := profile(l, w, 3*time.Second)
			if err != nil {
				return err
			}
			r.Profiles = append(r.Profiles, profiled{title, text})
		}
	}
	if err := overClients(results).write(filepath.Join(out, "performance-clients.svg")); err != nil {
		return err
	}
	var over []result
	for _, w := range overAccounts() {
		res, err := measure(l, w, p)
		if err != nil {
			return err
		}
		over = append(over, res)
		if w.base.start != nil {
			r.Rows = append(r.Rows, rowOf(res, results))
		}
	}
	if err := accountsPlot(over).write(filepath.Join(out, "performance-accounts.svg")); err != nil {
		return err
	}
	sizes, err := sizesOf(l)
	if err != nil {
		return err
	}
	r.Sizes = sizes
	welch, err := exec.CommandContext(context.Background(), "go", "test", "-run", "^$", "-bench", "Timing", "-benchtime", "1000000x", "./totp").Output()
	if err != nil {
		return err
	}
	r.Welch, r.Machine = figures(string(welch)), machine()
	return r.write(filepath.Join(out, "performance.md"))
}

// profiledWorks are the works whose profile the document shows.
var profiledWorks = map[string]string{
	"SignIn/memory":          "SignIn, store in memory",
	"VerifyCode/memory":      "VerifyCode, store in memory, with the SignIn before it",
	"SessionValid/memory":    "SessionValid, store in memory",
	"WholeSignIn/SQLite":     "Whole sign-ins on SQLite, 16 clients",
	"WholeSignIn/PostgreSQL": "Whole sign-ins on PostgreSQL, 16 clients",
	"WholeSignIn/Redis":      "Whole sign-ins on Redis, 16 clients",
	"QR/png":                 "The QR code as PNG",
}

// figures returns the lines about the kinds of input, without the machine's name.
func figures(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) > 4 && strings.HasPrefix(f[0], "BenchmarkTiming/") {
			lines = append(lines, fmt.Sprintf("%-26s |t| %s", strings.TrimPrefix(f[0], "BenchmarkTiming/"), f[4]))
		}
	}
	return strings.Join(lines, "\n")
}

// overClients returns the plot of whole sign-ins.
func overClients(results []result) plot {
	rate, tail := panel{title: "sign-ins a second"}, panel{title: "p99 in milliseconds"}
	for _, d := range databases {
		a, b := line{name: d.name}, line{name: d.name}
		for _, r := range results {
			if r.work.name == "WholeSignIn" && r.work.variant == d.name {
				a.x, a.y = append(a.x, float64(r.work.clients)), append(a.y, 1e9/r.ours.median)
				b.x, b.y = append(b.x, float64(r.work.clients)), append(b.y, r.p99.median/1e6)
			}
		}
		rate.lines, tail.lines = append(rate.lines, a), append(tail.lines, b)
	}
	return plot{"Sign-ins a second and their p99 over clients", "clients", []panel{rate, tail}}
}

// accountsPlot returns the plot of calls over accounts.
func accountsPlot(results []result) plot {
	cost := panel{title: "microseconds a call"}
	for _, r := range results {
		i := slices.IndexFunc(cost.lines, func(l line) bool { return l.name == r.work.title })
		if i < 0 {
			i = len(cost.lines)
			cost.lines = append(cost.lines, line{name: r.work.title})
		}
		cost.lines[i].x, cost.lines[i].y = append(cost.lines[i].x, float64(r.work.accounts)), append(cost.lines[i].y, r.ours.median/1e3)
	}
	return plot{"Cost of a call over accounts", "accounts", []panel{cost}}
}
