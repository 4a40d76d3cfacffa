package event_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
)

// heard remembers what it heard.
type heard struct{ events []event.Event }

func (s *heard) Observe(_ context.Context, e event.Event) { s.events = append(s.events, e) }

func TestTeeTellsAll(t *testing.T) {
	a, b := &heard{}, &heard{}
	observers := []event.Observer{a, nil, b}
	tee := event.Tee(observers...)
	observers[2] = nil // the caller may change its own slice
	e := event.Event{Number: 3, Kind: event.Reset}
	tee.Observe(t.Context(), e)
	require.Equal(t, []event.Event{e}, a.events)
	require.Equal(t, []event.Event{e}, b.events)
	event.Tee().Observe(t.Context(), e)
}

// A function is called with the flow.
func TestFlowObserverFunc(t *testing.T) {
	var got event.Flow
	event.FlowObserverFunc(func(_ context.Context, f event.Flow) { got = f }).ObserveFlow(t.Context(), event.Flow{Outcome: event.OutcomeFailed})
	require.Equal(t, event.Flow{Outcome: event.OutcomeFailed}, got)
}

// A panic in one observer does not reach the others, and the message says where it was.
// The same is true of a nil ObserverFunc.
func TestPanicOfAnObserver(t *testing.T) {
	oops := event.ObserverFunc(func(context.Context, event.Event) { panic("no such template") })
	other := &heard{}
	defer func() {
		err, _ := recover().(error)
		require.ErrorContains(t, err, "panicked: no such template")
		require.ErrorContains(t, err, "panicked: runtime error: invalid memory address or nil pointer")
		require.ErrorContains(t, err, "observer_test.go:", "the stack says where")
		require.Len(t, other.events, 1)
	}()
	event.Tee(oops, event.ObserverFunc(nil), other).Observe(t.Context(), event.Event{Kind: event.Reset})
	t.Error("the service is to hear of it")
}
