package totpflow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totp"
)

// VerifyCode completes a sign-in with the code of an authenticator app. A code
// works once. Where all that the account has are weak keys of an import, the
// decision is Enroll instead of Passed. Errors: [ErrRejected], [ErrAlreadyUsed], [*throttle.Error],
// [ErrChallenge], and what errors in general lists.
func (s *Service) VerifyCode(ctx context.Context, c Challenge, code string) (Decision, error) {
	return s.verify(ctx, c, ReasonCode, func(r *account.Round, t ticket, _ policy.Policy) error {
		return s.checkCode(r, t.ID, code)
	})
}

// VerifyPair completes a sign-in with two consecutive codes of one
// authenticator app, in their order. It works while single codes have to wait:
// guessing a pair is a million times harder than guessing a code. It has a
// counter of its own, one try in 30 seconds with a burst of six, and each pair
// that is not malformed is a try, whatever the answer. [ErrAlreadyUsed] is said
// of a pair whose later code was used; a used code with a fresh one after it is
// [ErrRejected].
func (s *Service) VerifyPair(ctx context.Context, c Challenge, first, second string) (Decision, error) {
	return s.verify(ctx, c, ReasonCode, func(r *account.Round, t ticket, _ policy.Policy) error {
		return s.checkPair(r, t.ID, first, second)
	})
}

// VerifyRecoveryCode completes a sign-in with a recovery code. The code is
// spent, every trusted browser is forgotten, and the decision's proof begins
// the enrollment of a new authenticator: lead the person there. After a reset that
// left the codes, the decision is Enroll instead of Passed. Errors: as
// [Service.VerifyCode], and [ErrMethodNotAllowed] where policy allows no recovery codes.
func (s *Service) VerifyRecoveryCode(ctx context.Context, c Challenge, code string) (Decision, error) {
	check := s.recoveryCheck(ctx, code)
	return s.verify(ctx, c, ReasonRecoveryCode, func(r *account.Round, t ticket, p policy.Policy) error {
		if !p.Methods.Has(policy.RecoveryCodes) {
			return ErrMethodNotAllowed
		}
		return check(r, t.ID)
	})
}

// VerifyExternal completes a sign-in with a factor of the host's own, such as a
// hardware key, under the account's one budget of guesses. Check returns nil
// when the factor was shown, [ErrRejected] when it was not, which is counted as
// a guess, and any other error when it cannot say, which is not. It is called
// at most once, and not at all while the account has to wait. It is called while
// the account's other flows queue behind it: it should be quick, and a flow of
// the same account inside it would wait for itself. Where policy does not allow
// other factors it is [ErrMethodNotAllowed].
func (s *Service) VerifyExternal(ctx context.Context, c Challenge, method Method, check func(context.Context) error) (Decision, error) {
	once := onlyOnce(func() error { return check(ctx) })
	return s.verify(ctx, c, ReasonExternal, func(r *account.Round, t ticket, p policy.Policy) error {
		if !p.Methods.Has(policy.External) {
			return ErrMethodNotAllowed
		}
		return s.charged(r, t.ID, string(method), s.chances(r), once)
	})
}

// verify is the one way through the second step: the challenge must hold, the
// check must pass, the challenge is spent, and all of it is written before
// anybody is let in.
func (s *Service) verify(ctx context.Context, c Challenge, by Reason, check func(*account.Round, ticket, policy.Policy) error) (Decision, error) {
	t, err := s.unseal(challengeKind, string(c))
	if err != nil || t.Action != ActionSignIn {
		return Decision{}, ErrChallenge
	}
	p, err := s.policyOf(ctx, t.account())
	if err != nil {
		return Decision{}, err
	}
	var d Decision
	err = s.book.Change(ctx, t.account(), func(r *account.Round) error {
		if !t.holds(r) {
			return ErrChallenge
		}
		if err := check(r, t, p); err != nil {
			return err
		}
		t.consume(r) // a no-op when the check has ended every ticket, this one too
		r.Save()
		if r.Enrollment.State(r.Now) == enroll.ResetPending { // shown what a reset has left: it leads to the enrollment, not past it
			d = s.demandSetUp(r, p, s.challenge(r, t, ActionEnroll))
			return nil
		}
		if by == ReasonCode && !r.Enrollment.WeakUntil().IsZero() { // the code of a weak secret leads to a new authenticator, and nowhere else
			d = s.demandSetUp(r, p, s.challenge(r, t, ActionEnroll))
			d.Methods, d.Phones = []Method{MethodCode}, nil
			return nil
		}
		r.Log(event.Event{Kind: event.SignedIn, Method: string(by)})
		d = s.pass(r, t, p, by)
		return nil
	})
	return answer(d, err)
}

// checkCode judges one code of an app and counts it. The tag names the
// challenge, whose failures are given back when it ends in success.
func (s *Service) checkCode(r *account.Round, tag, code string) error {
	return s.charged(r, tag, string(ReasonCode), s.chances(r), func() error {
		e, _, err := r.Enrollment.Verify(r.Now, code, s.window)
		if err == nil {
			r.Enrollment = e // the step is burnt
		}
		return err
	})
}

// charged runs a check that can be guessed, with so many chances in a million,
// under the account's budget.
func (s *Service) charged(r *account.Round, tag, method string, chances int, check func() error) error {
	if err := r.Budget.Allow(r.Now, s.limits, chances); err != nil {
		return throttled(r, method, err)
	}
	err := check()
	switch {
	case err == nil:
		r.Budget = r.Budget.Succeed(r.Now, tag)
		r.Save()
		return nil
	case errors.Is(err, totp.ErrMalformedCode):
		return malformed(r, method, err)
	case errors.Is(err, ErrRejected):
		r.Budget = r.Budget.Fail(r.Now, s.limits, tag, chances)
		s.logRejected(r, method)
		r.Save()
		return ErrRejected
	default:
		return s.uncounted(r, method, err)
	}
}

// checkPair judges two consecutive codes under the pairs' own counter. The try is
// taken whatever the answer: one that is free can be asked again and again, and
// whatever it tells is then found out by asking.
func (s *Service) checkPair(r *account.Round, tag, first, second string) error {
	budget, err := r.Budget.Pair(r.Now, s.limits)
	if err != nil {
		return throttled(r, "pair", err)
	}
	e, _, err := r.Enrollment.VerifyPair(r.Now, first, second, s.window)
	if errors.Is(err, totp.ErrMalformedCode) {
		return malformed(r, "pair", err)
	}
	r.Budget = budget
	r.Save()
	switch {
	case err == nil:
		r.Enrollment, r.Budget = e, budget.Succeed(r.Now, tag)
		return nil
	case errors.Is(err, ErrRejected):
		r.Log(event.Event{Kind: event.CodeRejected, Method: "pair"})
		return ErrRejected
	default:
		return s.uncounted(r, "pair", err)
	}
}

// Recovery codes have a counter of their own, so that neither an attacker's
// guesses of codes close this way to the owner, nor the other way round.
const (
	recoveryTries  = 10
	recoveryWithin = time.Hour
)

// recoveryCheck returns the check of one recovery code. The slow derivation is
// done once, also when the race for the record is lost and run again.
func (s *Service) recoveryCheck(ctx context.Context, code string) func(*account.Round, string) error {
	var digest recovery.Digest
	return func(r *account.Round, tag string) error {
		rate, err := r.RecoveryRate.Take(r.Now, recoveryTries, recoveryWithin)
		if err != nil {
			return throttled(r, string(ReasonRecoveryCode), err)
		}
		set, err := r.Recovery.Redeem(r.Now, digest)
		if errors.Is(err, recovery.ErrStale) { // not derived yet, or for a set that was replaced meanwhile
			if digest, err = r.Recovery.Derive(ctx, code); err == nil {
				set, err = r.Recovery.Redeem(r.Now, digest)
			}
		}
		switch {
		case err == nil:
			r.Recovery, r.RecoveryRate = set, rate
			r.Budget = r.Budget.Succeed(r.Now, tag)
			r.EndTickets() // who has the lost phone shall not trust a browser with a proof from before
			r.EndTrust()
			r.Log(event.Event{Kind: event.RecoveryUsed, Remaining: set.Remaining()})
			r.Save()
			return nil
		case errors.Is(err, recovery.ErrMalformed):
			return malformed(r, string(ReasonRecoveryCode), err)
		case errors.Is(err, recovery.ErrRejected):
			r.RecoveryRate = rate
			r.Log(event.Event{Kind: event.RecoveryRejected, Reason: err.Error()})
			r.Save()
			return ErrRejected // wrong and already used read the same
		default: // the context ended before anything was known of the code
			return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
		}
	}
}

// chances is how many codes out of a million a guess at this account would be
// right with: each authenticator has one for every step of the window.
func (s *Service) chances(r *account.Round) int {
	return max(1, len(r.Enrollment.Authenticators())) * (s.window.Past + 1 + s.window.Future)
}

// alarmAfter wrong codes in a row after a right password, the event says so
// once: the password may be in the wrong hands (ASVS 6.3.5).
const alarmAfter = 3

func (s *Service) logRejected(r *account.Round, method string) {
	r.Log(event.Event{Kind: event.CodeRejected, Method: method})
	if r.Budget.ConsecutiveFailures() == alarmAfter {
		r.Log(event.Event{Kind: event.RejectedRepeatedly, Method: method})
	}
	var wait *throttle.Error
	if errors.As(r.Budget.Allow(r.Now, s.limits, s.chances(r)), &wait) &&
		(wait.Until.IsZero() || wait.Until.Sub(r.Now) > s.limits.MaxWait) {
		r.Log(event.Event{Kind: event.Suspended, Method: method, Until: wait.Until})
	}
}

// throttled refuses without evaluating and without writing.
func throttled(r *account.Round, method string, err error) error {
	e := event.Event{Kind: event.Throttled, Method: method}
	var wait *throttle.Error
	if errors.As(err, &wait) {
		e.Until = wait.Until
	}
	r.Log(e)
	return err
}

// malformed refuses without counting: no guess, since its form alone says that
// it cannot be right.
func malformed(r *account.Round, method string, err error) error {
	r.Log(event.Event{Kind: event.CodeMalformed, Method: method})
	return fmt.Errorf("%w: %w", ErrRejected, err)
}

// uncounted passes on what is no guess: a code that was right but used, a clock
// that went back, a host's factor that cannot say.
func (s *Service) uncounted(r *account.Round, method string, err error) error {
	switch {
	case errors.Is(err, ErrAlreadyUsed):
		r.Log(event.Event{Kind: event.CodeReplayed, Method: method})
		return ErrAlreadyUsed
	case errors.Is(err, enroll.ErrNone):
		return fmt.Errorf("%w: %w", ErrNotEnrolled, err)
	case errors.Is(err, enroll.ErrClock):
		r.Log(event.Event{Kind: event.ClockBehind})
	}
	return err
}

// onlyOnce remembers the answer of check, for rounds that are run again.
func onlyOnce(check func() error) func() error {
	var done bool
	var err error
	return func() error {
		if !done {
			done, err = true, check()
		}
		return err
	}
}
