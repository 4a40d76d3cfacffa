package policy

import (
	"context"
	"time"

	"github.com/totpflow/totpflow/store"
)

// The age of trusted browsers.
const (
	DefaultBrowserAge = 30 * 24 * time.Hour
	MaxBrowserAge     = 90 * 24 * time.Hour
)

// A Policy is what is asked of an account. The zero Policy requires a second
// factor and lets a browser be trusted for 30 days. Policies are comparable.
type Policy struct {
	Mode Mode
	// BrowserAge is how long a browser may be trusted, counted from the sign-in
	// at which it was. 0 means 30 days, more than 90 days means 90 days, and
	// less than 0 means not at all. It is judged when the browser comes back,
	// so a shorter age holds at once for browsers that are trusted already.
	BrowserAge time.Duration
}

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

// Strictest returns the policy that is as strict as each of ps in every
// respect: the strictest mode and the shortest trust. Of none it is the zero
// Policy, not the mildest: a chain from which the links are missing asks for
// more.
func Strictest(ps ...Policy) Policy {
	if len(ps) == 0 {
		return Policy{}
	}
	strictest := Policy{Mode: Off, BrowserAge: MaxBrowserAge}
	for _, p := range ps {
		strictest.Mode = min(strictest.Mode, p.Mode.known())
		strictest.BrowserAge = min(strictest.BrowserAge, p.TrustFor())
	}
	if strictest.BrowserAge == 0 {
		strictest.BrowserAge = -1 // as a field, 0 is the default
	}
	return strictest
}

// A Source knows the policy of every account. It is asked at each decision and
// should answer from the host's primary data; an error refuses the sign-in,
// since a policy that cannot be read may be Required. Policy may be called from
// several goroutines at once, and also for an account that was never seen.
//
// A policy that becomes stricter is felt at the next sign-in. End the sessions of
// whoever you give a role that requires the factor, or look at Policy and State
// of the account's status at each request.
type Source interface {
	Policy(ctx context.Context, id store.ID) (Policy, error)
}

// Fixed is one policy for everybody, as a [Source].
type Fixed Policy

// Policy returns f.
func (f Fixed) Policy(context.Context, store.ID) (Policy, error) { return Policy(f), nil }
