package engine

import (
	"errors"
	"strings"
	"time"

	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/throttle"
)

// A Browser is a trusted browser as a person and an administrator see it.
type Browser struct {
	ID, Label    string
	Issued, Seen time.Time
	Expires      time.Time
	Here         bool // its token came with the request
}

// TrustedBrowsers returns the browsers whose trust has not expired by the policy. Labels
// are copies: a list of them must not keep the texts alive that they were read from.
func (e *Engine) TrustedBrowsers(tx *Tx, p policy.Policy) (browsers []Browser) {
	age := e.TrustFor(p)
	for _, b := range tx.Browsers {
		if until := b.Issued.Add(age); tx.Now.Before(until) {
			browsers = append(browsers, Browser{ID: b.ID, Label: strings.Clone(b.Label), Issued: b.Issued, Seen: b.Seen, Expires: until})
		}
	}
	return browsers
}

// TrustFor returns how long a browser is trusted; zero means not at all.
func (e *Engine) TrustFor(p policy.Policy) time.Duration {
	if e.Strict { // NIST SP 800-63B-4 §3.2.1: a browser's cookie is not an authenticator
		return 0
	}
	return p.TrustFor()
}

// Chances returns how many codes out of a million a guess at this account would be right
// with: each authenticator has one for every step of the window.
func (e *Engine) Chances(tx *Tx) int {
	return max(1, len(tx.Enrollment.Authenticators())) * (e.Window.Past + 1 + e.Window.Future)
}

// Throttled returns until when codes are refused because of wrong ones, or nil.
func (e *Engine) Throttled(tx *Tx) *throttle.Error {
	err := tx.Budget.Allow(tx.Now, e.Limits, e.Chances(tx))
	if err == nil {
		return nil
	}
	var wait *throttle.Error
	errors.As(err, &wait)
	return wait
}
