package welch

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// The ten extra hours of sleep of W. S. Gosset, "The probable error of a mean"
// (Biometrika 6, 1908), as R's t.test(extra ~ group) compares them.
func TestT(t *testing.T) {
	var a, b samples
	for _, x := range []float64{0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0} {
		a.add(x)
	}
	for _, x := range []float64{1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4} {
		b.add(x)
	}
	require.InDelta(t, -1.8608, tOf(a, b), 0.0001)
	require.Zero(t, tOf(a, samples{}))
	require.False(t, math.IsNaN(tOf(a, samples{})))
}
