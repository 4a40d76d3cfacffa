package etcd_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/storetest"
	"github.com/totpflow/totpflow/tests/rigs/race"
	"github.com/totpflow/totpflow/tests/tools/servers"
)

// Servers that are newer than Debian's do the same: the newest in the test command, all in
// the long form of the rigs.
func TestReleases(t *testing.T) {
	for _, number := range []string{"37", "36", "35"}[:race.Rounds(1, 3)] {
		t.Run(number, func(t *testing.T) {
			begin := built(t, number)
			t.Run("Conformance", func(t *testing.T) {
				client := dial(t, begin(t, 1, "unsafe-no-fsync")...)
				storetest.Run(t, func(*testing.T) store.Store { return newDamaging(client) })
			})
			t.Run("ConformanceOfCluster", func(t *testing.T) {
				client := dial(t, begin(t, 3, "unsafe-no-fsync")...)
				storetest.Run(t, func(*testing.T) store.Store { return newDamaging(client) })
			})
			t.Run("Race", func(t *testing.T) { raceFor(t, 50, begin(t, 1, "unsafe-no-fsync")...) })
			for name, test := range map[string]func(*testing.T, starter){
				"TokenExpires": tokenExpires, "Rights": rights, "RightsWithoutSpace": rightsWithoutSpace, "NoSpace": noSpace, "LayoutGolden": layoutGolden,
				"AcknowledgedSurvivesKill": acknowledgedSurvivesKill, "FailoverReplay": failoverReplay, "OldLeader": oldLeader,
			} {
				t.Run(name, func(t *testing.T) { test(t, begin) })
			}
		})
	}
}

// built returns the starter of a server that is built from source.
func built(t *testing.T, number string) starter {
	// Not t.TempDir, which may be in a folder that the servers' user may not enter.
	dir, err := os.MkdirTemp("", "totpflow-etcd-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o711))
	program, err := servers.BuildEtcd(t.Context(), number, dir)
	require.NoError(t, err)
	return func(t *testing.T, size int, settings ...string) []servers.Etcd {
		t.Helper()
		members, err := program.Start(size, settings...)
		return closing(t, members, err)
	}
}
