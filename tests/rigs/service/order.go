package service

import (
	"errors"
	"fmt"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/tests/rigs/race"
	"github.com/totpflow/totpflow/throttle"
)

const (
	processes  = 2
	goroutines = 64 // in each
)

// An order is what a replica must do now, with all its hands at once.
type order struct {
	Do   task
	Ring string    // the service's keys
	At   time.Time // the time of the clock
	User totpflow.User

	Code      string                     // a code of the app, or a recovery code
	Guesses   int                        // the number of guesses in all
	Challenge totpflow.Challenge         // a challenge that demands an enrollment
	Pages     []totpflow.EnrollmentToken // enrollments under way …
	Codes     []string                   // … and the first code of each
	Browser   string                     // the token of a trusted browser …
	Revoke    string                     // … and its id, at the replica that revokes it
}

type task string

const (
	sit     task = "sit"     // every hand signs in to the point where a code is asked for
	verify  task = "verify"  // a code of the app
	redeem  task = "redeem"  // a recovery code
	guess   task = "guess"   // a wrong code, over and over
	confirm task = "confirm" // an enrollment
	check   task = "check"   // a trusted browser
)

// A report is what the hands of a replica were answered.
type report struct {
	Outcomes map[outcome]int
	Fault    string        `json:",omitempty"` // an answer that no flow should give
	Bound    []bound       `json:",omitempty"` // the enrollments that were confirmed
	Revoked  time.Duration `json:",omitempty"` // when the revocation was acknowledged
	Accepted time.Duration `json:",omitempty"` // when the last accepted check began
}

// bound is the answer to the caller who confirmed an enrollment.
type bound struct{ Secret, Recovery string }

// An outcome is the answer of a flow.
type outcome string

const (
	ok          outcome = "ok"
	asked       outcome = "asked" // asked for a code, instead of let in
	used        outcome = "used"
	rejected    outcome = "rejected"
	throttled   outcome = "throttled"
	over        outcome = "over" // the sign-in, or the enrollment
	unavailable outcome = "unavailable"
)

var outcomes = []struct {
	err error
	is  outcome
}{
	{totpflow.ErrAlreadyUsed, used},
	{throttle.ErrThrottled, throttled},
	{totpflow.ErrRejected, rejected},
	{totpflow.ErrChallenge, over},
	{totpflow.ErrEnrollmentExpired, over},
	{store.ErrUnavailable, unavailable},
}

func (r *report) count(err error) {
	if err == nil {
		r.Outcomes[ok]++
		return
	}
	for _, o := range outcomes {
		if errors.Is(err, o.err) {
			r.Outcomes[o.is]++
			return
		}
	}
	r.Fault = err.Error()
}

// figures returns those of the outcomes.
func (r *report) figures() (f race.Figures) {
	for o, n := range r.Outcomes {
		f.Attempts += n
		switch o {
		case ok:
			f.Successes += n
		case unavailable:
			f.Unavailable += n
		default:
			f.Refused += n
		}
	}
	return f
}

// add adds the report of another replica.
func (r *report) add(more report) {
	for o, n := range more.Outcomes {
		r.Outcomes[o] += n
	}
	r.Fault += more.Fault
	r.Bound = append(r.Bound, more.Bound...)
	r.Revoked = max(r.Revoked, more.Revoked)
	r.Accepted = max(r.Accepted, more.Accepted)
}

// exactly requires a number of one outcome, some of which may not have been reported, and
// otherwise only the others.
func (r *report) exactly(want int, of outcome, others ...outcome) error {
	got, untold := r.Outcomes[of], r.Outcomes[unavailable]
	if got > want || got+untold < want {
		return fmt.Errorf("%d times %q instead of %d: %v", got, of, want, r.Outcomes)
	}
	rest := r.figures().Attempts - got - untold
	for _, o := range others {
		rest -= r.Outcomes[o]
	}
	if rest != 0 {
		return fmt.Errorf("unexpected answers: %v", r.Outcomes)
	}
	return nil
}
