package event_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
)

// The events of one flow are one notification, named after what the person did.
func TestNotifications(t *testing.T) {
	var a event.Activity
	flow := func(at time.Time, kinds ...event.Kind) {
		for _, k := range kinds {
			a, _ = a.Append(event.Event{At: at, Kind: k})
		}
	}
	flow(start, event.RecoveryCodesMade, event.EnrollmentConfirmed)
	flow(start.Add(time.Second), event.SignedIn)
	flow(start.Add(2*time.Second), event.RejectedRepeatedly, event.CodeRejected)
	flow(start.Add(3*time.Second), event.RecoveryCodesSaved)
	flow(start.Add(4*time.Second), event.BrowsersRevoked)
	all := a.Notifications("acme", "u1")
	require.Len(t, all, 3)
	for i, want := range []struct {
		main   event.Kind
		number uint64
		events int
	}{{event.EnrollmentConfirmed, 2, 2}, {event.RejectedRepeatedly, 4, 1}, {event.BrowsersRevoked, 7, 1}} {
		require.Equal(t, want.main, all[i].Main().Kind)
		require.Equal(t, want.number, all[i].Number())
		require.Len(t, all[i].Events, want.events)
		require.Equal(t, []string{"acme", "u1"}, []string{all[i].Tenant, all[i].User})
		require.Equal(t, "u1", all[i].Main().User, "a link that says \"it was not me\" is made of it")
	}
	numbers := func(a event.Activity) (all []uint64) {
		for _, n := range a.Notifications("acme", "u1") {
			all = append(all, n.Number())
		}
		return all
	}
	require.Equal(t, []uint64{4, 7}, numbers(a.Acknowledged(all[0])))
	require.Equal(t, []uint64{2, 7}, numbers(reread(t, a.Acknowledged(all[1]))), "one that is refused waits, whatever comes after it")
	require.Equal(t, []uint64{2}, numbers(a.Acknowledged(all[2]).Acknowledged(all[1])))
	require.Empty(t, a.AllAcknowledged().Notifications("acme", "u1"))
}

// The kinds of events that a person is notified about.
func TestNotable(t *testing.T) {
	for _, k := range event.Kinds() {
		want := k.SecurityChange() && k != event.RecoveryCodesSaved && k != event.RecordLost || k == event.RejectedRepeatedly || k == event.Suspended
		require.Equal(t, want, k.Notable(), k)
	}
	require.True(t, event.Kind("passkey_bound").Notable(), "of a later release")
}

// A process that leaves notifying to others never reports a notification as done.
func TestDeferred(t *testing.T) {
	err := event.Deferred.Notify(t.Context(), event.Notification{})
	require.Error(t, err)
	require.False(t, errors.Is(err, event.ErrUndeliverable))
}
