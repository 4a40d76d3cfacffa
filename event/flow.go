package event

import (
	"context"
	"time"
)

// A Flow is one call of the product to the library, as a metric or a trace shows it.
// Nothing in it says who it was about: each word is of a closed set, so that all of
// them can be labels.
type Flow struct {
	// Name is the method, such as "sign_in" of a Service, "account.disable" of an
	// Account and "admin.reset" of package admin.
	Name     string
	Outcome  Outcome
	Began    time.Time     // by totpflow.Config.Now
	Duration time.Duration // until its answer, with the time that observers of its events took
	Lost     int           // rounds in which another writer was faster, so that the flow decided again
}

// An Outcome says in one word how a [Flow] ended.
type Outcome string

// Outcomes. The last three are faults of the installation.
const (
	OutcomeOK          Outcome = "ok"          // there is no error; a decision that asks for a code is one of these
	OutcomeRejected    Outcome = "rejected"    // a wrong code, or one that had been used
	OutcomeMalformed   Outcome = "malformed"   // no code at all
	OutcomeThrottled   Outcome = "throttled"   // too many wrong codes, or messages
	OutcomeRefused     Outcome = "refused"     // for another reason, such as a sign-in that had expired, or a policy
	OutcomeCanceled    Outcome = "canceled"    // the caller ended it, such as a browser that hung up
	OutcomeUnavailable Outcome = "unavailable" // the store did not answer in time, or not at all
	OutcomeUnreadable  Outcome = "unreadable"  // a record did not open
	OutcomeFailed      Outcome = "failed"      // what the product lends the library failed: its policy, its provider of messages, its notifier
)

// Outcomes returns every outcome of this release.
func Outcomes() []Outcome {
	return []Outcome{
		OutcomeOK, OutcomeRejected, OutcomeMalformed, OutcomeThrottled, OutcomeRefused, OutcomeCanceled,
		OutcomeUnavailable, OutcomeUnreadable, OutcomeFailed,
	}
}

// A FlowObserver hears of every flow when it has ended, on its goroutine: for metrics
// and traces. The context is the caller's, and may have ended. It may be called from
// several goroutines at once, the flow waits for it, and a panic in it is logged and
// goes no further. Module otel has one.
type FlowObserver interface {
	ObserveFlow(ctx context.Context, f Flow)
}

// A FlowObserverFunc is a function as a [FlowObserver].
type FlowObserverFunc func(ctx context.Context, f Flow)

// ObserveFlow calls f.
func (f FlowObserverFunc) ObserveFlow(ctx context.Context, flow Flow) { f(ctx, flow) }
