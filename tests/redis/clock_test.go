package redis_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store/redisstore"
	"github.com/totpflow/totpflow/tests/clocks"
)

// The clock of service and store jumps, and stands where numbers of 32 bits end:
// nobody gets in who should not, and everybody does when it is right again.
func TestClocks(t *testing.T) {
	clock := clocks.NewClock()
	s, _ := open(t, shared, redisstore.Options{Prefix: prefix(), Now: clock.Now})
	seen, err := clocks.Live(t.Context(), s, clock)
	require.NoError(t, err)
	t.Logf("Redis: %v", seen)
}
