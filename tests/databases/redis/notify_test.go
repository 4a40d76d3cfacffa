package redis_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store/redisstore"
	"github.com/totpflow/totpflow/tests/rigs/notify"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// See the rig: no message is lost, whenever the process is killed.
func TestKilledWhileTelling(t *testing.T) {
	o := redisstore.Options{Prefix: prefix()}
	s, _ := open(t, shared, o)
	told, err := notify.Kill(t.Context(), s, "notify", shared.Addr()+" "+o.Prefix, race.Rounds(2, 20))
	t.Logf("Redis: told %v", told)
	require.NoError(t, err)
}

// See the rig: a notifier in trouble with some people tells all others.
func TestNotifierInTrouble(t *testing.T) {
	s, _ := open(t, shared, redisstore.Options{Prefix: prefix()})
	require.NoError(t, notify.Trouble(t.Context(), s))
}
