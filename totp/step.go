package totp

import "time"

// Step is T of RFC 6238, section 4.2: the number of whole periods since 1970. The zero Step stands for "none accepted
// yet" where [Key.Verify] asks for the last one; the period that really has this number was over on 1 January 1970.
type Step int64

// maxWindow bounds what one submission may cost and how many codes are right at a time.
const maxWindow = 5

// Window is how many steps before and after the current one are also accepted, for codes
// that took a while to arrive and for clocks that are a little off. Past+Future+1 is at
// most 5, and neither is negative, otherwise [ErrWindow]. The zero Window accepts the
// current step only.
//
// Each additional step is one more code that a guess may hit. RFC 6238, section 5.2,
// recommends at most one for the delay.
type Window struct {
	Past, Future int // steps
}

// Standard returns {1, 1}, which tolerates a clock that is up to one period wrong in
// either direction.
func Standard() Window { return Window{Past: 1, Future: 1} }

// valid bounds each side alone first: the sum of two huge numbers may be small.
func (w Window) valid() bool {
	return w.Past >= 0 && w.Past < maxWindow &&
		w.Future >= 0 && w.Future < maxWindow &&
		w.Past+w.Future+1 <= maxWindow
}

// Step returns the step that contains at. It is negative before 1970, and 0 for the zero
// Key.
func (k Key) Step(at time.Time) Step {
	if k.IsZero() {
		return 0
	}
	return k.reveal().params.step(at)
}

// Start returns when s begins, in UTC. s is a step that [Key.Step] or [Key.Verify] returned. For the zero Key it is the
// zero Time.
func (k Key) Start(s Step) time.Time {
	if k.IsZero() {
		return time.Time{}
	}
	return time.Unix(int64(s)*k.reveal().params.seconds(), 0).UTC()
}

// step divides rounding down. Go rounds towards zero, which would make the period before 1970 a second step 0.
func (p Params) step(at time.Time) Step {
	sec, period := at.Unix(), p.seconds()
	step := sec / period
	if sec%period < 0 {
		step--
	}
	return Step(step)
}
