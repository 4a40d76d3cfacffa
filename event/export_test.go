package event

// Held returns how many guesses and how many accounts f remembers.
func (f *SprayDetector) Held() (guesses, accounts int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.guesses), len(f.names)
}

// Weight returns the weight that e is counted with.
func Weight(e Event) int { return e.weight() }

// MaxWeight bounds the sum of the weights.
const MaxWeight = maxWeight
