// Package skew says how far the clocks of two processes may stand apart.
package skew

import "time"

// Tolerance is how far a stored time may lie in the future before the code
// takes it for the work of a clock that was put back since.
const Tolerance = 30 * time.Second
