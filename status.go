package totpflow

import (
	"context"
	"time"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/trust"
)

// Status is what a security page shows. It holds no secret.
type Status struct {
	State          enroll.State
	Policy         policy.Policy
	Enrolled       bool // has a factor: an authenticator, or a phone
	Authenticators []Authenticator
	Phones         []phone.Phone
	Assigned       phone.Number // the number that an administrator chose, to be verified by its own code; zero without one
	Browsers       []Browser
	RecoveryCodes  recovery.Summary // describes the set in use
	Throttled      *throttle.Error  // set after too many wrong codes
	Activity       []event.Event    // the last security changes, newest first
	Mark           SessionMark      // the mark of the sessions that are valid now
	GraceUntil     time.Time        // when an enrollment becomes required; may be past; zero for at once, or never
	GraceBegins    bool             // whether the grace period begins at the next sign-in, or SessionValid: until then GraceUntil is counted from now
	Frozen         time.Time        // the time of "it was not me", until the freeze ends
	Generation     uint64           // see User.Generation
}

// An Authenticator is an authenticator app as a person sees it.
type Authenticator struct {
	ID, Name    string
	Added, Used time.Time // Used is when a code was last accepted, zero before the first
	WeakUntil   time.Time // when a weak key of an import ends; zero for all others
}

// shown returns an authenticator without its key and its last step.
func shown(x enroll.Authenticator) Authenticator {
	return Authenticator{ID: x.ID, Name: x.Name, Added: x.Added, Used: x.Used, WeakUntil: x.Until}
}

// A Browser is a trusted browser.
type Browser struct {
	ID, Label    string
	Issued, Seen time.Time // Seen is exact to the day, and zero before the first use
	Expires      time.Time // the latest end of the trust
	Here         bool      // its token was given to [Account.Status]

	// Token is for the browser's cookie (totphttp.SetTrust). Only [Service.TrustBrowser]
	// returns it; it is not kept.
	Token trust.Token
}

// Status reads the account. It changes nothing. It marks the browser that the tokens of
// the request (totphttp.TrustTokens) belong to, so that a page can say "this browser".
func (a Account) Status(ctx context.Context, tokens ...trust.Token) (_ Status, err error) {
	ctx, flow := a.service.engine.Begin(ctx, "account.status")
	defer flow.End(&err)
	p, err := a.service.engine.PolicyOf(ctx, a.user.ID)
	if err != nil {
		return Status{}, err
	}
	var st Status
	err = a.look(ctx, func(tx *engine.Tx) error {
		st = a.service.status(tx, p)
		if b, ok := a.service.shown(tx, p, tokens); ok {
			for i := range st.Browsers {
				st.Browsers[i].Here = st.Browsers[i].ID == b.ID
			}
		}
		return nil
	})
	return engine.Acknowledged(st, err)
}

func (s *Service) status(tx *engine.Tx, p policy.Policy) Status {
	st := Status{
		Enrolled:      tx.HasFactor(),
		State:         tx.Enrollment.State(tx.Now),
		Policy:        p,
		RecoveryCodes: tx.Recovery.Summary(),
		Activity:      tx.Activity.Changes(),
		Mark:          markOf(s.engine, tx),
		Frozen:        tx.Freeze.At,
		Phones:        tx.Phones.Phones(),
		GraceBegins:   tx.GraceBegins(p),
		Throttled:     s.engine.Throttled(tx),
		Generation:    tx.Generation,
	}
	st.GraceUntil, _ = tx.GraceUntil(p)
	st.Assigned, _ = phone.ParseNumber(tx.Assigned)
	for _, x := range tx.Enrollment.Authenticators() {
		st.Authenticators = append(st.Authenticators, shown(x))
	}
	for _, b := range s.engine.TrustedBrowsers(tx, p) {
		st.Browsers = append(st.Browsers, Browser{ID: b.ID, Label: b.Label, Issued: b.Issued, Seen: b.Seen, Expires: b.Expires})
	}
	return st
}
