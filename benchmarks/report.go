package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"text/template"
	"time"
)

// page is the document's fixed prose. Every figure in it is filled in.
//
//go:embed performance.md.tmpl
var page string

// A report is what the document shows.
type report struct {
	Rows     []row
	Sizes    []size
	Profiles []profiled
	Welch    string
	Machine  []string
	Busy     bool // the machine had other work than this
	Rounds   int
	Each     time.Duration
}

// A row is one work in the table.
type row struct{ Title, Ours, Base, Ratio, Goal, Mark, Note string }

type profiled struct{ Title, Text string }

// write makes docs/performance.md.
func (r report) write(path string) error {
	t, err := template.New("").Parse(page)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, r); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644) //nolint:gosec // a document
}

// rowOf is the row of r; the note may quote other results.
func rowOf(r result, all []result) row {
	w := r.work
	out := row{Title: w.title, Ours: duration(r.ours.median), Base: "–", Ratio: "–", Goal: w.goal.String()}
	if w.accounts > 0 {
		out.Title = fmt.Sprintf("%s on SQLite, %d accounts against %d", w.title, w.accounts, enrolled)
	}
	if w.clients > 0 {
		out.Ours = fmt.Sprintf("%.0f/s, p99 %s", 1e9/r.ours.median, duration(r.p99.median))
	}
	if w.goal.p50 {
		out.Ours = "p50 " + duration(r.p50.median)
	}
	if w.goal.rate > 0 {
		out.Ours = fmt.Sprintf("%.0f/s", w.goal.size/r.ours.median*1e9)
	}
	if w.base.start != nil {
		out.Base = duration(r.base.median)
		if w.clients > 0 {
			out.Base = fmt.Sprintf("%.0f/s, p99 %s", 1e9/r.base.median, duration(r.basep99.median))
		}
		out.Ratio = fmt.Sprintf("%s (%s to %s)", times(r.ratio.median), times(r.ratio.low), times(r.ratio.high))
	}
	if out.Goal == "–" {
		return out
	}
	out.Mark = "reached"
	switch {
	case w.goal.reached(r):
	case !w.cpu && r.busy: // a wall-clock time would say nothing about the library
		out.Mark = "missed on a busy machine"
	default:
		out.Mark, out.Note = "missed", reason(r, all)
	}
	return out
}

// load returns how many programs have wanted a processor in the last minute.
func load() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseFloat(strings.Fields(string(text))[0], 64)
	return n
}

// busy reports whether there were so many that this program has to wait for its turn.
func busy() bool { return load() > 2*float64(runtime.NumCPU()) }

func times(ratio float64) string {
	if ratio < 0.5 {
		return fmt.Sprintf("1/%.1f", 1/ratio)
	}
	return fmt.Sprintf("%.2f", ratio)
}

// duration formats a time with three digits.
func duration(nanos float64) string {
	switch {
	case nanos < 1e3:
		return fmt.Sprintf("%.0f ns", nanos)
	case nanos < 1e6:
		return fmt.Sprintf("%.3g µs", nanos/1e3)
	case nanos < 1e9:
		return fmt.Sprintf("%.3g ms", nanos/1e6)
	}
	return fmt.Sprintf("%.3g s", nanos/1e9)
}

// machine says where the figures come from.
func machine() []string {
	lines := []string{fmt.Sprintf("%s, %s/%s, %d processors", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, model, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				lines = append(lines, strings.TrimSpace(model))
				break
			}
		}
	}
	lines = append(lines, fmt.Sprintf("load when it ended: %.1f", load()))
	peers := []string{"pquerna/otp", "golang-jwt/jwt", "gorilla/securecookie", "x/crypto", "rsc.io/qr", "modernc.org/sqlite", "jackc/pgx", "redis/go-redis"}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			for _, peer := range peers {
				if strings.Contains(m.Path, peer) {
					lines = append(lines, m.Path+" "+m.Version)
				}
			}
		}
	}
	if out, err := exec.CommandContext(context.Background(), "redis-server", "--version").Output(); err == nil {
		lines = append(lines, strings.TrimSpace(string(out)))
	}
	return lines
}
