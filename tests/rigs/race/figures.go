package race

import "fmt"

// Figures are what a rig did, and what it was answered.
type Figures struct {
	Rounds      int
	Attempts    int // in all rounds
	Successes   int
	Refused     int // with an answer, such as "already used"
	Unavailable int // without one: whether they wrote is unknown
}

// String is one line.
func (f Figures) String() string {
	return fmt.Sprintf("%d rounds, %d attempts, %d successes, %d refused, %d unavailable",
		f.Rounds, f.Attempts, f.Successes, f.Refused, f.Unavailable)
}

// Add counts what another process or another round saw. Rounds stay.
func (f *Figures) Add(more Figures) {
	f.Attempts += more.Attempts
	f.Successes += more.Successes
	f.Refused += more.Refused
	f.Unavailable += more.Unavailable
}
