package guide

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/totpflow/totpflow"
)

// region ready
// ready answers the readiness probe. It fails if the database does not answer, and if the
// key ring is not the one of the records: such a process would seal new enrollments with
// keys that the others do not have.
func (p *product) ready(w http.ResponseWriter, r *http.Request) {
	if err := p.mfa.Ready(r.Context()); err != nil {
		slog.Error("second factor", "error", err) // the error holds no secret
		http.Error(w, "not ready", http.StatusServiceUnavailable)
	}
}

// endregion

// region serve
// serve answers requests until ctx ends; main derives ctx from SIGTERM with
// signal.NotifyContext. First the requests under way end, then the mails under way.
func serve(ctx context.Context, server *http.Server, on net.Listener, mfa *totpflow.Service) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(on) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	return errors.Join(server.Shutdown(last), mfa.Drain(last))
}

// endregion

// region deliver
// deliver sends the notifications that are due at every tick, such as those of
// time.Tick(time.Minute).
func deliver(ctx context.Context, mfa *totpflow.Service, tick <-chan time.Time) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
			if _, err := mfa.Deliver(ctx); err != nil {
				slog.Error("mails are waiting", "error", err) // alert on three in 15 minutes: the pauses between tries grow
			}
		}
	}
}

// endregion
