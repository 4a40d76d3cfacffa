package throttle_test

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/throttle"
)

// An attacker knows the password and guesses whenever the budget allows it, for two
// years, with the clock set to the very moment at which it opens. The owner signs in
// meanwhile, which ends the waits, and adds and removes authenticators, which changes the
// price.
type siege struct {
	name    string
	owner   time.Duration        // the interval of sign-ins; 0 never
	chances func(guess int) int  // of each guess
	patient func(guess int) bool // does the attacker lose an hour before this guess?
}

func never(int) bool { return false }

var sieges = []siege{
	{"one authenticator", 0, func(int) int { return 3 }, never},
	{"one authenticator, the owner signs in every hour", time.Hour, func(int) int { return 3 }, never},
	{"one authenticator, the owner signs in all the time", 5 * time.Minute, func(int) int { return 3 }, never},
	{"five authenticators", time.Hour, func(int) int { return 15 }, never},
	{"one live code by phone", time.Hour, func(int) int { return 1 }, never},
	{"one, then five, in turn", time.Hour, func(n int) int { return 3 + 12*(n%2) }, never},
	{"any number, any window", 30 * time.Minute, func(n int) int { return 1 + n*7%25 }, never},
	{"fills up with small change", time.Hour, func(n int) int { return []int{15, 15, 15, 10, 3, 1, 1}[n%7] }, never},
	{"never twice in an hour", 0, func(int) int { return 1 }, func(int) bool { return true }},
	{"now and then", 3 * time.Hour, func(int) int { return 3 }, func(n int) bool { return n%5 == 0 }},
}

// play returns every charge, and the greatest length of the stored budget.
func (s siege) play(t *testing.T, p throttle.Profile) (charges []modelCharge, longest int) {
	var b throttle.Budget
	now, end := start, start.Add(2*year)
	signsIn := now.Add(s.owner)
	for n := 0; now.Before(end); n++ {
		if s.patient(n) {
			now = now.Add(time.Hour)
		}
		chances := s.chances(n)
		for {
			for s.owner > 0 && !signsIn.After(now) {
				b = b.Succeed(signsIn, fmt.Sprint("owner ", signsIn))
				signsIn = signsIn.Add(s.owner)
			}
			e, refused := b.Allow(now, p, chances).(*throttle.Error)
			if !refused {
				break
			}
			next := e.Until
			if s.owner > 0 && signsIn.Before(next) {
				if b.Succeed(signsIn, "owner").Allow(signsIn, p, chances) == nil {
					next = signsIn
				} else { // nothing but time helps: skip the owner's sign-ins until then
					for !signsIn.After(next) {
						signsIn = signsIn.Add(s.owner)
					}
				}
			}
			now = next
		}
		b = b.Fail(now, p, fmt.Sprint("attacker ", n), chances)
		charges = append(charges, modelCharge{at: now, chances: chances})
		if n%64 == 0 {
			longest = max(longest, len(encode(t, b)))
		}
	}
	return charges, longest
}

// A year's guessing succeeds with 9.0e-4 at most, in any 365 days and with
// whatever mixture of prices.
func TestYearOfGuessing(t *testing.T) {
	p := throttle.Default()
	for _, s := range sieges {
		t.Run(s.name, func(t *testing.T) {
			charges, longest := s.play(t, p)
			m := &model{charges: charges}
			most := 0
			for i, c := range charges {
				require.LessOrEqual(t, windowed(charges[:i+1], c.at, day), p.Day)
				require.LessOrEqual(t, windowed(charges[:i+1], c.at, month), p.Month)
				spent := windowed(charges[:i+1], c.at, year)
				require.LessOrEqual(t, spent, p.Year)
				most = max(most, spent)
			}
			require.Greater(t, most, p.Year*8/10, "the attacker must come near the limit, or the test shows nothing")
			require.LessOrEqual(t, odds(m.charges, year), 9.0e-4)
			require.Less(t, longest, 4<<10)
			t.Logf("%d guesses in two years; at most %d chances and %.3g in 365 days; at most %d bytes", len(charges), most, odds(charges, year), longest)
		})
	}
}

func windowed(charges []modelCharge, now time.Time, window time.Duration) (n int) {
	for i := len(charges) - 1; i >= 0 && now.Sub(charges[i].at) < window; i-- {
		n += charges[i].chances
	}
	return n
}

// odds returns the probability that one of the guesses of a window is right, the greatest
// over all windows. Each account's is the same, so a million attackers need no dice.
func odds(charges []modelCharge, window time.Duration) (worst float64) {
	for i := range charges {
		miss := 1.0
		for j := i; j >= 0 && charges[i].at.Sub(charges[j].at) < window; j-- {
			miss *= 1 - float64(charges[j].chances)/1e6
		}
		worst = max(worst, 1-miss)
	}
	return worst
}

// The attacker fails four times, which never locks anybody; the owner then mistypes once
// and signs in; every day of a year.
func TestOwnersSuccessDoesNotRefill(t *testing.T) {
	p := throttle.Default()
	var b throttle.Budget
	guesses, kept := 0, 0
	for d := range 365 {
		morning := start.Add(time.Duration(d) * day)
		for i := range 4 {
			at := morning.Add(time.Duration(i) * time.Minute)
			if b.Allow(at, p, guess) == nil {
				b = b.Fail(at, p, fmt.Sprint("attacker ", d, i), guess)
				guesses++
			}
		}
		at := morning.Add(5 * time.Minute)
		challenge := fmt.Sprint("owner ", d)
		if b.Allow(at, p, guess) == nil {
			b = b.Fail(at, p, challenge, guess)
		} else {
			kept++
		}
		b, _ = b.Pair(at, p) // the owner's way in when the attacker has spent it all
		b = reread(t, b.Succeed(at.Add(time.Minute), challenge))
		require.Equal(t, guesses*guess, charged(b, at, year), "day %d", d)
	}
	require.LessOrEqual(t, guesses, 300)
	require.Greater(t, guesses, 290)
	require.NotZero(t, kept)
}

// Ten sign-ins a day with one mistyped code: 365 wrong codes a year, and the owner is
// never locked.
func TestHonestOwnerNeverWaits(t *testing.T) {
	p := throttle.Default()
	var b throttle.Budget
	for n := range 3650 {
		at := start.Add(time.Duration(n) * 144 * time.Minute)
		challenge := fmt.Sprint(n)
		require.NoError(t, b.Allow(at, p, guess))
		if n%10 == 0 {
			b = b.Fail(at, p, challenge, guess)
			at = at.Add(20 * time.Second)
			require.NoError(t, b.Allow(at, p, guess))
		}
		b = b.Succeed(at, challenge)
	}
	require.True(t, b.IsZero(), "nothing is left of it")
}

// Pairs add little: an attacker who tries one whenever the counter allows it, for a year,
// while the owner signs in all the time, is right with a probability of 3.2e-6 for each
// authenticator. Of 10^12 pairs of codes three are right at a time (package totp,
// TestPairsThatPass). The counter remembers some minutes, so that each month is like the
// one before.
func TestYearOfPairs(t *testing.T) {
	const right, pairs = 3.0, 1e12
	p := throttle.Default()
	var b throttle.Budget
	tries := 0
	for now, signsIn := start, start; now.Before(start.Add(month)); {
		next, err := b.Pair(now, p)
		if err == nil {
			b, tries = next, tries+1
			continue
		}
		var e *throttle.Error
		require.ErrorAs(t, err, &e)
		now = e.Until
		for ; !signsIn.After(now); signsIn = signsIn.Add(5 * time.Minute) {
			b = b.Succeed(signsIn, "owner")
		}
	}
	one := float64(tries) * float64(year) / float64(month) * right / pairs
	t.Logf("%d tries, %.3g for one authenticator, %.3g for five", tries, one, 5*one)
	require.Greater(t, one, 3.1e-6, "the attacker must come near the limit, or the test shows nothing")
	require.Less(t, one, 3.2e-6)
	require.Less(t, 5*one, 1.6e-5)
}

// Everything that a year's guessing can win with the right password: single codes, pairs
// for five authenticators, and recovery codes of 80 bits, ten of them and one that was
// issued, at ten tries an hour.
func TestYearOfEverything(t *testing.T) {
	const single, pairs = 9.0e-4, 1.6e-5 // TestYearOfGuessing, TestYearOfPairs
	recovery := 10.0 * 24 * 365 * 11 / math.Exp2(80)
	all := 1 - (1-single)*(1-pairs)*(1-recovery)
	t.Logf("%.4g, of which recovery codes are %.2g", all, recovery)
	require.Less(t, all, 9.2e-4)
	require.Greater(t, all, 9.1e-4)
}

// The windows of the default in guesses, by the price of one guess.
func TestGuessesOfTheWindows(t *testing.T) {
	p := throttle.Default()
	for _, tt := range []struct{ chances, day, month, year int }{
		{1, 60, 300, 900}, // a live code by phone
		{3, 20, 100, 300},
		{15, 4, 20, 60}, // five authenticators
	} {
		for _, w := range []struct {
			length time.Duration
			most   int
		}{{day, tt.day}, {month, tt.month}, {year, tt.year}} {
			var b throttle.Budget
			guesses, now := 0, start
			for now.Before(start.Add(w.length)) {
				var e *throttle.Error
				if errors.As(b.Allow(now, p, tt.chances), &e) {
					now = e.Until
					continue
				}
				b = b.Fail(now, p, fmt.Sprint(guesses), tt.chances)
				b = b.Succeed(now, "owner") // the owner, who ends the waits
				guesses++
			}
			require.Equal(t, w.most, guesses, "%d chances in %v", tt.chances, w.length)
		}
	}
}
