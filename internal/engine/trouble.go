package engine

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/totpflow/totpflow/internal/burst"
	"github.com/totpflow/totpflow/internal/guard"
	"github.com/totpflow/totpflow/internal/skew"
	"github.com/totpflow/totpflow/store"
)

// The library's own reports go to the host's Logger, for operators. An attacker who knows
// one password can cause some of them without end, and a database that is down causes
// them for everybody: so each kind has one line a minute for an account, with a count,
// and all kinds together are bounded.

// maxLines bounds the lines in a minute, and the kinds and accounts that are remembered.
const maxLines = 1000

// The kinds of trouble are the texts of the lines.
const (
	storeFailed     = "totpflow: the store failed"
	callerGone      = "totpflow: the caller ended a call to the store or to the policy"
	racesLost       = "totpflow: other writers were faster"
	unreadable      = "totpflow: a record does not open"
	pending         = "totpflow: a notification waits in its record"
	givenUp         = "totpflow: a notification was given up"
	policyFailed    = "totpflow: the policy could not be read"
	observerPanic   = "totpflow: an observer panicked"
	clockMoved      = "totpflow: the clock of this machine was moved"
	timeOfTheFuture = "totpflow: a record had times of the future, which were dropped: a clock was ahead"
)

type trouble struct {
	lines *burst.Log[troubleOf]
	clock clockWatch
}

type troubleOf struct {
	kind string
	id   store.AccountID
	more string // distinguishes troubles of one kind and account; of a closed set
}

func newTrouble() *trouble { return &trouble{lines: burst.NewStrict[troubleOf](maxLines)} }

// report writes a line, unless one of its kind and account was written within the last
// minute. The host's handler may panic, which must not end a person's flow.
func (e *Engine) report(ctx context.Context, level slog.Level, of troubleOf, attrs ...slog.Attr) {
	_ = guard.Call(func() error {
		ctx = context.WithoutCancel(ctx)
		to := e.log()
		if !to.Enabled(ctx, level) {
			return nil
		}
		held, elsewhere, pass := e.trouble.lines.Pass(of, e.Now())
		if !pass {
			return nil
		}
		if of.id != (store.AccountID{}) {
			tenant, user := subject(of.id)
			attrs = append([]slog.Attr{slog.String("tenant", tenant), slog.String("user", user)}, attrs...)
		}
		if held > 0 {
			attrs = append(attrs, slog.Int("held_back", held))
		}
		if elsewhere > 0 {
			attrs = append(attrs, slog.Int("held_back_elsewhere", elsewhere))
		}
		to.LogAttrs(ctx, level, of.kind, attrs...)
		return nil
	})
}

func (e *Engine) log() *slog.Logger {
	if e.Logger == nil {
		return slog.Default()
	}
	return e.Logger
}

// reportFailure reports why a record could not be read or written. A store that fails
// does so for everybody, so its lines name no account.
func (e *Engine) reportFailure(ctx context.Context, id store.AccountID, err error) {
	why := slog.Any("error", err)
	switch {
	case err == nil:
	case unopened(err):
		e.report(ctx, slog.LevelError, troubleOf{kind: unreadable, id: id}, why)
	case errors.Is(err, store.ErrConflict):
		e.report(ctx, slog.LevelWarn, troubleOf{kind: racesLost, id: id}, why)
	case errors.Is(ctx.Err(), context.Canceled) && (errors.Is(err, store.ErrUnavailable) || errors.Is(err, ErrPolicy)): // such as a browser that hung up
		e.report(ctx, slog.LevelDebug, troubleOf{kind: callerGone}, why)
	case errors.Is(err, store.ErrUnavailable):
		e.report(ctx, slog.LevelError, troubleOf{kind: storeFailed}, why)
	case errors.Is(err, ErrPolicy):
		e.report(ctx, slog.LevelError, troubleOf{kind: policyFailed, id: store.AccountID{Tenant: id.Tenant}}, why)
	}
}

// reportOutcome reports the result of a change that took this many rounds.
func (e *Engine) reportOutcome(ctx context.Context, id store.AccountID, rounds int, err error) {
	e.reportFailure(ctx, id, err)
	lost := rounds - 1
	if errors.Is(err, store.ErrConflict) {
		lost = rounds
	}
	if lost <= 0 {
		return
	}
	lose(ctx, lost)
	if err == nil {
		e.report(ctx, slog.LevelDebug, troubleOf{kind: racesLost, id: id}, slog.Int("rounds", lost))
	}
}

// A clockWatch notices that the clock was moved: it compares the clock with what this
// process has seen of it and, if the times have a monotonic reading, with that.
type clockWatch struct {
	mu   sync.Mutex
	last time.Time
}

// look returns by how much the clock was moved since the last look.
func (w *clockWatch) look(now time.Time) time.Duration {
	if !w.mu.TryLock() { // another goroutine is looking right now
		return 0
	}
	defer w.mu.Unlock()
	last := w.last
	w.last = now
	if last.IsZero() {
		return 0
	}
	return moved(now.Round(0).Sub(last.Round(0)), now.Sub(last))
}

// moved returns by how much a clock was moved that advanced by wall while passed went by.
// It is zero within the difference that two clocks may have.
func moved(wall, passed time.Duration) time.Duration {
	switch by := wall - passed; {
	case by.Abs() > skew.Tolerance:
		return by
	case wall < -skew.Tolerance: // there is no monotonic reading, and time does not go back
		return wall
	}
	return 0
}

// watchClock reports a clock that was moved. Codes depend on it.
func (e *Engine) watchClock(now time.Time) {
	if by := e.trouble.clock.look(now); by != 0 {
		e.report(context.Background(), slog.LevelWarn, troubleOf{kind: clockMoved}, slog.Duration("by", by))
	}
}
