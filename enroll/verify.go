package enroll

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/totpflow/totpflow/totp"
)

// Verify checks a code against every live authenticator and returns the enrollment in
// which its step is used, with the authenticator that it belongs to. Codes of a candidate
// do not pass.
//
// All authenticators are tried with the same work, whichever matches: the time does not
// reveal which one is in use. A code that happens to be right for several is used in
// each.
//
// Errors: [ErrNone] (an [ErrTransition]) when no authenticator is live; [ErrClock];
// and of package totp ErrMalformedCode, ErrAlreadyUsed, ErrRejected. There is no
// [*DriftError] here: to somebody who has only the password, the answer that a code is
// right for another time is worth thousands of guesses.
func (e Enrollment) Verify(at time.Time, code string, w totp.Window) (Enrollment, Authenticator, error) {
	return e.verify(at, w, func(a Authenticator) (totp.Step, error) {
		return a.Key.Verify(code, at, a.Last, w)
	})
}

// VerifyPair is [Enrollment.Verify] for two consecutive codes of one
// authenticator, in order, both newer than the last one accepted. The later one must be
// in the window, the earlier one belongs to the step before it. ErrAlreadyUsed means that
// the later one was used; see totp.Key.VerifyPair on what to charge.
func (e Enrollment) VerifyPair(at time.Time, first, second string, w totp.Window) (Enrollment, Authenticator, error) {
	return e.verify(at, w, func(a Authenticator) (totp.Step, error) {
		return a.Key.VerifyPair(first, second, at, a.Last, w)
	})
}

func (e Enrollment) verify(at time.Time, w totp.Window, try func(Authenticator) (totp.Step, error)) (Enrollment, Authenticator, error) {
	next, err := e.take(at, Verify)
	if errors.Is(err, ErrTransition) {
		return e, Authenticator{}, fmt.Errorf("%w: %w", ErrNone, err)
	}
	if err != nil {
		return e, Authenticator{}, err
	}
	if err := next.checkClock(at, w); err != nil {
		return e, Authenticator{}, err
	}
	next.live = slices.Clone(next.live)
	matched := -1
	var refusal error
	for i, a := range next.live { // the loop goes to the end, whatever matches
		step, err := try(a)
		if err != nil {
			refusal = weightier(refusal, err)
			continue
		}
		next.live[i].Last = step
		next.live[i].Used = stamp(at)
		if matched < 0 {
			matched = i
		}
	}
	if matched < 0 {
		return e, Authenticator{}, refusal
	}
	return next, next.live[matched], nil
}

// weightier picks the error to return when several authenticators refuse for different
// reasons: six digits are malformed for a key of eight and may still be a wrong
// or a used code of another.
func weightier(a, b error) error {
	weight := func(err error) int {
		switch {
		case err == nil:
			return 0
		case errors.Is(err, totp.ErrMalformedCode):
			return 1
		case errors.Is(err, totp.ErrAlreadyUsed):
			return 3
		case errors.Is(err, totp.ErrRejected):
			return 2
		}
		return 4 // a bad window or time is the caller's fault and must be seen
	}
	if weight(b) > weight(a) {
		return b
	}
	return a
}

// checkClock refuses when the last accepted step is in the future. Continuing would mean
// judging by a wrong time; forgetting the step would let every code since then pass
// again.
func (e Enrollment) checkClock(at time.Time, w totp.Window) error {
	for _, a := range e.live {
		if a.Last > a.Key.Step(at)+totp.Step(w.Future) {
			return ErrClock
		}
	}
	return nil
}

// MarkUsed counts every step up to the end of the window as used, for all secrets
// that the account has or had, and drops the candidate. After a database was
// restored from a copy, no code shown since that copy passes a second time. The
// window is that of Verify: with a wider one the person gets [ErrClock] until its end.
func (e Enrollment) MarkUsed(at time.Time, w totp.Window) Enrollment {
	future := totp.Step(min(max(w.Future, 0), maxAhead))
	burnt := func(k totp.Key, last totp.Step) totp.Step { return max(last, k.Step(at)+future) }
	e = e.Expire(at).withdraw()
	e.live, e.kept, e.retired = slices.Clone(e.live), slices.Clone(e.kept), slices.Clone(e.retired)
	for i, a := range e.live {
		e.live[i].Last = burnt(a.Key, a.Last)
	}
	for i, k := range e.kept {
		e.kept[i].Last = burnt(k.Key, k.Last)
	}
	for i, r := range e.retired {
		e.retired[i].last = burnt(r.key, r.last)
		if until := stamp(at.Add(retiredAge(r.key))); until.After(r.until) {
			e.retired[i].until = until
		}
	}
	return e
}

// maxDrift is as far as [DriftError] looks: a device set by hand to the wrong
// time zone is off by up to 14 hours.
const maxDrift = 14 * time.Hour

// DriftError reports that the code of a confirmation is right for another time: the
// device's clock is off. It is a totp.ErrRejected; nothing was changed.
//
// Only [Enrollment.Confirm] returns it. The person who confirms has been shown the
// secret, so the answer reveals nothing new; and this is the moment to help, before the
// person depends on a wrong clock.
type DriftError struct {
	// Off is the device's clock minus the server's, in whole periods: positive when the
	// device is ahead.
	Off time.Duration
}

func (e *DriftError) Error() string {
	if e.Off < 0 {
		return fmt.Sprintf("enroll: the device's clock is %v behind", -e.Off)
	}
	return fmt.Sprintf("enroll: the device's clock is %v ahead", e.Off)
}

// Is makes a DriftError match totp.ErrRejected.
func (e *DriftError) Is(target error) bool { return target == totp.ErrRejected }

// explainDrift returns a DriftError in place of a rejection when the code is
// right for a time within maxDrift, the nearest first; otherwise the rejection.
func explainDrift(rejection error, key totp.Key, code string, at time.Time) error {
	if !errors.Is(rejection, totp.ErrRejected) {
		return rejection
	}
	period := key.Params().Period
	for off := period; off <= maxDrift; off += period {
		for _, off := range [2]time.Duration{off, -off} {
			// Nothing is accepted here, so steps already used do not matter.
			if _, err := key.Verify(code, at.Add(off), 0, totp.Window{}); err == nil {
				return &DriftError{Off: off}
			}
		}
	}
	return rejection
}
