package otel

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/totpflow/totpflow/event"
)

// scope names the library to the providers.
const scope = "github.com/totpflow/totpflow/otel"

// The names of the metrics, as in docs/operations.md.
const (
	durationName = "totpflow.flow.duration"
	lostName     = "totpflow.flow.lost_races"
	eventsName   = "totpflow.events"
)

// The labels.
const (
	flowLabel    = attribute.Key("totpflow.flow")
	outcomeLabel = attribute.Key("totpflow.outcome")
	kindLabel    = attribute.Key("totpflow.event")
)

// Telemetry is an [event.FlowObserver] and an [event.Observer]. It is safe for
// concurrent use.
type Telemetry struct {
	tracer   trace.Tracer // nil: no traces
	duration metric.Float64Histogram
	lost     metric.Int64Counter
	events   metric.Int64Counter
	kinds    map[event.Kind]bool
}

// New returns a Telemetry that uses the meters and tracers of these providers. Without a
// tracer provider (nil) there are no traces. The error is that of a provider
// which refuses a metric.
func New(meters metric.MeterProvider, tracers trace.TracerProvider) (*Telemetry, error) {
	t := &Telemetry{kinds: map[event.Kind]bool{event.NotificationDropped: true}}
	for _, k := range event.Kinds() {
		t.kinds[k] = true
	}
	if tracers != nil {
		t.tracer = tracers.Tracer(scope)
	}
	meter := meters.Meter(scope)
	var err error
	if t.duration, err = meter.Float64Histogram(durationName, metric.WithUnit("s"),
		metric.WithDescription("How long calls of the second factor took, by outcome."),
		metric.WithExplicitBucketBoundaries(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)); err != nil {
		return nil, fmt.Errorf("otel: %w", err)
	}
	if t.lost, err = meter.Int64Counter(lostName, metric.WithUnit("{round}"),
		metric.WithDescription("Rounds in which another writer of the same account was faster.")); err != nil {
		return nil, fmt.Errorf("otel: %w", err)
	}
	if t.events, err = meter.Int64Counter(eventsName, metric.WithUnit("{event}"),
		metric.WithDescription("What happened to accounts, by kind.")); err != nil {
		return nil, fmt.Errorf("otel: %w", err)
	}
	return t, nil
}

// ObserveFlow implements [event.FlowObserver].
func (t *Telemetry) ObserveFlow(ctx context.Context, f event.Flow) {
	flow, outcome := flowLabel.String(f.Name), outcomeLabel.String(string(f.Outcome))
	t.duration.Record(ctx, f.Duration.Seconds(), metric.WithAttributes(flow, outcome))
	if f.Lost > 0 {
		t.lost.Add(ctx, int64(f.Lost), metric.WithAttributes(flow))
	}
	if t.tracer == nil {
		return
	}
	_, span := t.tracer.Start(ctx, "totpflow "+f.Name, trace.WithTimestamp(f.Began), trace.WithAttributes(flow, outcome))
	if f.Lost > 0 {
		span.SetAttributes(attribute.Int("totpflow.lost_races", f.Lost))
	}
	switch f.Outcome {
	case event.OutcomeUnavailable, event.OutcomeUnreadable, event.OutcomeFailed:
		span.SetStatus(codes.Error, string(f.Outcome))
	}
	span.End(trace.WithTimestamp(f.Began.Add(f.Duration)))
}

// Observe implements [event.Observer]. A kind that this release does not know is
// counted as "other", so that the labels stay a closed set.
func (t *Telemetry) Observe(ctx context.Context, e event.Event) {
	kind := string(e.Kind)
	if !t.kinds[e.Kind] {
		kind = "other"
	}
	t.events.Add(ctx, 1, metric.WithAttributes(kindLabel.String(kind)))
}

var (
	_ event.FlowObserver = (*Telemetry)(nil)
	_ event.Observer     = (*Telemetry)(nil)
)
