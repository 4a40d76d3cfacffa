package account

import (
	"time"

	"github.com/totpflow/totpflow/internal/skew"
	"github.com/totpflow/totpflow/recovery"
)

// Parts of a record that administrators write, or the person's own "it was not me".

// Grace is the grace period of an account without a factor where one is required. It
// begins once: neither signing in again nor a reset begins a new one.
type Grace struct {
	Begun time.Time // the current policy counts from here
	Until time.Time // the end that an administrator set: it applies whatever the policy says
}

// IssuedAge is how long an issued code may be redeemed when it is sent by mail
// (NIST SP 800-63B-4 §4.2.1.2).
const IssuedAge = 24 * time.Hour

// Issued is a recovery code that an administrator sent to the person. The zero Issued is
// none.
type Issued struct {
	Set recovery.Set
	At  time.Time
}

// Live reports whether there is a code to redeem. One from the future was issued by a
// clock that has been put back since.
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

// Suspicion remains after a freeze has ended: the password may be in other hands, so
// every reset demands the issued code. Unlocking, restoring and resetting do not lift it,
// since otherwise the thief's password would lead to an enrollment after any two of them.
// The zero Suspicion is none.
type Suspicion struct {
	CodeOnly    bool // after a reset, only an issued code leads to an enrollment
	Redeemed    bool // an issued code was redeemed since the last reset
	NewPassword bool // the password was changed since
}

// Suspect makes resets demand the issued code from now on.
func (a *Account) Suspect() { a.Suspicion = Suspicion{CodeOnly: true} }

// Redeemed notes that an issued code has led to the enrollment under way. A person
// who does not finish it needs another code, even if the password was changed before.
func (a *Account) Redeemed() { a.Suspicion = Suspicion{CodeOnly: true, Redeemed: true} }

// FactorConfirmed notes that the person has a factor again. It lifts the suspicion if an
// issued code has led there.
func (a *Account) FactorConfirmed() {
	a.Issued = Issued{}
	if a.Suspicion.Redeemed {
		a.Suspicion = Suspicion{}
	}
}

// passwordPause is how long after a new password no issued code is made or
// redeemed: otherwise a thief with the mailbox could reset the password by mail, get a
// code issued by mail, and have both factors through a single theft. For the
// same reason a new password lifts a suspicion only after it.
const passwordPause = 24 * time.Hour

// PasswordRecent reports whether the password was changed too recently for an issued
// code. It also does so while the clock is behind the change.
func (a *Account) PasswordRecent(at time.Time) bool { return at.Sub(a.PasswordAt) < passwordPause }

// CodeDemanded reports whether after a reset only an issued code leads to an enrollment.
func (a *Account) CodeDemanded(at time.Time) bool {
	return a.Suspicion.CodeOnly && (!a.Suspicion.NewPassword || a.PasswordRecent(at))
}

// Freeze is set by "it was not me", and ended by an administrator.
type Freeze struct {
	At    time.Time // frozen since, unless zero
	Ended time.Time // the last one
	UpTo  uint64    // links of events up to this number no longer freeze
}

// Frozen reports whether the account is closed until an administrator acts.
func (a *Account) Frozen() bool { return !a.Freeze.At.IsZero() }

// Thaw ends a freeze, if there is one.
func (a *Account) Thaw(at time.Time) {
	if a.Frozen() {
		a.Freeze = Freeze{Ended: at.Truncate(time.Millisecond), UpTo: a.Activity.Last()}
	}
}
