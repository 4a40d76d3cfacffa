package totpflow

import (
	"context"
	"errors"
	"fmt"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
)

// An issued recovery code (NIST SP 800-63B-4 §4.2.1.2) is for a person who has lost both
// phone and recovery codes: an administrator has it sent by mail, and never sees it. It
// leads only to a new authenticator.

// VerifyIssuedCode checks a code that was sent by admin.Admin.IssueRecoveryCode. The
// answer is not Passed but Enroll: the old authenticators, browsers, recovery codes and
// sessions end in the same write, and the person gets in once the new authenticator has
// shown a code. Guesses are counted together with those of recovery codes. Errors: as
// [Service.VerifyRecoveryCode], and [ErrPasswordRecent].
func (s *Service) VerifyIssuedCode(ctx context.Context, c Challenge, code string) (_ Decision, err error) {
	ctx, flow := s.engine.Begin(ctx, "verify_issued_code")
	defer flow.End(&err)
	t, err := s.engine.UnsealTicket(challengeKind, string(c))
	if err != nil || t.Action != string(ActionSignIn) {
		return Decision{}, ErrChallenge
	}
	p, err := s.engine.PolicyOf(ctx, t.Account())
	if err != nil {
		return Decision{}, err
	}
	check := issuedCheck(ctx, code)
	var d Decision
	err = s.engine.Change(ctx, t.Account(), func(tx *engine.Tx) error {
		if !t.Valid(tx) {
			return refusal(tx, t, ErrChallenge)
		}
		if err := check(tx); err != nil {
			return err
		}
		e, err := tx.Enrollment.Reset(tx.Now)
		if err != nil {
			return err
		}
		tx.Enrollment, tx.Recovery, tx.Issued = e, recovery.Set{}, account.Issued{}
		tx.Phones = tx.Phones.Clear()
		tx.Redeemed()
		tx.EndSessions()
		tx.Log(event.Event{Kind: event.IssuedCodeUsed})
		tx.Save()
		d = s.demandSetUp(tx, p, s.challenge(tx, t, ActionEnroll))
		return nil
	})
	return engine.Acknowledged(d, err)
}

// issuedCheck judges one issued code under the counter of recovery codes.
func issuedCheck(ctx context.Context, code string) func(*engine.Tx) error {
	const method = string(MethodIssuedCode)
	var digest recovery.Digest
	return func(tx *engine.Tx) error {
		rate, err := tx.RecoveryRate.Take(tx.Now, recoveryTries, recoveryWithin)
		if err != nil {
			return throttled(tx, method, err)
		}
		if tx.PasswordRecent(tx.Now) {
			return ErrPasswordRecent
		}
		var set recovery.Set // stays empty if no code was issued or it has expired, so that every code is wrong
		if tx.Issued.Live(tx.Now) {
			set = tx.Issued.Set
		}
		_, err = set.Redeem(tx.Now, digest)
		if errors.Is(err, recovery.ErrStale) {
			if digest, err = set.Derive(ctx, code); err == nil {
				_, err = set.Redeem(tx.Now, digest)
			}
		}
		switch {
		case err == nil:
			tx.RecoveryRate = rate
			return nil
		case errors.Is(err, recovery.ErrMalformed):
			return malformed(tx, method, err)
		case errors.Is(err, recovery.ErrRejected):
			tx.RecoveryRate = rate
			tx.Log(event.Event{Kind: event.RecoveryRejected, Method: method, Reason: err.Error()})
			tx.Save()
			return ErrRejected
		default:
			return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
		}
	}
}
