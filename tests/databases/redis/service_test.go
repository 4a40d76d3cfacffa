package redis_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store/redisstore"
	"github.com/totpflow/totpflow/tests/rigs/service"
)

// Whole flows of the service in two processes with 64 goroutines each: one code, one
// recovery code, one enrollment, one trusted browser and one budget, at the same moment.
// The same rigs must fail on a store that reads, compares and then writes.
func TestService(t *testing.T) {
	o := redisstore.Options{Prefix: prefix()}
	s, _ := open(t, shared, o)
	where := shared.Addr() + " " + o.Prefix
	for _, rig := range service.Rigs() {
		t.Run(rig.Name, func(t *testing.T) {
			saw, err := rig.Run(s, "service", where)
			t.Logf("Redis, %s: %v", rig.Name, saw)
			require.NoError(t, err)

			_, err = rig.Long().Run(s, "service-naive", where)
			require.Error(t, err)
			t.Logf("Redis, read and then write: %v", err)
		})
	}
}
