package account

import (
	"slices"
	"time"

	"github.com/totpflow/totpflow/internal/skew"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/trust"
)

// A clock that was ahead and has been corrected leaves times in the future behind. A
// grant with such a time would last too long, or be refused now and become valid when its
// time arrives, perhaps a year later and for somebody else. So it is dropped as soon as
// the record is read. Lockouts stay, since a clock must not give anybody more guesses:
// Unlock ends them.

// Ahead reports whether the account has a grant from the future. [Account.Prune]
// drops it.
func (a *Account) Ahead(at time.Time) bool {
	return a.Enrollment.Ahead(at) || a.Phones.Ahead(at) ||
		ahead(a.Issued.At, at) || ahead(a.Freeze.Ended, at) || ahead(a.Grace.Until, at.Add(policy.MaxGrace)) ||
		a.ticketsAhead(at) || ahead(a.Notifying.Since, at) || a.Window.Until.After(at.Add(WindowAge+skew.Tolerance)) ||
		slices.ContainsFunc(a.Browsers, func(b trust.Browser) bool { return ahead(b.Issued, at) }) ||
		slices.ContainsFunc(a.Tenant.Pending, func(q Request) bool { return ahead(q.Asked, at) })
}

// ahead reports whether a time is further in the future than two clocks may differ.
func ahead(t, at time.Time) bool { return t.After(at.Add(skew.Tolerance)) }

// ticketsAhead reports whether a ticket from the future was used: others of the same time
// may exist, and would be valid when it arrives.
func (a *Account) ticketsAhead(at time.Time) bool {
	limit := at.Add(skew.Tolerance).UnixMilli()
	return a.UsedUpTo > limit || slices.ContainsFunc(a.Spent, func(s Spent) bool { return s.Issued > limit })
}

// dropAhead drops what Ahead reports and no other part of Prune drops.
func (a *Account) dropAhead(at time.Time) {
	if a.ticketsAhead(at) {
		a.dropTicketKey() // takes nothing from the account, so that the generation stays
	}
	if ahead(a.Grace.Until, at.Add(policy.MaxGrace)) {
		a.Grace.Until = time.Time{} // longer than anybody may grant
	}
	if ahead(a.Notifying.Since, at) {
		a.Notifying = Notifying{}
	}
	if ahead(a.Freeze.Ended, at) {
		a.Freeze.Ended = at.Truncate(time.Millisecond)
	}
	a.Browsers = slices.DeleteFunc(slices.Clone(a.Browsers), func(b trust.Browser) bool {
		return ahead(b.Issued, at) || at.Sub(b.Issued) > trust.MaxAge
	})
}

// PutPasswordRight corrects a pause after a new password that a clock which was ahead has
// begun in the future: it then lasts from now on, since its real beginning is unknown.
// Only a call of an administrator does this, since with a clock that is behind, anybody
// who can wait would get a shorter pause.
func (a *Account) PutPasswordRight(at time.Time) (changed bool) {
	if !ahead(a.PasswordAt, at) {
		return false
	}
	a.PasswordAt = at.Truncate(time.Millisecond)
	return true
}
