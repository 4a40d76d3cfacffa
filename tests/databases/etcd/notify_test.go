package etcd_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/tests/rigs/notify"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// See the rig: no message is lost, whenever the process is killed.
func TestKilledWhileTelling(t *testing.T) {
	s, where := shared(t, alone)
	told, err := notify.Kill(t.Context(), s, "notify", where, race.Rounds(2, 20))
	t.Logf("etcd: told %v", told)
	require.NoError(t, err)
}

// See the rig: a notifier in trouble with some people tells all others.
func TestNotifierInTrouble(t *testing.T) {
	s, _ := shared(t, alone)
	require.NoError(t, notify.Trouble(t.Context(), s))
}
