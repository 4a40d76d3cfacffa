package redis_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store/redisstore"
	"github.com/totpflow/totpflow/tests/rigs/clocks"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// The clocks of service and store jump, and are set to where numbers of 32 bits end:
// nobody gets in who should not, and everybody does when they are right again.
func TestClocks(t *testing.T) {
	clock := clocks.NewClock()
	s, _ := open(t, shared, redisstore.Options{Prefix: prefix(), Now: clock.Now})
	seen, err := clocks.Live(t.Context(), s, clock)
	require.NoError(t, err)
	t.Logf("Redis: %v", seen)
}

// A quarantine that began while the clock was an hour ahead is not over when it is
// right again, and ends without help.
func TestQuarantineByAClockAhead(t *testing.T) {
	clock, server := clocks.NewClock(), begin(t)
	s, _ := open(t, server, redisstore.Options{Now: clock.Now})
	require.NoError(t, race.Step(t.Context(), s))
	require.NoError(t, server.Kill())
	require.NoError(t, server.Start())
	s = redisstore.New(dial(t, server), redisstore.Options{Now: clock.Now})
	clock.Advance(time.Hour)
	until := clock.Now().Add(5 * time.Minute)
	for _, at := range []time.Time{clock.Now(), clock.Now().Add(-time.Hour), until.Add(-time.Millisecond)} {
		clock.Set(at)
		_, err := s.Get(t.Context(), race.Alice)
		requireQuarantine(t, err, until)
		requireQuarantine(t, race.Step(t.Context(), s), until)
	}
	clock.Set(until)
	require.NoError(t, race.Step(t.Context(), s))
}
