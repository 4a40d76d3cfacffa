package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"time"
)

// profile runs our arm of a work for a while, and returns where the processor time went,
// by package.
func profile(l *lab, w work, length time.Duration) (string, error) {
	c, err := w.ours.start(l)
	if err != nil {
		return "", err
	}
	r := &run{calls: c, clients: max(w.clients, 1)}
	const batch = 256
	if w.clients == 0 {
		r.n = batch
	}
	path := filepath.Join(l.dir, w.name+".cpu")
	file, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	if err := pprof.StartCPUProfile(file); err != nil {
		return "", err
	}
	for begin := time.Now(); time.Since(begin) < length; {
		if w.clients == 0 {
			r.time()
		} else {
			r.round(length)
		}
	}
	pprof.StopCPUProfile()
	exe, err := os.Executable()
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(context.Background(), "go", "tool", "pprof", "-top", "-nodecount", "100000", "-nodefraction", "0", exe, path).Output() //nolint:gosec // our own program and file
	if err != nil {
		return "", err
	}
	return byPackage(string(out)), nil
}

// most is the number of packages of a profile that are shown.
const most = 12

// byPackage adds up the time of each package's own functions, in the text that "go tool
// pprof -top" prints.
func byPackage(text string) string {
	shares := make(map[string]float64)
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 6 || !strings.HasSuffix(f[1], "%") {
			continue
		}
		share, err := strconv.ParseFloat(strings.TrimSuffix(f[1], "%"), 64)
		if err != nil {
			continue
		}
		shares[packageOf(f[5])] += share
	}
	packages := slices.SortedFunc(maps.Keys(shares), func(a, b string) int { return cmp.Or(cmp.Compare(shares[b], shares[a]), cmp.Compare(a, b)) })
	var b strings.Builder
	for _, p := range packages[:min(most, len(packages))] {
		fmt.Fprintf(&b, "%5.1f %%  %s\n", shares[p], p)
	}
	return strings.TrimRight(b.String(), "\n")
}

// packageOf returns the package of a function's name, without our module's path.
func packageOf(function string) string {
	slash := strings.LastIndexByte(function, '/') + 1
	if dot := strings.IndexByte(function[slash:], '.'); dot >= 0 {
		function = function[:slash+dot]
	}
	if bracket := strings.IndexByte(function, '['); bracket >= 0 {
		function = function[:bracket]
	}
	return strings.TrimPrefix(function, "github.com/totpflow/")
}
