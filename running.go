package totpflow

import "context"

// Deliver hands due notifications to [Config].Notifier: those that failed before, and
// those that a process left behind when it ended. It runs for a minute at most, and the
// next call continues with the rest. Call it every minute, in one process or in all: each
// record is claimed by a write, and a list by due time finds the records without reading
// other accounts. It returns the number of accounts that have nothing left to deliver;
// the error reports why others do. Without a notifier it does nothing.
//
// Only Deliver and the flow itself deliver notifications. A product that never calls
// Deliver loses no notification, but those that failed are delayed until the account's
// next one.
func (s *Service) Deliver(ctx context.Context) (accounts int, err error) {
	ctx, flow := s.engine.Begin(ctx, "deliver")
	defer flow.End(&err)
	return s.engine.Deliver(ctx)
}

// Drain waits until this process has no delivery under way. If ctx ends first, it returns
// the error of ctx. Call it after the last request, before the process ends. Nothing
// is lost without it: an event that was not delivered stays in its record.
func (s *Service) Drain(ctx context.Context) (err error) {
	ctx, flow := s.engine.Begin(ctx, "drain")
	defer flow.End(&err)
	return s.engine.Drain(ctx)
}

// Ready reports whether the service can answer: the store is reachable and has its
// schema, and the ring opens at least one of its first ten records, if there are any.
// After an error, this process should get no requests: a service with the wrong ring would
// seal new enrollments with it. Call it when the process starts, and for a probe. The
// errors wrap store.ErrUnavailable, or keyring.ErrUnknownKey and keyring.ErrOpen for a
// ring that does not belong to these records. It does not detect single records that do
// not open: admin.Admin.Check does.
func (s *Service) Ready(ctx context.Context) (err error) {
	ctx, flow := s.engine.Begin(ctx, "ready")
	defer flow.End(&err)
	return s.engine.Ready(ctx)
}
