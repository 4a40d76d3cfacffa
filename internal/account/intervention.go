package account

import (
	"time"

	"github.com/totpflow/totpflow/internal/skew"
	"github.com/totpflow/totpflow/recovery"
)

// What administrators, and the person's own "it was not me", write into a record.

// Grace is how long who has no factor may go on without, where it is required.
// It begins once: neither signing in again nor a reset begins a new one.
type Grace struct {
	Begun time.Time `json:"begun,omitzero"` // the policy of the moment counts from here
	Until time.Time `json:"until,omitzero"` // by an administrator: it holds whatever the policy says
}

// IssuedAge is how long an issued code may be redeemed when it is sent by mail
// (NIST SP 800-63B-4 §4.2.1.2).
const IssuedAge = 24 * time.Hour

// Issued is a recovery code that an administrator had sent to the person. The
// zero Issued is none.
type Issued struct {
	Set recovery.Set `json:"set"`
	At  time.Time    `json:"at"`
}

// Live reports whether there is a code to redeem. One of the future was issued
// by a clock that has been put back since.
func (i Issued) Live(at time.Time) bool {
	age := at.Sub(i.At)
	return i.Set.Remaining() > 0 && -skew.Tolerance <= age && age < IssuedAge
}

func (i Issued) expire(at time.Time) Issued {
	if i.Live(at) {
		return i
	}
	return Issued{}
}

// Freeze is set by "it was not me", and ended by an administrator.
type Freeze struct {
	At    time.Time `json:"at,omitzero"`    // frozen since, unless zero
	Ended time.Time `json:"ended,omitzero"` // links of events before it no longer freeze
}

// Frozen reports whether nobody gets in until an administrator acts.
func (a *Account) Frozen() bool { return !a.Freeze.At.IsZero() }

// Thaw ends a freeze, if there is one.
func (a *Account) Thaw(at time.Time) {
	if a.Frozen() {
		a.Freeze = Freeze{Ended: at.Truncate(time.Millisecond)}
	}
}
