package account

import (
	"crypto/rand"
	"time"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/trust"
)

// An Account is the complete second-factor state of one user. The zero Account is a user
// who never enrolled.
type Account struct {
	// Generation grows whenever tickets are ended: with every change of factors and of
	// the password. Hosts store it, since it reveals a lost or an older record.
	Generation uint64

	Enrollment   enroll.Enrollment
	Recovery     recovery.Set
	Browsers     []trust.Browser
	Revocations  uint64          // how often trust was revoked: a proof from before the last time cannot trust a browser
	Budget       throttle.Budget // the budget of guesses of codes
	RecoveryRate throttle.Rate   // the tries of recovery codes: separate, so that spending one does not close the other
	Resets       throttle.Rate   // resets of other people by this administrator
	Window       Window          // the window of this administrator, for several actions by one code
	TicketKey    TicketKey       // signs the tickets of this epoch
	Spent        []Spent         // tickets that were used
	UsedUpTo     int64           // tickets issued at or before this millisecond count as used
	Mark         Mark            // the mark of the sessions that are valid now
	PasswordAt   time.Time       // when the host last reported a new password
	Grace        Grace           // the grace of a person who has no factor where it is required
	Issued       Issued          // a recovery code sent by an administrator
	Suspicion    Suspicion       // what remains after "it was not me"
	Machine      string          // the name of a machine account, while Enrollment is exempted
	Freeze       Freeze
	Phones       phone.State
	Assigned     string      // a number that an administrator chose, until the person has verified it
	Sends        phone.Sends // used only in records of a number, of a prefix and of a tenant
	Tenant       Tenant      // used only in a tenant's own record
	Notifying    Notifying   // the claim to deliver what is pending in Activity
	Activity     event.Activity

	format uint64 // the format that the record had, if it is newer than the one that is written
}

// State returns the plain word that the record of id is listed by.
func (a *Account) State(id store.AccountID, at time.Time) string {
	switch {
	case id.User == tenantUser:
		return "tenant"
	case id.Reserved():
		return "sends"
	case a.Frozen():
		return "frozen"
	case len(a.Phones.Phones()) > 0 && a.Enrollment.State(at) == enroll.Disabled:
		return "phone"
	default:
		return string(a.Enrollment.State(at))
	}
}

// EndSessions ends everything that was granted so far: sessions, tickets under
// way, trusted browsers, and codes on their way to a phone. It is the only place that
// draws a mark.
func (a *Account) EndSessions() {
	a.EndTickets()
	a.EndTrust()
	a.Phones = a.Phones.Cancel()
	rand.Read(a.Mark[:]) // never fails, by its contract
}

// EndTrust revokes every trusted browser.
func (a *Account) EndTrust() { a.Browsers = nil; a.Revocations++ }

// RevokeBrowser revokes one trusted browser. It reports false when there is none
// of this id.
func (a *Account) RevokeBrowser(id string) bool {
	rest, ok := trust.Revoke(a.Browsers, id)
	if ok {
		a.Browsers = rest
		a.Revocations++ // a thief who trusted it may have a proof of the same minute
	}
	return ok
}

// HasFactor reports whether the account has any factor besides a password.
func (a *Account) HasFactor() bool {
	return len(a.Enrollment.Authenticators()) > 0 || len(a.Phones.Phones()) > 0
}

// Prune drops everything that has expired, and everything that a clock that was ahead has
// left behind. It runs each time the record is written.
func (a *Account) Prune(at time.Time) {
	a.Enrollment = a.Enrollment.Expire(at)
	a.Issued = a.Issued.expire(at)
	a.Phones = a.Phones.Expire(at)
	a.Tenant = a.Tenant.expire(at)
	a.Window = a.Window.expire(at)
	a.dropAhead(at)
	a.dropOldTickets(at)
}
