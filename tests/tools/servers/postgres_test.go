package servers_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/tests/tools/servers"
)

// The memory that a killed server leaves outside of its folder is removed as well.
func TestKilledPostgreSQLLeavesNoMemory(t *testing.T) {
	p, err := servers.StartPostgreSQL()
	require.NoError(t, err)
	defer p.Close()
	text, err := os.ReadFile(filepath.Join(p.Dir(), "data", "postmaster.pid"))
	require.NoError(t, err)
	segment := strings.Fields(strings.Split(string(text), "\n")[6])
	require.Len(t, segment, 2)
	require.Contains(t, segments(t), segment[1])
	require.NoError(t, p.Close())
	require.NotContains(t, segments(t), segment[1])
}

// segments returns the numbers of all segments of System V memory.
func segments(t *testing.T) (all []string) {
	text, err := os.ReadFile("/proc/sysvipc/shm")
	require.NoError(t, err)
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
		all = append(all, strings.Fields(line)[1])
	}
	return all
}
