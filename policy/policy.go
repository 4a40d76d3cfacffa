package policy

import (
	"context"
	"fmt"
	"time"

	"github.com/totpflow/totpflow/store"
)

// The age of trusted browsers, and the longest grace.
const (
	DefaultBrowserAge = 30 * 24 * time.Hour
	MaxBrowserAge     = 90 * 24 * time.Hour
	MaxGrace          = 90 * 24 * time.Hour
)

// A Policy is the set of requirements for an account. The zero Policy requires a second
// factor at once, lets a browser be trusted for 30 days, and allows every
// method but codes by phone. Policies are comparable; two that are written differently
// but ask for the same have the same [Strictest].
type Policy struct {
	// Mode decides whether a second factor is required, of everybody whose role has no
	// mode of its own in Roles.
	Mode Mode
	// Grace is how long, with Required, a person may sign in without a factor, from the
	// first sign-in at which it was required. 0 or less means not at all, unless there is
	// a Deadline; more than 90 days means 90 days. A value above 0 and below a minute is
	// taken for a forgotten unit ([Policy.Validate]), as with BrowserAge.
	Grace time.Duration
	// Deadline is the moment at which, with Required, everybody's grace period ends.
	// Until then everybody has one, or for as long as Grace if that is also set. Zero
	// means that there is no deadline.
	Deadline time.Time
	// BrowserAge is how long a browser may be trusted, counted from the sign-in that made
	// it trusted. 0 means 30 days, more than 90 days means 90 days, and less than 0 means
	// not at all. It is checked when the browser comes back, so a shorter age applies at
	// once to browsers that are trusted already.
	BrowserAge time.Duration
	// Methods are the ways to pass the second step. Zero means App,
	// RecoveryCodes and Other; App is always one of them.
	Methods Methods
	// IssuedCode asks more of people who were reset by an administrator: the password
	// alone is not enough to enroll, a recovery code issued to the person is required as
	// well (NIST SP 800-63B-4 §4.2.1.2). An attacker who persuades a help desk to reset
	// an account then does not get the account.
	IssuedCode bool
	// TwoAdministrators makes changes that take the factor away from many people, or for
	// good, wait for a second administrator: a lower policy, an exemption, the reset of
	// many accounts.
	TwoAdministrators bool
	// AssignedPhones leaves it to administrators to choose the numbers that codes
	// are sent to.
	AssignedPhones bool
	// Roles are the modes of single roles, stricter or milder than Mode. The host decides
	// which role a person has (totpflow.Config.Role).
	Roles Roles
}

// Validate returns an error that wraps [ErrFormat] if there are more than [MaxRoles]
// Roles, or if Grace or BrowserAge is above 0 and below a minute: nobody wants that, and
// 14 without a unit is 14 nanoseconds. Such a policy is neither written nor read, and
// totpflow.New refuses it. If a Source computes one, the short time is as good as none.
func (p Policy) Validate() error {
	name, d := "Grace", p.Grace
	if !tooShort(d) {
		name, d = "BrowserAge", p.BrowserAge
	}
	if _, err := NewRoles(p.Roles.Modes()); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if tooShort(d) {
		return fmt.Errorf("%w: %s is %v, less than a minute; 14 days are 14 * 24 * time.Hour", ErrFormat, name, d)
	}
	return nil
}

func tooShort(d time.Duration) bool { return 0 < d && d < time.Minute }

// TrustFor returns how long a browser may be trusted; 0 means that it is not
// offered.
func (p Policy) TrustFor() time.Duration {
	switch {
	case p.BrowserAge < 0:
		return 0
	case p.BrowserAge == 0:
		return DefaultBrowserAge
	}
	return min(p.BrowserAge, MaxBrowserAge)
}

// GraceUntil returns the moment, in UTC, from which a person without a factor must set
// one up: Deadline, or first plus Grace, or the earlier of the two. first is the first
// sign-in at which the factor was required. The moment may be in the past. The zero time
// means that there is no grace period; it is also the result if Mode is not Required.
func (p Policy) GraceUntil(first time.Time) time.Time {
	if p.Mode.known() != Required {
		return time.Time{}
	}
	grace, deadline := p.grace()
	until := first.Round(0).UTC().Add(grace)
	if grace == 0 || !deadline.IsZero() && deadline.Before(until) {
		return deadline
	}
	return until
}

// grace returns the effective Grace and Deadline: within bounds, in UTC, and both zero if
// there is no grace period, or nobody needs one.
func (p Policy) grace() (time.Duration, time.Time) {
	if p.strictestMode() != Required {
		return 0, time.Time{}
	}
	// Without a monotonic reading and in one zone, equal policies are ==.
	return min(max(0, p.Grace), MaxGrace), p.Deadline.Round(0).UTC()
}

// A Source returns the policy of every account. It is called at each decision and should
// read the host's primary data; an error refuses the sign-in, since a policy that cannot
// be read may be Required. Policy may be called from several goroutines at once, and also
// for an account that was never seen.
//
// A policy that becomes stricter applies at the next sign-in, and in SessionValid of
// the account, which ends the session of a person who has no factor.
type Source interface {
	Policy(ctx context.Context, id store.AccountID) (Policy, error)
}

// Fixed is one policy for everybody, as a [Source].
type Fixed Policy

// Policy returns f.
func (f Fixed) Policy(context.Context, store.AccountID) (Policy, error) { return Policy(f), nil }
