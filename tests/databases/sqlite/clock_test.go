package sqlite_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/tests/rigs/clocks"
)

// The service's clock jumps, and is set to where numbers of 32 bits end: nobody gets in
// who should not, and everybody does when it is right again.
func TestClocks(t *testing.T) {
	each(t, func(t *testing.T, d driver) {
		s, _ := d.open(t, file(t), wal)
		seen, err := clocks.Live(t.Context(), s, clocks.NewClock())
		require.NoError(t, err)
		t.Logf("SQLite (%s): %v", d.name, seen)
	})
}
