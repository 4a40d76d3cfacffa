package event

import (
	"context"
	"errors"
	"slices"
)

// A Notifier notifies people of what happened to their account, by mail for example. A
// service has one; a host with several channels fans out itself.
//
// Notify is called outside of every flow, on its own goroutine and with a deadline of
// half a minute, at least once for each notification and in the order of an account's
// flows. One that fails does not hold back those after it: they are tried next, or a few
// minutes later if it took its whole time. Only one process at a time delivers for an
// account. A notification is repeated if the process died between the call and the write
// that records it; repetitions have the same tenant, user and number. A call that does not
// end with its context holds back its own account only. The host keeps no outbox: until
// Notify returns nil the notification stays in the account's record and is tried again
// after growing pauses, even in another process and after a crash
// (totpflow.Service.Deliver). When it fails after 72 hours, or when the error is
// [ErrUndeliverable], it is given up, and observers receive [NotificationDropped]. A panic
// counts as an error.
type Notifier interface {
	Notify(ctx context.Context, n Notification) error
}

// A NotifierFunc is a function as a [Notifier].
type NotifierFunc func(ctx context.Context, n Notification) error

// Notify calls f.
func (f NotifierFunc) Notify(ctx context.Context, n Notification) error { return f(ctx, n) }

// Deferred is the notifier of a process that leaves notifying to the others that share
// its store, such as an operator's command: its notifications stay in the records until
// one of the others calls totpflow.Service.Deliver.
var Deferred Notifier = deferred{}

type deferred struct{}

var errDeferred = errors.New("event: another process notifies")

func (deferred) Notify(context.Context, Notification) error { return errDeferred }

// ErrUndeliverable is wrapped by a [Notifier] if trying again cannot help: the mailbox or
// the person does not exist.
var ErrUndeliverable = errors.New("event: undeliverable")

// A Notification describes what one flow did to an account, for one message. User is
// empty if it is about a tenant, such as a request that is pending for a second
// administrator.
type Notification struct {
	Tenant, User string
	Events       []Event // at least one, oldest first; see [Kind.Notable]
}

// Number returns the number of the last event. It grows with each notification of an
// account.
func (n Notification) Number() uint64 { return n.Events[len(n.Events)-1].Number }

// Main returns the event that names the message: the others are its side effects.
func (n Notification) Main() Event {
	i := slices.IndexFunc(n.Events, func(e Event) bool { return !slices.Contains(along, e.Kind) })
	return n.Events[max(0, i)]
}

// along are the kinds that are side effects of others.
var along = []Kind{RecoveryCodesMade, RecoveryCodesVoided, BrowserTrusted, BrowserRevoked, BrowsersRevoked, SessionsEnded, PhoneRemoved, AuthenticatorRemoved, GraceBegan}

// Notifications returns the notifications of the given account that the notifier has not
// received, oldest first, the events of a flow together. Events of one flow have the same time.
func (a Activity) Notifications(tenant, user string) []Notification {
	var all []Notification
	for _, kept := range a.s.Events {
		if !kept.pending {
			continue
		}
		e := kept.Event
		e.Tenant, e.User = tenant, user // as the host knows them
		if i := len(all) - 1; i >= 0 && all[i].Events[0].At.Equal(e.At) {
			all[i].Events = append(all[i].Events, e)
			continue
		}
		all = append(all, Notification{e.Tenant, e.User, []Event{e}})
	}
	return all
}
