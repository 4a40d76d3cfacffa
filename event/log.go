package event

import (
	"context"
	"log/slog"

	"github.com/totpflow/totpflow/internal/burst"
)

// Slog returns an observer that logs each event to l, or to [slog.Default] when l is
// nil: refusals, a lost record, a frozen account and a notification that was given
// up at Warn, the rest at Info. Refusals and lost records that cost an attacker nothing
// (those without a [Event.Number], such as a throttled, malformed or replayed code, and
// the wrong code of an enrollment) are at most one line a minute for each account
// and kind. The next line has the number of lines held back (held_back; those of other
// accounts that are no longer remembered are held_back_elsewhere): a person who
// knows one password must not fill the disk with them. It is as safe for concurrent use
// as l's handler.
func Slog(l *slog.Logger) Observer { return &logger{to: l, bursts: burst.New[burstOf](maxBursts)} }

// maxBursts is how many accounts and kinds are remembered.
const maxBursts = 10_000

type logger struct {
	to     *slog.Logger
	bursts *burst.Log[burstOf]
}

type burstOf struct {
	account
	kind Kind
}

// Observe implements [Observer].
func (o *logger) Observe(ctx context.Context, e Event) {
	held, forgotten, write := o.pass(e)
	if !write {
		return
	}
	to := o.to
	if to == nil {
		to = slog.Default()
	}
	attrs := e.attrs()
	if held > 0 {
		attrs = append(attrs, slog.Int("held_back", held))
	}
	if forgotten > 0 {
		attrs = append(attrs, slog.Int("held_back_elsewhere", forgotten))
	}
	to.LogAttrs(ctx, e.Kind.level(), "second factor", attrs...)
}

// pass reports whether the event is a line, how many of its kind and account were held
// back before it, and how many of others whose bursts were forgotten to make room.
func (o *logger) pass(e Event) (held, forgotten int, write bool) {
	if !e.free() {
		return 0, 0, true
	}
	return o.bursts.Pass(burstOf{account{e.Tenant, e.User}, e.Kind}, e.At)
}

// free reports whether anyone can cause the event without end: it is a refusal that no
// record counts, since every event that is written has a number.
func (e Event) free() bool { return e.Number == 0 && (e.Kind.Refusal() || e.Kind == RecordLost) }
