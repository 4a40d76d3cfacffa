package command

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An accepted length is the one that is shown, and never negative.
func FuzzParseLength(f *testing.F) {
	for _, s := range []string{"30d", "36h", "1h30m", "0", "-1h", "65536d", "1.5d", "d", "9223372036s", "none"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		age, refused := parseBrowserAge(text)
		d, err := parseLength("--grace", text)
		if err != nil {
			require.Zero(t, d)
			require.Equal(t, text == "none", refused == nil)
			return
		}
		require.GreaterOrEqual(t, d, time.Duration(0))
		again, err := parseLength("--grace", showLength(d))
		require.NoError(t, err)
		require.Equal(t, d, again)
		require.NoError(t, refused)
		require.NotZero(t, age, "in a policy nothing is the default, which is trust")
		require.True(t, age == d || d == 0 && age < 0)
	})
}

// A time is accepted only with its zone.
func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2026-12-31T18:00:00Z", "2026-12-31T18:00:00+25:00", "2026-12-31T18:00:00", "2026-12-31", "none", "now"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := parseDeadline(text)
		if err != nil || text == "none" {
			require.Zero(t, at)
			return
		}
		require.Equal(t, time.UTC, at.Location())
		require.Regexp(t, `(Z|[+-]\d\d:\d\d)$`, text)
		again, err := parseTime("--deadline", at.Format(time.RFC3339Nano))
		require.NoError(t, err)
		require.True(t, at.Equal(again))
	})
}
