package totpflow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totp"
)

// VerifyCode completes a sign-in with the code of an authenticator app. A code
// works once. For a code of a weak imported key the decision is Enroll instead of Passed,
// even if the account has others: it leads to a new authenticator. Errors: [ErrRejected],
// [ErrAlreadyUsed], [*throttle.Error], [ErrChallenge], and those that any flow may
// return.
func (s *Service) VerifyCode(ctx context.Context, c Challenge, code string) (_ Decision, err error) {
	ctx, flow := s.engine.Begin(ctx, "verify_code")
	defer flow.End(&err)
	return s.verify(ctx, c, ReasonCode, func(tx *engine.Tx, t *engine.Ticket, _ policy.Policy) error {
		return s.checkCode(tx, t.ID, code)
	})
}

// VerifyPair completes a sign-in with two consecutive codes of one
// authenticator app, in their order. It works while single codes are locked out: guessing
// a pair is a million times harder than guessing a code. Pairs have their own counter,
// one try in 30 seconds with a burst of six, and each pair that is not malformed is a
// try, whatever the answer. A pair whose later code was used is [ErrAlreadyUsed]; a used
// code with a fresh one after it is [ErrRejected].
func (s *Service) VerifyPair(ctx context.Context, c Challenge, first, second string) (_ Decision, err error) {
	ctx, flow := s.engine.Begin(ctx, "verify_pair")
	defer flow.End(&err)
	return s.verify(ctx, c, ReasonCode, func(tx *engine.Tx, t *engine.Ticket, _ policy.Policy) error {
		return s.checkPair(tx, t.ID, first, second)
	})
}

// VerifyRecoveryCode completes a sign-in with a recovery code. The code is
// spent, every trusted browser is forgotten, and the decision's proof begins
// the enrollment of a new authenticator: lead the person there. After a reset that
// left the codes, the decision is Enroll instead of Passed. Errors: as
// [Service.VerifyCode], and [ErrMethodNotAllowed] where policy allows no recovery codes.
func (s *Service) VerifyRecoveryCode(ctx context.Context, c Challenge, code string) (_ Decision, err error) {
	ctx, flow := s.engine.Begin(ctx, "verify_recovery_code")
	defer flow.End(&err)
	check := s.recoveryCheck(ctx, code)
	return s.verify(ctx, c, ReasonRecoveryCode, func(tx *engine.Tx, t *engine.Ticket, p policy.Policy) error {
		if !p.Methods.Has(policy.RecoveryCodes) {
			return ErrMethodNotAllowed
		}
		return check(tx, t.ID)
	})
}

// verify is the only way through the second step: the challenge must be valid, the check
// must pass, the challenge is spent, and all of it is written before anybody is let in.
func (s *Service) verify(ctx context.Context, c Challenge, by Reason, check func(*engine.Tx, *engine.Ticket, policy.Policy) error) (Decision, error) {
	t, err := s.signInUnderWay(c)
	if err != nil {
		return Decision{}, err
	}
	p, err := s.engine.PolicyOf(ctx, t.Account())
	if err != nil {
		return Decision{}, err
	}
	var d Decision
	err = s.engine.Guess(ctx, t.Account(), func(tx *engine.Tx) error {
		if !t.Valid(tx) {
			return refusal(tx, t, ErrChallenge)
		}
		was := tx.Enrollment.Authenticators()
		if err := check(tx, &t, p); err != nil {
			return err
		}
		t.Consume(tx) // a no-op when the check has ended every ticket, this one too
		tx.Save()
		if tx.Enrollment.State(tx.Now) == enroll.ResetPending { // a code that a reset has left: it leads to the enrollment, not past it
			d = s.demandSetUp(tx, p, s.challenge(tx, t, ActionEnroll))
			return nil
		}
		if by == ReasonCode && usedWeak(was, tx.Enrollment.Authenticators()) { // the code of a weak secret leads only to a new authenticator
			d = s.demandSetUp(tx, p, s.challenge(tx, t, ActionEnroll))
			d.Methods, d.Phones = []Method{MethodCode}, nil
			return nil
		}
		tx.Log(event.Event{Kind: event.SignedIn, Method: string(by)})
		d = s.pass(tx, t, p, by)
		return nil
	})
	return engine.Acknowledged(d, err)
}

// reasonWeakCode is how a proof was earned that replaces weak authenticators only.
const reasonWeakCode Reason = "weak code"

// usedWeak reports whether the code was of a weak key: its authenticator has moved on.
func usedWeak(was, now []enroll.Authenticator) bool {
	for i, x := range now {
		if i < len(was) && x.ID == was[i].ID && x.Last != was[i].Last && !x.Until.IsZero() {
			return true
		}
	}
	return false
}

// checkCode checks one code of an app and counts it. The tag names the challenge, whose
// failures are forgiven when it ends in success.
func (s *Service) checkCode(tx *engine.Tx, tag, code string) error {
	return s.charged(tx, tag, string(ReasonCode), s.engine.Chances(tx), func() error {
		e, _, err := tx.Enrollment.Verify(tx.Now, code, s.engine.Window)
		if err == nil {
			tx.Enrollment = e // the step is used
		}
		return err
	})
}

// charged runs a check that can be passed by a guess, with so many chances in a million,
// under the account's budget.
func (s *Service) charged(tx *engine.Tx, tag, method string, chances int, check func() error) error {
	if err := tx.Budget.Allow(tx.Now, s.engine.Limits, chances); err != nil {
		return throttled(tx, method, err)
	}
	err := check()
	switch {
	case err == nil:
		tx.Budget = tx.Budget.Succeed(tx.Now, tag)
		tx.Save()
		return nil
	case errors.Is(err, totp.ErrMalformedCode):
		return malformed(tx, method, err)
	case errors.Is(err, ErrRejected):
		tx.Budget = tx.Budget.Fail(tx.Now, s.engine.Limits, tag, chances)
		s.logRejected(tx, method)
		tx.Save()
		return ErrRejected
	default:
		return s.uncounted(tx, method, err)
	}
}

// checkPair checks two consecutive codes under the pairs' own counter. Every answer costs
// a try: otherwise an attacker could ask for a free answer again and again, and learn
// from it.
func (s *Service) checkPair(tx *engine.Tx, tag, first, second string) error {
	budget, err := tx.Budget.Pair(tx.Now, s.engine.Limits)
	if err != nil {
		return throttled(tx, "pair", err)
	}
	e, _, err := tx.Enrollment.VerifyPair(tx.Now, first, second, s.engine.Window)
	if errors.Is(err, totp.ErrMalformedCode) {
		return malformed(tx, "pair", err)
	}
	tx.Budget = budget
	tx.Save()
	switch {
	case err == nil:
		tx.Enrollment, tx.Budget = e, budget.Succeed(tx.Now, tag)
		return nil
	case errors.Is(err, ErrRejected):
		tx.Log(event.Event{Kind: event.CodeRejected, Method: "pair"})
		return ErrRejected
	default:
		return s.uncounted(tx, "pair", err)
	}
}

// Recovery codes have a counter of their own, so that an attacker's guesses of codes do
// not close this way to the owner, nor the other way round.
const (
	recoveryTries  = 10
	recoveryWithin = time.Hour
)

// recoveryCheck returns the check of one recovery code. The slow derivation is done once,
// even if the race for the record is lost and the check runs again.
func (s *Service) recoveryCheck(ctx context.Context, code string) func(*engine.Tx, string) error {
	var digest recovery.Digest
	return func(tx *engine.Tx, tag string) error {
		rate, err := tx.RecoveryRate.Take(tx.Now, recoveryTries, recoveryWithin)
		if err != nil {
			return throttled(tx, string(ReasonRecoveryCode), err)
		}
		set, err := tx.Recovery.Redeem(tx.Now, digest)
		if errors.Is(err, recovery.ErrStale) { // not derived yet, or for a set that was replaced meanwhile
			if digest, err = tx.Recovery.Derive(ctx, code); err == nil {
				set, err = tx.Recovery.Redeem(tx.Now, digest)
			}
		}
		switch {
		case err == nil:
			tx.Recovery, tx.RecoveryRate = set, rate
			tx.Budget = tx.Budget.Succeed(tx.Now, tag)
			tx.EndTickets() // a thief with the lost phone must not trust a browser with an older proof
			tx.EndTrust()
			tx.Log(event.Event{Kind: event.RecoveryUsed, Remaining: set.Remaining()})
			tx.Save()
			return nil
		case errors.Is(err, recovery.ErrMalformed):
			return malformed(tx, string(ReasonRecoveryCode), err)
		case errors.Is(err, recovery.ErrRejected):
			tx.RecoveryRate = rate
			tx.Log(event.Event{Kind: event.RecoveryRejected, Reason: err.Error()})
			tx.Save()
			return ErrRejected // wrong and already used read the same
		default: // the context ended before the code was checked
			return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
		}
	}
}

// alarmAfter is the number of wrong codes in a row, after a right password, at which an
// event reports it once: the password may be in the wrong hands (ASVS 6.3.5).
const alarmAfter = 3

func (s *Service) logRejected(tx *engine.Tx, method string) {
	tx.Log(event.Event{Kind: event.CodeRejected, Method: method})
	if tx.Budget.ConsecutiveFailures() == alarmAfter {
		tx.Log(event.Event{Kind: event.RejectedRepeatedly, Method: method})
	}
	if wait := s.engine.Throttled(tx); wait != nil &&
		(wait.Until.IsZero() || wait.Until.Sub(tx.Now) > s.engine.Limits.MaxWait) {
		tx.Log(event.Event{Kind: event.Suspended, Method: method, Until: wait.Until})
	}
}

// throttled refuses without evaluating and without writing.
func throttled(tx *engine.Tx, method string, err error) error {
	e := event.Event{Kind: event.Throttled, Method: method}
	var wait *throttle.Error
	if errors.As(err, &wait) {
		e.Until = wait.Until
	}
	tx.Log(e)
	return err
}

// malformed refuses without counting: it is not a guess, since its form alone shows that
// it cannot be right.
func malformed(tx *engine.Tx, method string, err error) error {
	tx.Log(event.Event{Kind: event.CodeMalformed, Method: method})
	return fmt.Errorf("%w: %w", ErrRejected, err)
}

// uncounted passes on errors that do not come from guesses: a code that was right but
// used, a clock that went back, or a host's factor that cannot decide.
func (s *Service) uncounted(tx *engine.Tx, method string, err error) error {
	switch {
	case errors.Is(err, ErrAlreadyUsed):
		tx.Log(event.Event{Kind: event.CodeReplayed, Method: method})
		return ErrAlreadyUsed
	case errors.Is(err, enroll.ErrNone):
		return fmt.Errorf("%w: %w", ErrNotEnrolled, err)
	case errors.Is(err, enroll.ErrClock):
		tx.Log(event.Event{Kind: event.ClockBehind})
	}
	return err
}
