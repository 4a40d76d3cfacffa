package event

import (
	"context"
	"time"
)

// A Flow is one call of the product to the library, for a metric or a trace. It does not
// identify a person: each word is from a closed set, so that all of them can be labels.
type Flow struct {
	// Name is the method, such as "sign_in" of a Service, "account.disable" of an
	// Account and "admin.reset" of package admin.
	Name     string
	Outcome  Outcome
	Began    time.Time     // the start, by totpflow.Config.Now
	Duration time.Duration // the time until its answer, including the time of its events' observers
	Lost     int           // rounds in which another writer was faster, so that the flow decided again
}

// An Outcome is the result of a [Flow] in one word.
type Outcome string

// Outcomes. The last three are faults of the installation.
const (
	OutcomeOK          Outcome = "ok"          // there is no error; a decision that asks for a code is one of these
	OutcomeRejected    Outcome = "rejected"    // a wrong code, or one that had been used
	OutcomeMalformed   Outcome = "malformed"   // not a code
	OutcomeThrottled   Outcome = "throttled"   // too many wrong codes, or messages
	OutcomeRefused     Outcome = "refused"     // for another reason, such as an expired sign-in, or a policy
	OutcomeCanceled    Outcome = "canceled"    // the caller ended it, such as a browser that hung up
	OutcomeUnavailable Outcome = "unavailable" // the store did not answer in time, or not at all
	OutcomeUnreadable  Outcome = "unreadable"  // a record did not open
	OutcomeFailed      Outcome = "failed"      // the product's part failed: its policy, its provider of messages, its notifier
)

// Outcomes returns every outcome of this release.
func Outcomes() []Outcome {
	return []Outcome{
		OutcomeOK, OutcomeRejected, OutcomeMalformed, OutcomeThrottled, OutcomeRefused, OutcomeCanceled,
		OutcomeUnavailable, OutcomeUnreadable, OutcomeFailed,
	}
}

// A FlowObserver is called when a flow has ended, on its goroutine, for metrics and
// traces. The context is the caller's, and may have ended. It may be called from
// several goroutines at once, the flow waits for it, and a panic in it is logged and
// goes no further. Module otel has one.
type FlowObserver interface {
	ObserveFlow(ctx context.Context, f Flow)
}

// A FlowObserverFunc is a function as a [FlowObserver].
type FlowObserverFunc func(ctx context.Context, f Flow)

// ObserveFlow calls f.
func (f FlowObserverFunc) ObserveFlow(ctx context.Context, flow Flow) { f(ctx, flow) }
