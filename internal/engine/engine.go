// Package engine is shared by the root package and package admin: it has the only way to
// change an account, the policies, and the tickets.
//
// [Engine.Change] loads an account's record, lets the caller decide, swaps the record for
// the decided one and only then answers. "A code is used once", "a guess is counted" and
// "a reset also ends every trusted browser" are therefore one guarantee: the store's
// conditional write.
//
// Changes to one account queue within a process, in the order in which they come. The
// queue only avoids lost races; the guarantee is the swap.
package engine

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"log/slog"
	"time"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totp"
)

// Config configures an [Engine]. The root package has checked it and filled in the
// defaults.
type Config struct {
	Store         store.Store
	Keys          *keyring.Ring
	Policy        policy.Source
	ParentTenants func(context.Context, string) ([]string, error)        // nil: no tenant has parents
	Role          func(context.Context, store.AccountID) (string, error) // nil: roles are not known
	Mandatory     func(context.Context, string) (bool, error)            // nil: no tenant must require it
	Issuer        string
	Audience      string
	Params        totp.Params // the parameters of new authenticators
	Window        totp.Window
	Limits        throttle.Profile
	Strict        bool
	Observer      event.Observer
	Flows         event.FlowObserver        // nil: flows are not reported
	Outcome       func(error) event.Outcome // returns the outcome of an answer, for Flows
	Notifier      event.Notifier            // nil: nobody is notified
	LongestLimit  time.Duration             // the longest limit of messages; 0: unknown
	Logger        *slog.Logger              // nil: slog.Default
	Now           func() time.Time
}

// An Engine reads and changes accounts. It is safe for concurrent use.
type Engine struct {
	Config
	messenger *messenger
	process   uint64 // a random number, not 0
	queue     queue
	trouble   *trouble
}

// New returns an engine. It reads c.Now once in every attempt at a change.
func New(c Config) *Engine {
	return &Engine{Config: c, messenger: newMessenger(c.Notifier), process: newProcess(), trouble: newTrouble()}
}

// newProcess returns a number that no other process has, and that is not 0.
func newProcess() uint64 {
	var random [8]byte
	rand.Read(random[:]) // never fails, by its contract
	return max(binary.BigEndian.Uint64(random[:]), 1)
}

// A Handle stands for the engine of a service. It is useless without [Open], which only
// this module can call.
type Handle struct{ engine *Engine }

// Handle returns the handle that [Open] opens.
func (e *Engine) Handle() Handle { return Handle{e} }

// Open returns the engine that h stands for, nil for the zero handle.
func Open(h Handle) *Engine { return h.engine }
