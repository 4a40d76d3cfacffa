package otel_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/otel"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

// A product gives a test its metrics and traces.
type product struct {
	*totpflow.Service
	t     *testing.T
	seen  *otel.Telemetry
	store *totptest.Store
	spans *tracetest.SpanRecorder
	tell  *metric.ManualReader
	trace *trace.TracerProvider
}

var ana = totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "ana@acme.example"}, Name: "ana@acme.example"}

func newProduct(t *testing.T) *product {
	p := &product{t: t, store: totptest.Wrap(store.NewMemory()), spans: tracetest.NewSpanRecorder(), tell: metric.NewManualReader()}
	p.trace = trace.NewTracerProvider(trace.WithSpanProcessor(p.spans))
	var err error
	p.seen, err = otel.New(metric.NewMeterProvider(metric.WithReader(p.tell)), p.trace)
	require.NoError(t, err)
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	p.Service, err = totpflow.New(totpflow.Config{
		Issuer: "Acme Backup", Store: p.store, Keys: keys, Policy: policy.Fixed{Mode: policy.Required},
		Flows: p.seen, Observer: p.seen,
	})
	require.NoError(t, err)
	return p
}

// counts returns the values of a metric by its labels, and the names of all metrics.
func (p *product) counts(name string) (by map[string]int64, names []string) {
	p.t.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(p.t, p.tell.Collect(p.t.Context(), &all))
	by = make(map[string]int64)
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			names = append(names, m.Name)
			if m.Name != name {
				continue
			}
			switch data := m.Data.(type) {
			case metricdata.Histogram[float64]:
				for _, point := range data.DataPoints {
					by[labels(point.Attributes)] = int64(point.Count)
				}
			case metricdata.Sum[int64]:
				for _, point := range data.DataPoints {
					by[labels(point.Attributes)] = point.Value
				}
			default:
				p.t.Fatalf("%s is %T", m.Name, data)
			}
		}
	}
	return by, names
}

func labels(set attribute.Set) (text string) {
	for _, kv := range set.ToSlice() {
		text += fmt.Sprintf("%s=%s ", kv.Key, kv.Value.AsString())
	}
	return text
}

// The operators' page describes the metrics that exist: each name, and each label.
func TestOperatorsPage(t *testing.T) {
	p := newProduct(t)
	p.seen.ObserveFlow(t.Context(), event.Flow{Name: "sign_in", Outcome: event.OutcomeOK, Lost: 1})
	p.seen.Observe(t.Context(), event.Event{Kind: event.SignedIn})
	_, names := p.counts("")
	text, err := os.ReadFile("../docs/operations.md")
	require.NoError(t, err)
	var page []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(totpflow\\.[a-z._]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		page = append(page, row[1])
	}
	require.ElementsMatch(t, names, page)
	for _, name := range names {
		by, _ := p.counts(name)
		for at := range by {
			for _, label := range regexp.MustCompile(`(\S+)=`).FindAllStringSubmatch(at, -1) {
				require.Contains(t, string(text), "`"+label[1]+"`")
			}
		}
	}
	for _, outcome := range event.Outcomes() {
		require.Contains(t, string(text), string(outcome))
	}
}

// A store that fails moves the metric, and makes the span an error; a wrong code does not.
func TestAStoreThatFails(t *testing.T) {
	p := newProduct(t)
	_, err := p.SignIn(t.Context(), ana)
	require.NoError(t, err)
	_, err = p.VerifyCode(t.Context(), "none", "123456")
	require.ErrorIs(t, err, totpflow.ErrChallenge)
	p.store.SetFaults(totptest.Faults{Get: errors.New("connection refused")})
	for range 3 {
		_, err = p.SignIn(t.Context(), ana)
		require.ErrorIs(t, err, store.ErrUnavailable)
	}
	by, _ := p.counts("totpflow.flow.duration")
	require.Equal(t, map[string]int64{
		"totpflow.flow=sign_in totpflow.outcome=ok ":          1,
		"totpflow.flow=sign_in totpflow.outcome=unavailable ": 3,
		"totpflow.flow=verify_code totpflow.outcome=refused ": 1,
	}, by)
	spans := p.spans.Ended()
	require.Len(t, spans, 5)
	require.Equal(t, codes.Unset, spans[1].Status().Code)
	require.Equal(t, codes.Error, spans[2].Status().Code)
}

// A span belongs to the trace that the product has begun, and lasts as long as the flow.
func TestSpan(t *testing.T) {
	p := newProduct(t)
	ctx, request := p.trace.Tracer("product").Start(t.Context(), "POST /sign-in")
	began := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	p.seen.ObserveFlow(ctx, event.Flow{Name: "verify_code", Outcome: event.OutcomeOK, Began: began, Duration: 3 * time.Second, Lost: 2})
	spans := p.spans.Ended()
	require.Len(t, spans, 1)
	require.Equal(t, "totpflow verify_code", spans[0].Name())
	require.Equal(t, request.SpanContext().SpanID(), spans[0].Parent().SpanID())
	require.Equal(t, began, spans[0].StartTime().UTC())
	require.Equal(t, 3*time.Second, spans[0].EndTime().Sub(spans[0].StartTime()))
	require.Contains(t, spans[0].Attributes(), attribute.Int("totpflow.lost_races", 2))
}

// No label and no span identifies a person, and nobody can cause more labels than there
// are words.
func TestLabelsAreClosedSets(t *testing.T) {
	p := newProduct(t)
	challenge := ""
	for i := range 50 {
		u := ana
		u.ID.User = fmt.Sprint("someone-", i)
		d, err := p.SignIn(t.Context(), u)
		require.NoError(t, err)
		challenge = string(d.Challenge)
		_, _ = p.VerifyCode(t.Context(), d.Challenge, "123456")
	}
	for i := range 50 {
		p.seen.Observe(t.Context(), event.Event{Kind: event.Kind(fmt.Sprint("made-up-", i))})
	}
	all := ""
	for _, name := range []string{"totpflow.flow.duration", "totpflow.events"} {
		by, _ := p.counts(name)
		require.LessOrEqual(t, len(by), 5, "%v", by)
		all += fmt.Sprint(slices.Sorted(maps.Keys(by)))
	}
	for _, span := range p.spans.Ended() {
		all += fmt.Sprint(span.Name(), span.Attributes(), span.Status())
	}
	require.Contains(t, all, "totpflow.event=other")
	for _, secret := range []string{"someone-", "acme", "123456", "made-up", challenge} {
		require.NotContains(t, all, secret)
	}
}

// Without tracers there are metrics alone.
func TestWithoutTraces(t *testing.T) {
	tell := metric.NewManualReader()
	seen, err := otel.New(metric.NewMeterProvider(metric.WithReader(tell)), nil)
	require.NoError(t, err)
	seen.ObserveFlow(context.Background(), event.Flow{Name: "sign_in", Outcome: event.OutcomeOK})
}
