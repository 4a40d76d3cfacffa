package totpflow

import (
	"context"
	"time"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/trust"
)

// TrustBrowser makes the token that spares this browser the code from now on,
// never the password. The proof is that of a sign-in by code; it serves once.
// The label is what the person reads in the list of trusted browsers
// (totphttp.BrowserLabel). Errors: [ErrProof], [ErrTrustNotOffered].
//
// The token ends after the policy's age, judged each time it is shown, and at
// once when it is revoked, when factors or the password change, and when a
// recovery code is used.
func (s *Service) TrustBrowser(ctx context.Context, p Proof, label string) (TrustedBrowser, error) {
	t, err := s.unseal(proofKind, string(p))
	if err != nil || t.Action != ActionSignIn || t.Reason == ReasonRecoveryCode || t.Reason == ReasonPhoneCode {
		return TrustedBrowser{}, ErrProof
	}
	pol, err := s.policyOf(ctx, t.account())
	if err != nil {
		return TrustedBrowser{}, err
	}
	age := s.trustFor(pol)
	if age <= 0 {
		return TrustedBrowser{}, ErrTrustNotOffered
	}
	var trusted TrustedBrowser
	err = s.book.Change(ctx, t.account(), func(r *account.Round) error {
		if !t.consume(r) {
			return ErrProof
		}
		token, b := trust.Issue(s.keys, s.scope(t), label, r.Now)
		r.Browsers = trust.Remember(r.Browsers, b)
		r.Log(event.Event{Kind: event.BrowserTrusted, Browser: b.ID})
		trusted = TrustedBrowser{Token: token, Expires: b.Issued.Add(age)}
		return nil
	})
	return answer(trusted, err)
}

// A TrustedBrowser is a token for the browser's cookie (totphttp.SetTrust).
type TrustedBrowser struct {
	Token   trust.Token
	Expires time.Time // at the latest
}

// seenEvery is how often "last seen" of a trusted browser is written: a write
// for every sign-in would be a write for nothing.
const seenEvery = 24 * time.Hour

// tokensPerRequest bounds the work that a request with many cookies makes.
const tokensPerRequest = 32

// trusted looks for a token of this account among those presented.
func (s *Service) trusted(r *account.Round, p policy.Policy, tokens []trust.Token) (trust.Browser, bool) {
	age := s.trustFor(p)
	scope := trust.Scope{Tenant: r.ID().Tenant, User: r.ID().User, Audience: s.audience}
	for _, t := range tokens[:min(len(tokens), tokensPerRequest)] {
		b, err := trust.Check(s.keys, scope, t, r.Browsers, r.Now, age)
		if err != nil {
			continue
		}
		if r.Now.Sub(lastSeen(b)) >= seenEvery {
			b.Seen = r.Now
			r.Browsers = trust.Remember(r.Browsers, b)
			r.Save()
		}
		return b, true
	}
	return trust.Browser{}, false
}

func lastSeen(b trust.Browser) time.Time {
	if b.Seen.IsZero() {
		return b.Issued
	}
	return b.Seen
}

// trustFor is how long a browser is trusted, zero when not at all.
func (s *Service) trustFor(p policy.Policy) time.Duration {
	if s.strict { // NIST SP 800-63B-4 §3.2.1: a browser's cookie is no authenticator
		return 0
	}
	return p.TrustFor()
}

func (s *Service) scope(t ticket) trust.Scope {
	return trust.Scope{Tenant: t.Tenant, User: t.User, Audience: s.audience}
}
