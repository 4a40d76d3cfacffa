package web

import (
	"context"
	"time"

	"github.com/totpflow/totpflow"
)

// This file is the only one that knows how the library recognises a session that
// has ended: today by the time at which it began.

// A SessionMark is what a host keeps with a session, so that the service can tell
// whether the session still stands. It is text and not a secret.
type SessionMark string

type beganKey struct{}

// beginning has MarkOf know the clock. The time is read when the session begins, and not
// when the request came: a change in between ends sessions of before.
func (h *Web) beginning(ctx context.Context) context.Context {
	return context.WithValue(ctx, beganKey{}, h.Now)
}

// MarkOf returns the mark to keep with a session that begins with the decision.
// The context is that of the request which [Host.Begin] is called with.
func MarkOf(ctx context.Context, _ totpflow.Decision) SessionMark {
	now, ok := ctx.Value(beganKey{}).(func() time.Time)
	if !ok {
		return ""
	}
	return SessionMark(now().UTC().Format(time.RFC3339Nano))
}

// sessionValid reports whether a session with this mark still stands.
func sessionValid(ctx context.Context, a totpflow.Account, mark SessionMark) (bool, error) {
	began, err := time.Parse(time.RFC3339Nano, string(mark))
	if err != nil {
		return false, nil // not a mark: the session is over
	}
	return a.SessionValid(ctx, began)
}

// marked reports whether the session began after everything that ends sessions,
// whatever the policy demands now.
func marked(st totpflow.Status, mark SessionMark) bool {
	began, err := time.Parse(time.RFC3339Nano, string(mark))
	return err == nil && !began.Before(st.SessionsFrom)
}

// goingOn is the decision that a session goes on with after a call that has ended
// all sessions of the account.
func goingOn(ctx context.Context, v visitor) (totpflow.Decision, error) {
	st, err := v.account.Status(ctx)
	if err != nil {
		return totpflow.Decision{}, err
	}
	return totpflow.Decision{Step: totpflow.Passed, Reason: v.Reason, ID: v.User.ID, Generation: st.Generation}, nil
}

// canEndSessions reports whether the library can end all sessions of an account.
const canEndSessions = false

// endSessions ends all sessions of the account.
func endSessions(context.Context, totpflow.Account) error { return nil }

// used reports whether the error means that a ticket was used, and not that it
// expired.
func used(error) bool { return false }
