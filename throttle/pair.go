package throttle

import "time"

// Pair takes one try of two consecutive codes from the counter, or returns an [*Error]
// with the time of the next one. It works while single codes are locked out and when
// their windows are exhausted. Write the result for every pair that is not malformed,
// whatever the answer: an answer that is free can be asked for without end. A right pair
// is followed by [Budget.Succeed], which does not give the try back.
func (b Budget) Pair(at time.Time, p Profile) (Budget, error) {
	now := floor(at)
	if p.PairBurst < 1 || p.PairEvery <= 0 {
		return b, &Error{}
	}
	left := b.pairs(now, p)
	s := b.s.clone()
	if left < 1 {
		over := int64(s.Pairs-p.PairBurst+1) * seconds(p.PairEvery) // the profile may have become stricter
		return b, until(at, s.Since+over)
	}
	taken := p.PairBurst - left
	if taken == 0 {
		s.Since = max(s.Since, ceil(at))
	} else {
		s.Since += int64(s.Pairs-taken) * seconds(p.PairEvery)
	}
	s.Pairs = taken + 1
	return Budget{s}, nil
}

// pairs returns how many tries are left. A clock that stepped back refills
// nothing until it is back where it was.
func (b Budget) pairs(now int64, p Profile) int {
	if p.PairBurst < 1 || p.PairEvery <= 0 {
		return 0
	}
	refilled := max(now-b.s.Since, 0) / seconds(p.PairEvery)
	taken := max(int64(b.s.Pairs)-refilled, 0)
	return int(max(int64(p.PairBurst)-taken, 0))
}
