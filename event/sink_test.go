package event_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
)

// told remembers what it was told, and answers with err.
type told struct {
	events []event.Event
	err    error
}

func (s *told) Record(_ context.Context, e event.Event) error {
	s.events = append(s.events, e)
	return s.err
}

func TestTeeTellsAll(t *testing.T) {
	mail, disk := errors.New("mail is down"), errors.New("disk is full")
	a, b, c := &told{err: mail}, &told{}, &told{err: disk}
	sinks := []event.Sink{a, nil, b, c}
	tee := event.Tee(sinks...)
	sinks[2] = nil // the caller's slice is the caller's
	e := event.Event{Number: 3, Kind: event.Reset}

	err := tee.Record(context.Background(), e)
	require.ErrorIs(t, err, mail)
	require.ErrorIs(t, err, disk)
	for _, s := range []*told{a, b, c} {
		require.Equal(t, []event.Event{e}, s.events, "an error of one is none of the others' business")
	}
	a.err, c.err = nil, nil
	require.NoError(t, tee.Record(context.Background(), e))
	require.Len(t, b.events, 2, "what comes again comes again to all")
	require.NoError(t, event.Tee().Record(context.Background(), e))
}

// A sink that panics has refused the event: the caller goes on, the others are
// told, and the error says where it was. That holds for a SinkFunc that is nil.
func TestPanicOfASinkIsAnError(t *testing.T) {
	oops := event.SinkFunc(func(context.Context, event.Event) error { panic("no such template") })
	for name, broken := range map[string]struct {
		sink event.Sink
		says string
	}{
		"words": {oops, "no such template"},
		"nil":   {event.SinkFunc(nil), "nil pointer"},
	} {
		other := &told{}
		err := event.Tee(broken.sink, other).Record(context.Background(), event.Event{Kind: event.Reset})
		require.ErrorContains(t, err, "event: the sink panicked: ", name)
		require.ErrorContains(t, err, broken.says, name)
		require.ErrorContains(t, err, "sink.go:", "%s: the stack says where", name)
		require.Len(t, other.events, 1, name)
	}
}
