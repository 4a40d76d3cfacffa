package throttle_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/throttle"
)

// hoursOf are the hours in the stored form, as pairs of distance and chances.
func hoursOf(t *testing.T, b throttle.Budget) []int64 {
	t.Helper()
	var s struct{ Hours []int64 }
	require.NoError(t, json.Unmarshal([]byte(encode(t, b)), &s))
	return s.Hours
}

// Of a stored budget every single field counts: whoever reads one of them alone
// as fresh gives guesses away.
func TestNoFieldIsFresh(t *testing.T) {
	for _, text := range []string{
		`{"v":1,"run":1,"row":1}`, `{"v":1,"row":1}`, `{"v":1,"last":1}`, `{"v":1,"hours":[5,1]}`,
		`{"v":1,"recent":[{"at":1,"chances":1,"challenge":"0123456789abcdef"}]}`, `{"v":1,"pairs":1}`, `{"v":1,"since":1}`,
	} {
		var b throttle.Budget
		require.NoError(t, json.Unmarshal([]byte(text), &b))
		require.False(t, b.IsZero(), text)
		require.Equal(t, text, encode(t, b))
	}
	require.Equal(t, `{"v":1}`, encode(t, throttle.Rate{}))
	r, err := throttle.Rate{}.Take(start, 1, time.Hour)
	require.NoError(t, err, "one is one")
	require.NoError(t, json.Unmarshal([]byte(`{"v":1}`), &r))
	require.Equal(t, throttle.Rate{}, r)
}

// The bounds of what is read are those of what is written, to the last number.
func TestDecodingBounds(t *testing.T) {
	charge := `{"at":1,"chances":1,"challenge":"0123456789abcdef"}`
	many := func(n int, one string) string { return strings.TrimSuffix(strings.Repeat(one+",", n), ",") }
	for text, good := range map[string]bool{
		`{"v":1,"row":1000000}`:                       true,
		`{"v":1,"pairs":1000000}`:                     true,
		`{"v":1,"pairs":1000001}`:                     false,
		`{"v":1,"hours":[5,1000000]}`:                 true,
		`{"v":1,"hours":[5,1000001]}`:                 false,
		`{"v":1,"hours":[305419896,1]}`:               true, // the last before the end of time
		`{"v":1,"hours":[305419897,1]}`:               false,
		`{"v":1,"hours":[` + many(1024, "1,1") + `]}`: true,
		`{"v":1,"hours":[` + many(1025, "1,1") + `]}`: false,
		`{"v":1,"recent":[` + many(64, charge) + `]}`: true,
		`{"v":1,"recent":[` + many(65, charge) + `]}`: false,
		strings.Replace(`{"v":1,"recent":[`+charge+`]}`, `"chances":1`, `"chances":1000000`, 1):   true,
		strings.Replace(`{"v":1,"recent":[`+charge+`]}`, `"chances":1`, `"chances":1000001`, 1):   false,
		strings.Replace(`{"v":1,"recent":[`+charge+`]}`, `"at":1`, `"at":9223372036854775807`, 1): false,
	} {
		var b throttle.Budget
		err := json.Unmarshal([]byte(text), &b)
		require.Equal(t, good, err == nil, "%.80s: %v", text, err)
	}
	var r throttle.Rate
	require.NoError(t, json.Unmarshal([]byte(`{"v":1,"taken":[`+many(100, "1")+`]}`), &r))
	require.ErrorIs(t, json.Unmarshal([]byte(`{"v":1,"taken":[`+many(101, "1")+`]}`), &r), throttle.ErrFormat)

	var b throttle.Budget
	require.NoError(t, json.Unmarshal([]byte(`{"v":1,"hours":[5,1],"hours":[6,1]}`), &b))
	require.Equal(t, `{"v":1,"hours":[6,1]}`, encode(t, b), "the last one, and not both")
}

// The limits of a valid profile are valid.
func TestValidateTakesTheLimits(t *testing.T) {
	for name, set := range map[string]func(*throttle.Profile){
		"one free":                func(p *throttle.Profile) { p.Free = 1 },
		"one wait":                func(p *throttle.Profile) { p.MaxWait = p.FirstWait },
		"forgets after the wait":  func(p *throttle.Profile) { p.Forget = p.MaxWait },
		"one chance":              func(p *throttle.Profile) { p.Day, p.Month, p.Year = 1, 1, 1 },
		"the most chances a year": func(p *throttle.Profile) { p.Year = 1_000_000 },
		"one pair":                func(p *throttle.Profile) { p.PairBurst = 1 },
	} {
		p := throttle.Default()
		set(&p)
		require.NoError(t, p.Validate(), name)
	}
}

// What is charged to one challenge is given back to it, up to 64 charges; one more
// is not forgotten for it, but stays for good.
func TestGiveBackIsBounded(t *testing.T) {
	p := throttle.Default()
	var b throttle.Budget
	for range 64 {
		b = b.Fail(start, p, "a", guess)
	}
	require.True(t, b.Succeed(start, "a").IsZero())
	b = b.Fail(start, p, "a", guess).Succeed(start, "a")
	require.Equal(t, guess, charged(b, start, day))
}

// An hour is kept for a year longer than it counts, and as many as 1024 of them.
func TestHoursAreKept(t *testing.T) {
	p := throttle.Default()
	hour := time.Date(2026, time.March, 28, 13, 0, 0, 0, time.UTC)
	b := throttle.Budget{}.Fail(hour.Add(time.Minute), p, "", guess)
	last := hour.Add(time.Hour + 2*year)
	require.Len(t, hoursOf(t, b.Fail(last, p, "", guess)), 4)
	require.Len(t, hoursOf(t, b.Fail(last.Add(time.Second), p, "", guess)), 2)

	b = throttle.Budget{}
	for i := range 1024 {
		b = b.Fail(hour.Add(time.Duration(i)*time.Hour), p, "", 1)
	}
	require.Len(t, hoursOf(t, b), 2*1024)
	require.Len(t, hoursOf(t, b.Fail(hour.Add(2000*time.Hour), p, "", 1)), 2*1024)
}

// A clock before 1970 is as good as any other.
func TestBefore1970(t *testing.T) {
	p := throttle.Default()
	for unix, hour := range map[int64]int64{-1: -1, -3600: -1, -3601: -2, 0: 0, 3599: 0, 7200: 2} {
		b := throttle.Budget{}.Fail(time.Unix(unix, 0), p, "", guess)
		require.Equal(t, []int64{hour, guess}, hoursOf(t, b), unix)
	}
	long := time.Unix(-1_000_000_000, 0)
	var b throttle.Budget
	for range 5 {
		b = b.Fail(long, p, "a", guess)
	}
	require.Equal(t, long.Add(30*time.Second).UTC(), refusal(t, b, long, p, guess).Until)
}

// A run is forgotten after the very second of Forget, and its wait grows to the
// longest and no further, however long the run is.
func TestRunToTheSecond(t *testing.T) {
	p := throttle.Default()
	b := throttle.Budget{}.Fail(start, p, "a", guess).Fail(start, p, "a", guess)
	require.Equal(t, 1, b.Fail(start.Add(day), p, "b", guess).ConsecutiveFailures())
	p.Day, p.Month, p.Year = 1_000_000, 1_000_000, 1_000_000
	for range 300 {
		b = b.Fail(start, p, "a", guess)
	}
	require.Equal(t, start.Add(750*time.Millisecond+p.MaxWait), refusal(t, b, start, p, guess).Until)
}

// Whoever waits is told whether a pair would do, and is told right.
func TestPairIsOfferedWhereItIsTaken(t *testing.T) {
	p := throttle.Default()
	for _, c := range []struct {
		burst  int
		every  time.Duration
		before int // pairs taken
		taken  bool
	}{
		{6, 10 * time.Second, 5, true}, {6, 10 * time.Second, 6, false}, {1, 10 * time.Second, 0, true}, {1, 10 * time.Second, 1, false},
		{0, 10 * time.Second, 0, false}, {-1, 10 * time.Second, 0, false}, {6, 0, 0, false}, {6, -1, 0, false},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			p.PairBurst, p.PairEvery = c.burst, c.every
			var b throttle.Budget
			for range 5 {
				b = b.Fail(start, p, "a", guess)
			}
			var err error
			for range c.before {
				b, err = b.Pair(start, p)
				require.NoError(t, err)
			}
			require.Equal(t, c.taken, refusal(t, b, start, p, guess).Pair)
			next, err := b.Pair(start, p)
			require.Equal(t, c.taken, err == nil)
			if !c.taken {
				require.Equal(t, b, next)
				require.Equal(t, c.before == 0, until(t, err).IsZero(), "waiting helps where there are pairs at all")
			}
		})
	}
}
