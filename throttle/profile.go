package throttle

import (
	"errors"
	"fmt"
	"time"
)

// A Profile is the set of limits. It is the caller's configuration and not part of a
// [Budget]: a changed Profile applies to past charges as well. Durations count in
// whole seconds, rounded up. The zero Profile allows nothing.
type Profile struct {
	Free      int           // wrong codes in a row before the first wait
	FirstWait time.Duration // the first wait; each further wrong code doubles it
	MaxWait   time.Duration // the longest wait
	Forget    time.Duration // the run of wrong codes is forgotten after this long without one

	Day   int // chances in 24 hours, not cleared by a success; see the package comment
	Month int // chances in 30 days
	Year  int // chances in 365 days

	// InRow locks single codes after this many wrong ones in a row, whatever their pace.
	// Time does not open them again; a success by another way does. 0: no such limit.
	// NIST SP 800-63B-4 §3.2.2 wants 100 at most.
	InRow int

	PairEvery time.Duration // two consecutive codes may be tried once in this time,
	PairBurst int           // and this many times at once
}

// Default returns the limits for products: five wrong codes free, then waits
// from 30 s doubling to 1 h, forgotten after 24 h; 20 guesses a day, 100 in 30
// days and 300 in 365 days, each of 3 chances; two consecutive codes once in 30
// s and six at once.
func Default() Profile {
	return Profile{
		Free:      5,
		FirstWait: 30 * time.Second,
		MaxWait:   time.Hour,
		Forget:    24 * time.Hour,
		Day:       20 * 3,
		Month:     100 * 3,
		Year:      300 * 3,
		PairEvery: 30 * time.Second,
		PairBurst: 6,
	}
}

// Strict returns [Default] by the letter of NIST: 100 wrong codes in a row lock single
// codes until a success by another way.
func Strict() Profile {
	p := Default()
	p.InRow = 100
	return p
}

// ErrProfile is wrapped by the errors of [Profile.Validate].
var ErrProfile = errors.New("throttle: invalid profile")

// Validate refuses limits that contradict each other or that look like a mistake, such as
// a profile with a field left out.
func (p Profile) Validate() error {
	switch {
	case p.Free < 1:
		return fmt.Errorf("%w: at least one wrong code must be free", ErrProfile)
	case p.FirstWait <= 0 || p.MaxWait < p.FirstWait:
		return fmt.Errorf("%w: waits of %v to %v", ErrProfile, p.FirstWait, p.MaxWait)
	case p.Forget < p.MaxWait:
		return fmt.Errorf("%w: wrong codes are forgotten after %v, although the longest wait is %v", ErrProfile, p.Forget, p.MaxWait)
	case p.Day < 1 || p.Month < p.Day || p.Year < p.Month:
		return fmt.Errorf("%w: chances of %d, %d and %d", ErrProfile, p.Day, p.Month, p.Year)
	case p.Year > maxChances:
		return fmt.Errorf("%w: %d chances a year are not a limit", ErrProfile, p.Year)
	case p.InRow < 0:
		return fmt.Errorf("%w: %d in a row", ErrProfile, p.InRow)
	case p.PairEvery <= 0 || p.PairBurst < 1:
		return fmt.Errorf("%w: pairs %d at once, one in %v", ErrProfile, p.PairBurst, p.PairEvery)
	}
	return nil
}

// wait returns how long, in seconds, single codes wait after the given number of wrong
// ones in a row.
func (p Profile) wait(run int) int64 {
	if run < p.Free || run == 0 {
		return 0
	}
	wait, limit := seconds(p.FirstWait), seconds(p.MaxWait)
	for n := p.Free; n < run && wait < limit; n++ {
		wait *= 2
	}
	return min(wait, limit, seconds(p.Forget))
}

// windows returns the long windows, each as a length in seconds and a limit in chances.
func (p Profile) windows() [3]struct{ length, limit int64 } {
	const day = 24 * 60 * 60
	limit := func(chances int) int64 { return int64(min(chances, maxChances)) }
	return [3]struct{ length, limit int64 }{{day, limit(p.Day)}, {30 * day, limit(p.Month)}, {365 * day, limit(p.Year)}}
}

// seconds rounds up: a limit may last longer by less than a second, never
// shorter.
func seconds(d time.Duration) int64 {
	return int64((d + time.Second - 1) / time.Second)
}
