package totpflow

import (
	"context"
	"time"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/trust"
)

// TrustBrowser makes a token with which this browser passes without a code from now on,
// but never without the password. It uses up the proof, which must be that of a sign-in
// by an app's code or by the host's own factor ([Service.BeginExternal]). The label names
// the browser in the person's list (totphttp.BrowserLabel).
// Errors: [ErrProof], [ErrTrustNotOffered].
//
// The token ends at the age that the policy allows, which is checked whenever it is
// shown. It ends at once when it is revoked, when factors or the password change, and
// when a recovery code is used.
func (s *Service) TrustBrowser(ctx context.Context, p Proof, label string) (_ Browser, err error) {
	ctx, flow := s.engine.Begin(ctx, "trust_browser")
	defer flow.End(&err)
	t, err := s.engine.UnsealTicket(proofKind, string(p))
	if err != nil || t.Action != string(ActionSignIn) || t.Reason == string(ReasonRecoveryCode) || t.Reason == string(ReasonPhoneCode) {
		return Browser{}, ErrProof
	}
	pol, err := s.engine.PolicyOf(ctx, t.Account())
	if err != nil {
		return Browser{}, err
	}
	age := s.engine.TrustFor(pol)
	if age <= 0 {
		return Browser{}, ErrTrustNotOffered
	}
	var trusted Browser
	err = s.engine.Change(ctx, t.Account(), func(tx *engine.Tx) error {
		if t.Revocations != tx.Revocations || !t.Consume(tx) {
			return refusal(tx, t, ErrProof) // an older proof must not bring back trust that was revoked since
		}
		token, b := trust.Issue(s.engine.Keys, s.scope(t), label, tx.Now)
		tx.Browsers = trust.Remember(tx.Browsers, b)
		tx.Log(event.Event{Kind: event.BrowserTrusted, Browser: b.ID})
		trusted = Browser{ID: b.ID, Label: b.Label, Issued: b.Issued, Expires: b.Issued.Add(age), Token: token}
		return nil
	})
	return engine.Acknowledged(trusted, err)
}

// seenEvery is how often "last seen" of a trusted browser is written: a write at every
// sign-in would gain nothing.
const seenEvery = 24 * time.Hour

// tokensPerRequest bounds the work that a request with many cookies makes.
const tokensPerRequest = 32

// trusted looks for a token of this account among those presented, and notes that its
// browser was seen.
func (s *Service) trusted(tx *engine.Tx, p policy.Policy, tokens []trust.Token) (trust.Browser, bool) {
	b, ok := s.shown(tx, p, tokens)
	if ok && tx.Now.Sub(lastSeen(b)) >= seenEvery {
		b.Seen = tx.Now
		tx.Browsers = trust.Remember(tx.Browsers, b)
		tx.Save()
	}
	return b, ok
}

// shown returns the trusted browser that one of these tokens belongs to.
func (s *Service) shown(tx *engine.Tx, p policy.Policy, tokens []trust.Token) (trust.Browser, bool) {
	age := s.engine.TrustFor(p)
	scope := trust.Scope{Tenant: tx.ID().Tenant, User: tx.ID().User, Audience: s.engine.Audience}
	for _, t := range trust.Select(s.engine.Keys, scope, tokens, tokensPerRequest) {
		if b, err := trust.Check(s.engine.Keys, scope, t, tx.Browsers, tx.Now, age); err == nil {
			return b, true
		}
	}
	return trust.Browser{}, false
}

func lastSeen(b trust.Browser) time.Time {
	if b.Seen.IsZero() {
		return b.Issued
	}
	return b.Seen
}

func (s *Service) scope(t engine.Ticket) trust.Scope {
	return trust.Scope{Tenant: t.Tenant, User: t.User, Audience: s.engine.Audience}
}
