package totpflow

import "context"

// Deliver hands due notifications to the [Config].Notifier: those that it did not take,
// or that a process left when it ended. It takes a minute at most, and the next call
// begins with those that are left. Call it every minute, in one process or in all: each
// record is claimed by a write, and a list by due time finds them without
// looking at other accounts. It returns for how many accounts nothing is pending any more;
// the error reports why others still are. Without a notifier it does nothing.
//
// Only this and the flow itself deliver notifications: a product that never calls it
// loses no notification, and delays those that failed until the account's next one.
func (s *Service) Deliver(ctx context.Context) (accounts int, err error) {
	ctx, flow := s.engine.Begin(ctx, "deliver")
	defer flow.End(&err)
	return s.engine.Deliver(ctx)
}

// Drain waits until this process delivers nothing any more, or until ctx ends, and then
// returns its error. Call it after the last request of a process that ends. Nothing
// is lost without it: an event that was not delivered stays in its record.
func (s *Service) Drain(ctx context.Context) (err error) {
	ctx, flow := s.engine.Begin(ctx, "drain")
	defer flow.End(&err)
	return s.engine.Drain(ctx)
}

// Ready reports whether the service can answer: the store is reachable and has its
// schema, and the ring opens a record that lies there. An error means that no
// request should come here: a service with the wrong ring would seal new enrollments
// with it. Ask when the process starts, and for a probe. The errors wrap
// store.ErrUnavailable, or keyring.ErrUnknownKey and keyring.ErrOpen for a ring that
// is not the one of these records.
func (s *Service) Ready(ctx context.Context) (err error) {
	ctx, flow := s.engine.Begin(ctx, "ready")
	defer flow.End(&err)
	return s.engine.Ready(ctx)
}
