package race

import "fmt"

// Figures are what a rig did, and the answers that it got.
type Figures struct {
	Rounds      int
	Attempts    int // in all rounds
	Successes   int
	Refused     int // with an answer, such as "already used"
	Unavailable int // without one: whether they wrote is unknown
}

// String returns one line.
func (f Figures) String() string {
	return fmt.Sprintf("%d rounds, %d attempts, %d successes, %d refused, %d unavailable",
		f.Rounds, f.Attempts, f.Successes, f.Refused, f.Unavailable)
}

// Add adds the figures of another process or another round. Rounds stay.
func (f *Figures) Add(more Figures) {
	f.Attempts += more.Attempts
	f.Successes += more.Successes
	f.Refused += more.Refused
	f.Unavailable += more.Unavailable
}
