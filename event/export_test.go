package event

// Held returns how many guesses and how many accounts f remembers.
func (f *SprayDetector) Held() (guesses, accounts int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.guesses), len(f.names)
}
