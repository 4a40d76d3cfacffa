package totpflow

import (
	"context"
	"errors"

	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/policy"
)

// The host's own factor, such as a passkey, is another way through the second step for
// people who have an authenticator. It does not count as a factor: it is not listed as a
// method, and a person who has nothing else is not asked for it.

var externalKind = engine.Kind{Name: "totpflow/external", Lifetime: ProofLifetime}

// BeginExternal begins the check of the host's own factor, such as a hardware key. It
// returns a challenge for this check, valid for [ProofLifetime] and for one result, and the
// account whose factor the person must show, which it signs nobody in to. The host then
// checks a factor that is registered for this account, which may take several requests,
// and hands the result to [Service.CompleteExternal]. Errors: [ErrChallenge],
// [ErrMethodNotAllowed] where policy does not allow external factors, [ErrNotEnrolled],
// [*throttle.Error] while the account is locked: check nothing then.
func (s *Service) BeginExternal(ctx context.Context, c Challenge, method Method) (check Challenge, of AccountID, err error) {
	ctx, flow := s.engine.Begin(ctx, "begin_external")
	defer flow.End(&err)
	t, err := s.engine.UnsealTicket(challengeKind, string(c))
	if err != nil || t.Action != string(ActionSignIn) {
		return "", AccountID{}, ErrChallenge
	}
	if len(method) > maxPurpose {
		return "", AccountID{}, ErrPurpose
	}
	p, err := s.engine.PolicyOf(ctx, t.Account())
	if err != nil {
		return "", AccountID{}, err
	}
	err = s.engine.Change(ctx, t.Account(), func(tx *engine.Tx) error {
		switch {
		case !t.Valid(tx):
			return refusal(tx, t, ErrChallenge)
		case !p.Methods.Has(policy.External):
			return ErrMethodNotAllowed
		case len(tx.Enrollment.Authenticators()) == 0:
			return ErrNotEnrolled
		}
		if err := tx.Budget.Allow(tx.Now, s.engine.Limits, s.engine.Chances(tx)); err != nil {
			return throttled(tx, string(method), err)
		}
		check = Challenge(s.engine.SealTicket(externalKind, tx, engine.Ticket{
			Tenant: t.Tenant, User: t.User, Action: string(method), Candidate: t.ID,
		}))
		return nil
	})
	if check, err = engine.Acknowledged(check, err); err != nil {
		return "", AccountID{}, err
	}
	return check, t.Account(), nil
}

// CompleteExternal completes a sign-in with the result of the host's check: the account
// for which the factor is registered that was shown, and nil if it was shown. The factor of
// another account is refused: a passkey that the browser finds by itself may be an
// attacker's own. Every error counts as a guess, except [ErrUndecided] and the end of a
// context, which are returned and leave the check open. Any other result uses up the check,
// so that a failed check cannot be completed again as passed. Errors: [ErrRejected],
// [ErrChallenge] also for a check that is used or belongs to another sign-in,
// [ErrMethodNotAllowed], [ErrNotEnrolled], [*throttle.Error], which refuses a passed check
// too.
func (s *Service) CompleteExternal(ctx context.Context, c, check Challenge, shown AccountID, result error) (_ Decision, err error) {
	ctx, flow := s.engine.Begin(ctx, "complete_external")
	defer flow.End(&err)
	x, err := s.engine.UnsealTicket(externalKind, string(check))
	if err != nil {
		return Decision{}, ErrChallenge
	}
	if errors.Is(result, ErrUndecided) || errors.Is(result, context.Canceled) || errors.Is(result, context.DeadlineExceeded) {
		return Decision{}, engine.OfHost(result)
	}
	return s.verify(ctx, c, ReasonExternal, func(tx *engine.Tx, t *engine.Ticket, p policy.Policy) error {
		switch {
		case !p.Methods.Has(policy.External):
			return ErrMethodNotAllowed
		case len(tx.Enrollment.Authenticators()) == 0:
			return ErrNotEnrolled // after a reset it must not replace the issued code
		case x.Account() != t.Account() || x.Candidate != t.ID:
			return ErrChallenge
		}
		return s.charged(tx, t.ID, x.Action, s.engine.Chances(tx), func() error {
			if !x.Consume(tx) {
				return refusal(tx, x, ErrChallenge)
			}
			if result != nil || shown != t.Account() {
				return ErrRejected
			}
			return nil
		})
	})
}
