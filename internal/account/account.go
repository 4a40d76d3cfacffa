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
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/trust"
)

// An Account is all that the second factor knows of one user. The zero
// Account is a user who never enrolled.
type Account struct {
	// Generation grows whenever tickets end: with every change of factors and of the
	// password. Hosts keep it as the generation that shows a lost or an older record.
	Generation uint64

	Enrollment   enroll.Enrollment
	Recovery     recovery.Set
	Browsers     []trust.Browser
	Budget       throttle.Budget // of codes
	RecoveryRate throttle.Rate   // of recovery codes: apart, so that spending one does not close the other
	TicketKey    TicketKey       // signs the tickets of this epoch
	Spent        []Spent         // tickets that have served
	Forgotten    int64           // of tickets issued up to this millisecond nobody knows whether they served
	SessionsFrom time.Time       // sessions begun before are over
	PasswordAt   time.Time       // when the host last reported a new password
	Grace        Grace           // of who has no factor where it is required
	Issued       Issued          // a recovery code that an administrator had sent
	CodeOnly     bool            // after this reset the password alone does not lead to an enrollment
	Machine      string          // the name of a machine account, while Enrollment is exempted
	Freeze       Freeze
	Phones       phone.State
	Assigned     string      // a number that an administrator chose, until the person has verified it
	Sends        phone.Sends // in records of a number, of a prefix and of a tenant only
	Tenant       Tenant      // in a tenant's own record only
	Activity     event.Activity
}

// state is the plain word that the record of id is listed by.
func (a *Account) state(id store.AccountID, at time.Time) string {
	switch {
	case id.User == tenantUser:
		return "tenant"
	case Reserved(id):
		return "sends"
	case a.Frozen():
		return "frozen"
	case len(a.Phones.Phones()) > 0 && a.Enrollment.State(at) == enroll.Disabled:
		return "phone"
	default:
		return string(a.Enrollment.State(at))
	}
}

// FactorsChanged ends what was granted on the strength of the old factors:
// tickets under way, trusted browsers, and sessions begun before.
func (a *Account) FactorsChanged(at time.Time) {
	a.EndTickets()
	a.EndTrust()
	a.Phones = a.Phones.Cancel()
	// As fine as hosts keep the beginning of a session, else the one that is begun
	// next could be over already. A clock that stepped back brings no session back.
	if at = at.Truncate(time.Millisecond); at.After(a.SessionsFrom) {
		a.SessionsFrom = at
	}
}

// EndTrust revokes every trusted browser.
func (a *Account) EndTrust() { a.Browsers = nil }

// prune drops what has run out, each time the record is written.
func (a *Account) prune(at time.Time) {
	a.Enrollment = a.Enrollment.Expire(at)
	a.Issued = a.Issued.expire(at)
	a.Phones = a.Phones.Expire(at)
	a.Tenant = a.Tenant.expire(at)
	a.forgetOld(at)
	a.Browsers = slices.DeleteFunc(slices.Clone(a.Browsers), func(b trust.Browser) bool {
		return at.Sub(b.Issued) > trust.MaxAge
	})
}
