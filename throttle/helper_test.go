package throttle_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/throttle"
)

// start is in the middle of an hour and of a second, where rounding shows.
var start = time.Date(2026, time.March, 28, 13, 17, 11, 250_000_000, time.UTC)

const (
	day   = 24 * time.Hour
	month = 30 * day
	year  = 365 * day
	guess = 3 // chances of a code compared with one authenticator over three steps
)

// refusal returns the error of Allow, or nil, and checks that the time in it is exact:
// refused a nanosecond before, allowed then.
func refusal(t *testing.T, b throttle.Budget, at time.Time, p throttle.Profile, chances int) *throttle.Error {
	t.Helper()
	err := b.Allow(at, p, chances)
	if err == nil {
		return nil
	}
	var e *throttle.Error
	require.ErrorAs(t, err, &e)
	require.ErrorIs(t, err, throttle.ErrThrottled)
	if !e.Until.IsZero() {
		require.Equal(t, e.Until.Sub(at), e.Wait, "the time to wait, by the clock of the attempt")
		require.True(t, at.Before(e.Until), "refused at %v until %v", at, e.Until)
		require.Error(t, b.Allow(e.Until.Add(-1), p, chances), "open before %v", e.Until)
		require.NoError(t, b.Allow(e.Until, p, chances), "closed at %v", e.Until)
	}
	return e
}

func until(t *testing.T, err error) time.Time {
	t.Helper()
	var e *throttle.Error
	require.ErrorAs(t, err, &e)
	return e.Until
}

// charged returns how many chances the budget counts in the last 24 hours, 30 or 365
// days, by searching for the limit at which it begins to refuse.
func charged(b throttle.Budget, at time.Time, window time.Duration) int {
	const most = 1_000_000
	low, high := 0, most
	for low < high {
		limit := (low + high) / 2
		p := throttle.Profile{Free: 1 << 30, FirstWait: 1, MaxWait: 1, Forget: day, Day: most, Month: most, Year: most}
		switch window {
		case day:
			p.Day = limit
		case month:
			p.Month = limit
		case year:
			p.Year = limit
		}
		if b.Allow(at, p, 1) == nil {
			high = limit
		} else {
			low = limit + 1
		}
	}
	return low - 1
}

type encoder interface{ Encode() []byte }

func encode(_ testing.TB, v encoder) string { return string(v.Encode()) }

// reread sends a budget through its stored form.
func reread(t testing.TB, b throttle.Budget) throttle.Budget {
	t.Helper()
	back, err := throttle.DecodeBudget(b.Encode())
	require.NoError(t, err)
	require.Equal(t, b.Encode(), back.Encode())
	return back
}

func throttled(err error) bool { return errors.Is(err, throttle.ErrThrottled) }
