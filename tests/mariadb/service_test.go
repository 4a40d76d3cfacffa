package mariadb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/tests/service"
)

// Whole flows of the service in two processes with 64 goroutines each: one code,
// one recovery code, one set-up, one trusted browser and one budget, at the same
// moment.
func TestService(t *testing.T) {
	dsn := database(t)
	s, _ := open(t, dsn)
	for _, rig := range service.Rigs() {
		t.Run(rig.Name, func(t *testing.T) {
			saw, err := rig.Run(s, "service", dsn)
			t.Logf("MariaDB, %s: %v", rig.Name, saw)
			require.NoError(t, err)
		})
	}
}
