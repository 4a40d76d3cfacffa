package event

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// A SprayDetector is an [Observer] that watches all accounts together for wrong codes after
// right passwords. An attacker with a list of leaked passwords tries a few codes on each
// of many accounts and stays within every account's budget of guesses; only the sum
// reveals the attack.
//
// The alarm is raised when more than Refusals guesses (the kinds [CodeRejected],
// [RecoveryRejected] and [Throttled], but not the wrong code of an enrollment, since the
// person at the page can read its secret) on at least Accounts different accounts
// fall into one minute, and not again until there was a minute without such a
// crowd. A minute is sixty seconds of [Event.At], wherever they begin. Each
// process counts what its own observer hears; where there are several, divide
// the limits among them or feed one SprayDetector from the host's log.
//
// A detector remembers Refusals+1 events and Accounts names, however many events arrive.
// It counts an event only once, and does not count one that arrives a minute late or
// more. If more than Refusals late events arrive in a row, the clock was set back, and
// the detector starts again with them.
//
// The zero SprayDetector is ready. It is safe for concurrent use; its fields must not be
// changed after its first use. It must not be copied.
type SprayDetector struct {
	// Refusals is the number of guesses that is normal in a minute. 0 or less means 50.
	// People mistype one code in twenty or so: look at your busiest morning.
	Refusals int
	// Accounts is the number of accounts that the guesses must be spread over, so that
	// one person or one script raises no alarm. 0 or less means 20.
	Accounts int
	// Alarm is called with a burst's last guesses, oldest first. Assume that the
	// passwords of their accounts are known to the attacker. The request that caused it
	// waits for Alarm to return, so hand slow work to another goroutine. Nil logs an
	// error to [slog.Default].
	Alarm func(ctx context.Context, guesses []Event)

	mu      sync.Mutex
	newest  time.Time
	late    int                   // how many in a row came late
	guesses []Event               // the newest, oldest first
	names   map[account]time.Time // the accounts that were guessed at last, and when
	crowded time.Time             // when there was last a crowd
}

type account struct{ tenant, user string }

const (
	ordinaryRefusals = 50
	crowdAccounts    = 20
	crowdMinute      = time.Minute
)

// Observe counts e.
func (f *SprayDetector) Observe(ctx context.Context, e Event) {
	if e.Kind != CodeRejected && e.Kind != RecoveryRejected && e.Kind != Throttled || e.Method == confirmation {
		return
	}
	if guesses := f.count(e.Clean()); guesses != nil {
		f.raise(ctx, guesses)
	}
}

func (f *SprayDetector) raise(ctx context.Context, guesses []Event) {
	if f.Alarm != nil {
		f.Alarm(ctx, guesses)
		return
	}
	slog.ErrorContext(ctx, "totpflow: many accounts are being guessed at with the right passwords",
		"guesses", len(guesses), "accounts", f.accounts(), "since", guesses[0].At)
}

func (f *SprayDetector) refusals() int {
	if f.Refusals <= 0 {
		return ordinaryRefusals
	}
	return f.Refusals
}

func (f *SprayDetector) accounts() int {
	if f.Accounts <= 0 {
		return crowdAccounts
	}
	return f.Accounts
}

// count returns the guesses when a burst begins with e.
func (f *SprayDetector) count(e Event) []Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.follow(e.At) {
		return nil
	}
	f.keepGuess(e)
	f.keepName(account{e.Tenant, e.User}, e.At)
	if !f.crowd() {
		return nil
	}
	was := f.crowded
	f.crowded = f.newest
	if !was.IsZero() && f.newest.Sub(was) < crowdMinute {
		return nil // the same burst goes on
	}
	return slices.Clone(f.guesses)
}

// follow moves the minute forward, and reports whether a guess at the given time can be
// in it.
func (f *SprayDetector) follow(at time.Time) bool {
	if f.newest.Sub(at) < crowdMinute {
		f.late = 0
		if at.After(f.newest) {
			f.newest = at
		}
		return true
	}
	// A clock that was ahead and was corrected must not blind the detector until its time
	// arrives.
	if f.late++; f.late <= f.refusals() {
		return false
	}
	f.newest, f.late, f.guesses, f.names, f.crowded = at, 0, nil, nil, time.Time{}
	return true
}

// keepGuess keeps the newest guesses, and no more than can make a crowd.
func (f *SprayDetector) keepGuess(e Event) {
	i := len(f.guesses)
	for i > 0 && f.guesses[i-1].At.After(e.At) {
		i--
	}
	for j := i; j > 0 && f.guesses[j-1].At.Equal(e.At); j-- {
		if same(f.guesses[j-1], e) {
			return
		}
	}
	if len(f.guesses) <= f.refusals() {
		f.guesses = slices.Insert(f.guesses, i, e)
	} else if i > 0 { // drops the oldest
		copy(f.guesses, f.guesses[1:i])
		f.guesses[i-1] = e
	}
}

// same reports whether one event was reported twice. Those with number 0 are reported
// once.
func same(a, b Event) bool {
	return a.Number != 0 && a.Number == b.Number && a.Tenant == b.Tenant && a.User == b.User
}

// keepName keeps the accounts that were guessed at last.
func (f *SprayDetector) keepName(who account, at time.Time) {
	if f.names == nil {
		f.names = make(map[account]time.Time)
	}
	if last, ok := f.names[who]; ok || len(f.names) < f.accounts() {
		if at.After(last) {
			f.names[who] = at
		}
		return
	}
	if oldest, last := f.oldestName(); at.After(last) {
		delete(f.names, oldest)
		f.names[who] = at
	}
}

func (f *SprayDetector) oldestName() (oldest account, at time.Time) {
	at = latest
	for who, last := range f.names {
		if last.Before(at) {
			oldest, at = who, last
		}
	}
	return oldest, at
}

// crowd reports whether the guesses and the accounts are too many for the
// minute that ends with the newest. The detector keeps just enough to decide that.
func (f *SprayDetector) crowd() bool {
	if len(f.guesses) <= f.refusals() || len(f.names) < f.accounts() {
		return false
	}
	_, name := f.oldestName()
	return f.newest.Sub(f.guesses[0].At) < crowdMinute && f.newest.Sub(name) < crowdMinute
}
