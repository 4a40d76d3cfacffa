package sqlite_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/tests/rigs/service"
)

// Whole flows of the service in two processes with 64 goroutines each: one code,
// one recovery code, one enrollment, one trusted browser and one budget, at the same
// moment.
func TestService(t *testing.T) {
	for _, rig := range service.Rigs() {
		t.Run(rig.Name, func(t *testing.T) {
			path := file(t)
			s, _ := modernc.open(t, path, wal)
			saw, err := rig.Run(s, "service", modernc.where(path))
			t.Logf("SQLite, %s: %v", rig.Name, saw)
			require.NoError(t, err)
		})
	}
}
