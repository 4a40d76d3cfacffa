// Package skew defines how far the clocks of two processes may be apart.
package skew

import "time"

// Tolerance is how far a stored time may lie in the future before the code
// concludes that a clock was ahead and has been put back since.
const Tolerance = 30 * time.Second
