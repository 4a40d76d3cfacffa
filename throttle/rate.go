package throttle

import (
	"slices"
	"time"
)

// maxRate bounds what a Rate keeps.
const maxRate = 100

// A Rate allows a number of attempts in a period, right or wrong. It is exact: no period
// of that length, wherever it begins, has more. The zero Rate is fresh. It is a value, as
// [Budget] is, and encodes to at most 1 KiB.
type Rate struct {
	taken []int64 // when, in seconds, oldest first
}

// IsZero reports whether r is fresh.
func (r Rate) IsZero() bool { return len(r.taken) == 0 }

// Take takes one of n attempts in any period of length per, or returns an [*Error] with
// the time of the next one. Write the result before the attempt is answered. More than
// 100 count as 100; n or per below 1 allow nothing. A clock that stepped back frees
// nothing.
func (r Rate) Take(at time.Time, n int, per time.Duration) (Rate, error) {
	if n < 1 || per <= 0 {
		return r, &Error{}
	}
	n = min(n, maxRate)
	now, length := floor(at), seconds(per)
	live := slices.DeleteFunc(slices.Clone(r.taken), func(t int64) bool { return now-t >= length })
	if len(live) >= n {
		return r, until(at, live[len(live)-n]+length)
	}
	live = append(live, ceil(at))
	slices.Sort(live)
	return Rate{live}, nil
}
