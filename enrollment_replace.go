package totpflow

import (
	"context"

	"github.com/totpflow/totpflow/internal/engine"
)

// ReplaceAtSignIn is for the link "I have a new phone" of a code page: it asks again for
// a code of the old app, and the decision of [Service.VerifyCode] then has a proof of
// [ActionReplaceAuthenticator] that begins the enrollment of the new one. This purpose is
// sealed in the challenge, so that the proof of an ordinary sign-in still replaces
// nothing. The new challenge replaces c: it expires at the same time, and using one of
// them uses the other. Errors: [ErrChallenge], and [ErrNotEnrolled] for an account
// without an authenticator.
func (s *Service) ReplaceAtSignIn(ctx context.Context, c Challenge) (_ Decision, err error) {
	ctx, flow := s.engine.Begin(ctx, "replace_at_sign_in")
	defer flow.End(&err)
	t, err := s.signInUnderWay(c)
	if err != nil {
		return Decision{}, err
	}
	p, err := s.engine.PolicyOf(ctx, t.Account())
	if err != nil {
		return Decision{}, err
	}
	var d Decision
	err = s.engine.Change(ctx, t.Account(), func(tx *engine.Tx) error {
		switch {
		case !t.Valid(tx):
			return refusal(tx, t, ErrChallenge)
		case len(tx.Enrollment.Authenticators()) == 0:
			return ErrNotEnrolled
		}
		again := t
		again.Action = string(ActionReplaceAuthenticator)
		d = s.askForCode(tx, p, Challenge(s.engine.ResealTicket(challengeKind, tx, again)))
		d.Action, d.Methods, d.Phones, d.TrustFor = ActionReplaceAuthenticator, []Method{MethodCode}, nil, 0
		return nil
	})
	return engine.Acknowledged(d, err)
}

// signInUnderWay returns the ticket of a challenge that asks for a code, for any action.
func (s *Service) signInUnderWay(c Challenge) (engine.Ticket, error) {
	t, err := s.engine.UnsealTicket(challengeKind, string(c))
	if err != nil || t.Action != string(ActionSignIn) && t.Action != string(ActionReplaceAuthenticator) {
		return engine.Ticket{}, ErrChallenge
	}
	return t, nil
}
