// Package otel shows what totpflow does as OpenTelemetry metrics and traces. Begin with
// [New], and give what it returns to totpflow.Config, as Flows, and beside a log as
// Observer. It stores nothing, and
// defends against labels that grow with people. Exporters, sampling and dashboards are left to you.
//
//	seen, err := otel.New(meterProvider, tracerProvider)
//	mfa, err := totpflow.New(totpflow.Config{
//		// …
//		Flows:    seen,
//		Observer: event.Tee(event.Slog(nil), seen),
//	})
//
// # Metrics
//
// Each is named in docs/operations.md with what it looks like on a bad day. No label
// says who somebody is: they are the names of flows, outcomes and kinds of events,
// which are closed sets of words, so that neither a customer nor an attacker can make
// more of them.
//
// # Traces
//
// Each flow is a span of the trace that the context carries, named "totpflow" and the
// flow. Only faults of the installation make it an error: a wrong code is an answer.
package otel
