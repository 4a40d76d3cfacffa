package clocks_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/tests/rigs/clocks"
)

func TestLive(t *testing.T) {
	seen, err := clocks.Live(t.Context(), store.NewMemory(), clocks.NewClock())
	require.NoError(t, err)
	require.Positive(t, seen.Accepted)
	require.Positive(t, seen.Refused)
	t.Log(seen)
}

// Stores that keep times in too few bits, or answer from a replica that lags, are
// detected.
func TestLiveFinds(t *testing.T) {
	for name, s := range map[string]store.Store{
		"2038-01-19": timed{store.NewMemory(), func(at time.Time) time.Time { return time.Unix(int64(int32(at.Unix())), int64(at.Nanosecond())) }},
		"2106-02-07": timed{store.NewMemory(), func(at time.Time) time.Time { return time.Unix(int64(uint32(at.Unix())), int64(at.Nanosecond())) }},
		"2026-03-29": timed{store.NewMemory(), func(at time.Time) time.Time { return at.Truncate(time.Millisecond) }},
	} {
		_, err := clocks.Live(t.Context(), s, clocks.NewClock())
		require.ErrorContains(t, err, "the time comes back as another one", name)
		require.ErrorContains(t, err, name)
	}
	_, err := clocks.Live(t.Context(), &forgetful{Store: store.NewMemory()}, clocks.NewClock())
	require.ErrorContains(t, err, "a code is accepted twice")
}

// A timed store changes the times that it keeps.
type timed struct {
	store.Store
	keep func(time.Time) time.Time
}

func (s timed) Get(ctx context.Context, id store.AccountID) (store.Record, error) {
	rec, err := s.Store.Get(ctx, id)
	rec.Updated = s.keep(rec.Updated)
	return rec, err
}

// A forgetful store loses one write in six to an account that is set up.
type forgetful struct {
	store.Store
	writes int
}

func (s *forgetful) Put(ctx context.Context, rec store.Record, was store.Version) error {
	now, err := s.Get(ctx, rec.ID)
	if err == nil && now.State == "active" {
		if s.writes++; s.writes%6 == 0 {
			return nil
		}
	}
	return s.Store.Put(ctx, rec, was)
}
