package main

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Every work runs, with all of its arms: a measurement that is made once a month must not
// turn out to be broken then. The test asserts nothing about durations.
func TestEveryWorkRuns(t *testing.T) {
	l := newLab(t.TempDir(), true)
	require.NoError(t, os.Chmod(l.dir, 0o711))
	t.Cleanup(func() { require.NoError(t, l.close()) })
	seen := make(map[string]bool)
	var results []result
	for _, w := range append(works(), overAccounts()...) {
		name := w.name + "/" + w.ours.full(w)
		require.False(t, seen[name], "%s twice", name)
		seen[name] = true
		w.heavy, w.clients = true, min(w.clients, 4)
		r, err := measure(l, w, pace{rounds: 1, each: time.Microsecond})
		require.NoError(t, err, name)
		require.Positive(t, r.ours.median, name)
		if w.goal.String() != "–" {
			require.NotEmpty(t, why[w.name], "%s has a goal, and nothing to say where it is missed", w.name)
		}
		results = append(results, r)
	}
	require.Len(t, results, len(works())+len(overAccounts()))
}

// What the document says of sizes is measured.
func TestSizes(t *testing.T) {
	l := newLab(t.TempDir(), true)
	require.NoError(t, os.Chmod(l.dir, 0o711))
	t.Cleanup(func() { require.NoError(t, l.close()) })
	sizes, err := sizesOf(l)
	require.NoError(t, err)
	require.Len(t, sizes, 3)
	for _, s := range sizes {
		require.NotEmpty(t, s.Mark)
	}
}
