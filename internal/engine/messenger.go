package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/guard"
	"github.com/totpflow/totpflow/store"
)

const (
	// notifyTimeout is the longest time that the engine waits for one call of the
	// notifier.
	notifyTimeout = 30 * time.Second
	// lastWord is how long the engine then waits for a notifier that heeds its context.
	lastWord = time.Second
	// maxPlaces bounds how many accounts are notified at once. An event that finds no
	// place stays in its record.
	maxPlaces = 64
	// maxDeaf bounds the calls that have not returned although their deadline has passed. At
	// this limit no new call begins; up to maxPlaces may still be under way.
	maxDeaf = 256
	// maxStopped bounds how many accounts are remembered whose last pass ended early.
	maxStopped = 4096
)

var errDeaf = errors.New("engine: an earlier call of the notifier has not returned")

// A call of the notifier that is under way, or has ended.
type call struct {
	at    time.Time // the time of the notification: after an erasure numbers are given again
	ended chan struct{}
	err   error // once ended is closed
}

// A messenger calls the notifier, for each account by one goroutine of this process at
// a time.
type messenger struct {
	notifier event.Notifier
	places   chan struct{}

	mu      sync.Mutex
	running map[store.AccountID]bool     // true: there is more since it began
	deaf    map[store.AccountID]struct{} // the accounts whose call has not returned in time
	calls   map[store.AccountID]*call    // under way
	ended   map[store.AccountID]uint64   // the number of the notification with which a pass ended early
	busy    int
	idle    chan struct{} // closed when one has ended; nil while nobody waits
}

func newMessenger(n event.Notifier) *messenger {
	return &messenger{
		notifier: n, places: make(chan struct{}, maxPlaces),
		running: make(map[store.AccountID]bool), deaf: make(map[store.AccountID]struct{}), calls: make(map[store.AccountID]*call),
		ended: make(map[store.AccountID]uint64),
	}
}

// tells reports whether this process notifies anybody at all.
func (m *messenger) tells() bool { return m.notifier != nil && m.notifier != event.Deferred }

// enter reports whether the caller must notify about the account: it has taken the
// account's place, which only one caller can.
func (m *messenger) enter(id store.AccountID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.running[id]; there {
		m.running[id] = true
		return false
	}
	m.running[id] = false
	m.busy++
	return true
}

// next reports whether something new has arrived since the last call, or since enter.
// Otherwise it gives the account's place back in the same step: between two steps others
// could enter.
func (m *messenger) next(id store.AccountID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.running[id] {
		m.running[id] = false
		return true
	}
	delete(m.running, id)
	m.end()
	return false
}

// resume returns the number of the notification behind which the account's next pass
// begins, and forgets it.
func (m *messenger) resume(id store.AccountID) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	defer delete(m.ended, id)
	return m.ended[id]
}

// stopped remembers the notification that was tried last in a pass that ended early.
func (m *messenger) stopped(id store.AccountID, number uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.ended) >= maxStopped {
		clear(m.ended) // these accounts begin with their oldest
	}
	m.ended[id] = number
}

func (m *messenger) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy++
}

// end must be called with the lock.
func (m *messenger) end() {
	m.busy--
	if m.idle != nil { // Drain looks again
		close(m.idle)
		m.idle = nil
	}
}

// Drain waits until this process has nothing left to deliver, or until ctx ends.
func (e *Engine) Drain(ctx context.Context) error {
	m := e.messenger
	for {
		m.mu.Lock()
		if m.busy == 0 {
			m.mu.Unlock()
			return nil
		}
		if m.idle == nil {
			m.idle = make(chan struct{})
		}
		idle := m.idle
		m.mu.Unlock()
		select {
		case <-idle:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (m *messenger) begins(n event.Notification) *call {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := &call{at: n.Events[0].At, ended: make(chan struct{})}
	m.calls[store.AccountID{Tenant: n.Tenant, User: n.User}] = c
	return c
}

func (m *messenger) ends(n event.Notification, c *call, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c.err = err
	close(c.ended)
	if id := (store.AccountID{Tenant: n.Tenant, User: n.User}); m.calls[id] == c {
		delete(m.calls, id)
	}
}

// taken reports whether a call for n that is under way now succeeds.
func (m *messenger) taken(n event.Notification) bool {
	m.mu.Lock()
	c := m.calls[store.AccountID{Tenant: n.Tenant, User: n.User}]
	m.mu.Unlock()
	if c == nil || !c.at.Equal(n.Events[0].At) {
		return false
	}
	<-c.ended // at most half a minute
	return c.err == nil
}

// call calls the notifier and waits for up to half a minute. After that it no longer
// waits for a notifier that ignores its context; the account waits until the call has
// returned.
func (m *messenger) call(ctx context.Context, n event.Notification) (err error) {
	c := m.begins(n)
	defer func() { m.ends(n, c, err) }()
	id := store.AccountID{Tenant: n.Tenant, User: n.User}
	m.mu.Lock()
	_, deaf := m.deaf[id]
	full := len(m.deaf) >= maxDeaf
	m.mu.Unlock()
	if deaf || full {
		return errDeaf
	}
	ctx, cancel := context.WithTimeout(ctx, notifyTimeout)
	defer cancel()
	answer := make(chan error, 1)
	go func() {
		err := errors.New("engine: the notifier ended its goroutine")
		defer func() {
			m.mu.Lock()
			defer m.mu.Unlock()
			delete(m.deaf, id)
			answer <- err
		}()
		err = guard.Call(func() error { return m.notifier.Notify(ctx, n) })
	}()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
	}
	// The answer may be that it took the message, which would otherwise be repeated.
	last := time.NewTimer(lastWord)
	defer last.Stop()
	select {
	case err := <-answer:
		return err
	case <-last.C:
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case err := <-answer: // a moment ago
		return err
	default:
		m.deaf[id] = struct{}{}
		return ctx.Err()
	}
}
