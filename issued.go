package totpflow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
)

// An issued recovery code (NIST SP 800-63B-4 §4.2.1.2) is for somebody who has
// lost the phone and the recovery codes: an administrator has one sent to the
// person by mail, and never sees it. It opens nothing by itself but the way to a
// new authenticator.

// passwordPause is how long after a new password no issued code is made or
// redeemed: whoever has the mailbox could else reset the password by mail, have
// a code issued by mail, and hold both factors with one stolen thing.
const passwordPause = 24 * time.Hour

// ErrPasswordRecent means that the password was changed or reset within the last
// 24 hours, so that a code sent by mail proves nothing beside it.
var ErrPasswordRecent = errors.New("totpflow: the password was changed too recently for a code sent by mail")

// passwordRecent also holds while the clock is behind the change.
func passwordRecent(r *account.Round) bool { return r.Now.Sub(r.PasswordAt) < passwordPause }

// VerifyIssuedCode takes a code that [Admin.IssueRecoveryCode] had sent. The
// answer is not Passed but Enroll: the old authenticators, browsers, recovery
// codes and sessions end with the same write, and the person is in when the new
// authenticator has shown a code. Guesses are counted with those of recovery
// codes. Errors: as [Service.VerifyRecoveryCode], and [ErrPasswordRecent].
func (s *Service) VerifyIssuedCode(ctx context.Context, c Challenge, code string) (Decision, error) {
	t, err := s.unseal(challengeKind, string(c))
	if err != nil || t.Action != ActionSignIn {
		return Decision{}, ErrChallenge
	}
	p, err := s.policyOf(ctx, t.account())
	if err != nil {
		return Decision{}, err
	}
	check := issuedCheck(ctx, code)
	var d Decision
	err = s.book.Change(ctx, t.account(), func(r *account.Round) error {
		if !t.holds(r) {
			return ErrChallenge
		}
		if err := check(r); err != nil {
			return err
		}
		e, err := r.Enrollment.Reset(r.Now)
		if err != nil {
			return err
		}
		r.Enrollment, r.Recovery, r.Issued = e, recovery.Set{}, account.Issued{}
		r.Phones = r.Phones.Clear()
		r.CodeOnly = true // who redeems it and does not finish needs another one
		r.FactorsChanged(r.Now)
		r.Log(event.Event{Kind: event.IssuedCodeUsed})
		r.Save()
		d = s.demandSetUp(r, p, s.challenge(r, t, ActionEnroll))
		return nil
	})
	return answer(d, err)
}

// issuedCheck judges one issued code under the counter of recovery codes.
func issuedCheck(ctx context.Context, code string) func(*account.Round) error {
	const method = string(MethodIssuedCode)
	var digest recovery.Digest
	return func(r *account.Round) error {
		rate, err := r.RecoveryRate.Take(r.Now, recoveryTries, recoveryWithin)
		if err != nil {
			return throttled(r, method, err)
		}
		if passwordRecent(r) {
			return ErrPasswordRecent
		}
		var set recovery.Set // none, or one that has run out: wrong like any other
		if r.Issued.Live(r.Now) {
			set = r.Issued.Set
		}
		_, err = set.Redeem(r.Now, digest)
		if errors.Is(err, recovery.ErrStale) {
			if digest, err = set.Derive(ctx, code); err == nil {
				_, err = set.Redeem(r.Now, digest)
			}
		}
		switch {
		case err == nil:
			r.RecoveryRate = rate
			return nil
		case errors.Is(err, recovery.ErrMalformed):
			return malformed(r, method, err)
		case errors.Is(err, recovery.ErrRejected):
			r.RecoveryRate = rate
			r.Log(event.Event{Kind: event.RecoveryRejected, Method: method, Reason: err.Error()})
			r.Save()
			return ErrRejected
		default:
			return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
		}
	}
}
