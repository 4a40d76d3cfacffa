// Package otel exports totpflow's activity as OpenTelemetry metrics and traces. Begin
// with [New], and pass its result to totpflow.Config as Flows and, together with a log,
// as Observer. It stores nothing. It defends against labels whose number grows with the
// number of people. Exporters, sampling and dashboards are left to you.
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
// docs/operations.md names each metric and describes how it looks on a bad day. Labels do
// not identify people: they are the names of flows, outcomes and kinds of events, which
// are closed sets of words, so that neither a customer nor an attacker can add to them.
//
// # Traces
//
// Each flow is a span of the trace that the context carries, named "totpflow" and the
// flow. Only faults of the installation make it an error: a wrong code is a normal
// answer.
package otel
