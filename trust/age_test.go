package trust_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/trust"
)

func TestAge(t *testing.T) {
	_, r := newRing(t)
	token, browser := trust.Issue(r, ann, "", now)
	issued := browser.Issued
	day := 24 * time.Hour
	cases := []struct {
		name   string
		after  time.Duration // since the issue
		maxAge time.Duration
		want   error
	}{
		{"at once", 0, trust.DefaultAge, nil},
		{"last moment", 30 * day, 30 * day, nil},
		{"one nanosecond later", 30*day + 1, 30 * day, trust.ErrExpired},
		{"policy of 90 days", 90 * day, 90 * day, nil},
		{"cap of 90 days", 90*day + 1, 365 * day, trust.ErrExpired},
		{"cap, endless policy", 90*day + 1, 1<<63 - 1, trust.ErrExpired},
		{"under the cap, endless policy", 90 * day, 1<<63 - 1, nil},
		{"policy shortened since", 8 * day, 7 * day, trust.ErrExpired},
		{"policy shortened, still in", 7 * day, 7 * day, nil},
		{"policy zero", 0, 0, trust.ErrExpired},
		{"policy negative", 0, -time.Hour, trust.ErrExpired},
		{"policy negative, clock back", -20 * time.Second, -10 * time.Second, trust.ErrExpired},
		{"policy zero, clock back", -20 * time.Second, 0, trust.ErrExpired},
		{"clock back a little", -30 * time.Second, trust.DefaultAge, nil},
		{"clock back more", -30*time.Second - 1, trust.DefaultAge, trust.ErrClock},
		{"clock back years", -20000 * day, trust.DefaultAge, trust.ErrClock},
		{"centuries on", 100000 * day, 1<<63 - 1, trust.ErrExpired},
	}
	require.NotEmpty(t, cases)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b, err := trust.Check(r, ann, token, []trust.Browser{browser}, issued.Add(c.after), c.maxAge)
			if c.want == nil {
				require.NoError(t, err)
				return
			}
			refused(t, b, err, c.want)
		})
	}
	t.Run("zero time", func(t *testing.T) {
		b, err := trust.Check(r, ann, token, []trust.Browser{browser}, time.Time{}, trust.DefaultAge)
		refused(t, b, err, trust.ErrClock)
	})
	require.Equal(t, 30*day, trust.DefaultAge)
	require.Equal(t, 90*day, trust.MaxAge)
}

// Use does not prolong the trust, and a clock that is set back does not revive an expired
// browser that was seen since.
func TestSeen(t *testing.T) {
	_, r := newRing(t)
	token, browser := trust.Issue(r, ann, "", now)
	known := []trust.Browser{browser}
	at := browser.Issued
	for range 31 {
		b, err := trust.Check(r, ann, token, known, at, trust.DefaultAge)
		require.NoError(t, err)
		b.Seen = at
		known = trust.Remember(known, b)
		at = at.Add(24 * time.Hour)
	}
	require.Len(t, known, 1)
	b, err := trust.Check(r, ann, token, known, at, trust.DefaultAge)
	refused(t, b, err, trust.ErrExpired)

	seen := known[0].Seen
	_, err = trust.Check(r, ann, token, known, seen.Add(-30*time.Second), trust.DefaultAge)
	require.NoError(t, err)
	b, err = trust.Check(r, ann, token, known, seen.Add(-31*time.Second), trust.DefaultAge)
	refused(t, b, err, trust.ErrClock)
}
