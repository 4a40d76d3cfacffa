// Package burst holds back repeated lines of a log, so that nobody can fill a disk with
// them, and counts the lines that it held back.
package burst

import (
	"sync"
	"time"
)

// Length is how long a line holds back its repetitions.
const Length = time.Minute

// A Log lets one line of a key pass in a [Length], and remembers a bounded number of
// keys. It is safe for concurrent use.
type Log[K comparable] struct {
	most  int  // keys that are remembered
	drops bool // whether lines of further keys are held back

	mu        sync.Mutex
	bursts    map[K]burst
	elsewhere int // held back since the last line, of keys that are not remembered
	purged    time.Time
}

type burst struct {
	began time.Time
	held  int // held back since then
}

// New returns a Log that remembers up to most keys. When they are used up it forgets all
// of them, which costs each key one more line; [NewStrict] holds back the lines of
// further keys instead.
func New[K comparable](most int) *Log[K] { return &Log[K]{most: most, bursts: make(map[K]burst)} }

// NewStrict returns a Log that lets at most most lines pass in a [Length], whatever the
// number of keys is.
func NewStrict[K comparable](most int) *Log[K] {
	l := New[K](most)
	l.drops = true
	return l
}

// Pass reports whether the line of key passes, how many of its key were held back before
// it, and how many of other keys that are no longer remembered.
func (l *Log[K]) Pass(key K, at time.Time) (held, elsewhere int, pass bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.bursts[key]
	if known && b.live(at) {
		b.held++
		l.bursts[key] = b
		return 0, 0, false
	}
	if !known && len(l.bursts) >= l.most && !l.makeRoom(at) {
		l.elsewhere++
		return 0, 0, false
	}
	elsewhere, l.elsewhere = l.elsewhere, 0
	l.bursts[key] = burst{began: at}
	return b.held, elsewhere, true
}

// live reports whether the burst still holds back lines. A clock that was set back ends
// it.
func (b burst) live(at time.Time) bool { age := at.Sub(b.began); return 0 <= age && age < Length }

// makeRoom reports whether there is room for another key, once it has forgotten others.
func (l *Log[K]) makeRoom(at time.Time) bool {
	if age := at.Sub(l.purged); l.drops && 0 <= age && age < time.Second { // goes through all of them, at most once a second
		return false
	}
	l.purged = at
	for key, b := range l.bursts {
		if !l.drops || !b.live(at) {
			l.elsewhere += b.held
			delete(l.bursts, key)
		}
	}
	return len(l.bursts) < l.most
}
