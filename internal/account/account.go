// Package account is the aggregate that every flow changes: all that the
// second factor knows of one user, as one value, kept as one sealed record.
//
// [Book.Change] is the only way in: it loads the record, lets the flow decide,
// swaps the record for the decided one and only then answers. "A code is used
// once", "a guess is counted" and "a reset also ends every trusted browser"
// are therefore one guarantee, and it is the store's conditional write.
//
// Flows of one account queue first-come within a process. That only spares
// lost races; the swap stays the proof.
package account

import (
	"slices"
	"time"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/trust"
)

// An Account is all that the second factor knows of one user. The zero
// Account is a user who never enrolled.
type Account struct {
	// Epoch grows with every change of factors and with every change of the
	// password. Challenges and proofs carry it and end when it moves; hosts
	// keep it as the anchor that shows a lost or an older record.
	Epoch uint64

	Enrollment   enroll.Enrollment
	Recovery     recovery.Set
	Browsers     []trust.Browser
	Budget       throttle.Budget // of codes
	RecoveryRate throttle.Rate   // of recovery codes: apart, so that spending one does not close the other
	Spent        []Spent
	SessionsFrom time.Time // sessions begun before are over
	Activity     event.Activity
}

// Spent is a challenge or a proof that has served. It is remembered until it
// would have expired anyway.
type Spent struct {
	ID    string    `json:"id"`
	Until time.Time `json:"until"`
}

// Spend marks the ticket id as used until its expiry. It reports false when it
// was used before.
func (a *Account) Spend(id string, until time.Time) bool {
	if a.IsSpent(id) {
		return false
	}
	a.Spent = append(slices.Clip(a.Spent), Spent{ID: id, Until: until})
	return true
}

// IsSpent reports whether the ticket id has served.
func (a *Account) IsSpent(id string) bool {
	return slices.ContainsFunc(a.Spent, func(s Spent) bool { return s.ID == id })
}

// FactorsChanged ends what was granted on the strength of the old factors:
// challenges and proofs under way, trusted browsers, and sessions begun before.
func (a *Account) FactorsChanged(at time.Time) {
	a.Epoch++
	a.Spent = nil // they name tickets of an epoch that is over
	a.SessionsFrom = at
	a.EndTrust()
}

// EndTrust revokes every trusted browser.
func (a *Account) EndTrust() { a.Browsers = nil }

// prune drops what has run out, each time the record is written.
func (a *Account) prune(at time.Time) {
	a.Enrollment = a.Enrollment.Expire(at)
	a.Spent = slices.DeleteFunc(slices.Clone(a.Spent), func(s Spent) bool { return !at.Before(s.Until) })
	a.Browsers = slices.DeleteFunc(slices.Clone(a.Browsers), func(b trust.Browser) bool {
		return at.Sub(b.Issued) > trust.MaxAge
	})
}
