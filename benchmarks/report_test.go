package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The document has a row for each work, with its conditions. The reason for a goal that is missed quotes other rows.
func TestReport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "performance.md")
	w := work{name: "QR", title: "the picture", goal: faster(12), base: bareCheck}
	half := figure{median: 2, low: 1, high: 3}
	all := []result{
		{work: work{name: "QR", variant: "png-floor"}, base: figure{median: 1.07e6}},
		{work: work{name: "QR", variant: "compression-floor"}, base: figure{median: 517e3}},
	}
	r := report{Rounds: 9, Welch: "same |t| 0.1", Machine: []string{"a machine"}, Rows: []row{
		rowOf(result{work: w, ours: figure{median: 1.5e6}, base: figure{median: 3e6}, ratio: half}, all),
		rowOf(result{work: w, ours: figure{median: 1}, base: figure{median: 24}, ratio: figure{24, 23, 25}}, all),
	}}
	require.NoError(t, r.write(path))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(text), "| the picture | 1.5 ms | 3 ms | 2.00 (1.00 to 3.00) | ≥ 12 × | missed: image/png alone takes 1.07 ms for")
	require.Contains(t, string(text), "the compression of the bits is 517 µs.")
	require.Contains(t, string(text), "| the picture | 1 ns | 24 ns | 24.00 (23.00 to 25.00) | ≥ 12 × | reached |")
	require.Contains(t, string(text), "same |t| 0.1")
}
