package event

import (
	"log/slog"
	"time"
)

// An Event is one thing that happened to one account or, where User is empty,
// to a tenant. It never holds a code, a secret or a token. Zero fields are left out of its JSON and of logs.
type Event struct {
	Number        uint64    `json:"number,omitzero"` // grows by one for each event of the account; 0: the event was not written
	At            time.Time `json:"at,omitzero"`     // UTC, to the millisecond once appended
	Tenant        string    `json:"tenant,omitempty"`
	User          string    `json:"user,omitempty"`
	Kind          Kind      `json:"kind,omitempty"`
	Reason        string    `json:"reason,omitempty"`        // why, in more detail than the person at the keyboard sees
	Method        string    `json:"method,omitempty"`        // such as "totp"
	Authenticator string    `json:"authenticator,omitempty"` // the id of the authenticator
	Browser       string    `json:"browser,omitempty"`       // the id of the trusted browser
	Actor         string    `json:"actor,omitempty"`         // the administrator or operator who did it, where that is not the user
	Action        string    `json:"action,omitempty"`        // the operation
	Remaining     int       `json:"remaining,omitzero"`      // how many recovery codes are left
	Until         time.Time `json:"until,omitzero"`          // when a refusal, a grace period or a request ends; zero for a refusal: waiting does not help
	Source        Source    `json:"source,omitzero"`
}

// Clean returns e with every text bounded and without unprintable characters, and its
// times in UTC.
func (e Event) Clean() Event {
	e.At, e.Until = instant(e.At), instant(e.Until)
	e.Tenant, e.User = clean(e.Tenant, maxID), clean(e.User, maxID)
	e.Kind = Kind(clean(string(e.Kind), maxKind))
	e.Reason, e.Method, e.Action = clean(e.Reason, maxWord), clean(e.Method, maxWord), clean(e.Action, maxWord)
	e.Authenticator, e.Browser = clean(e.Authenticator, maxWord), clean(e.Browser, maxWord)
	e.Actor = clean(e.Actor, maxActor)
	e.Source = e.Source.Clean()
	return e
}

// LogValue returns the fields that are set, cleaned: an event is safe to pass
// to any [slog.Handler], also to one that does not quote.
func (e Event) LogValue() slog.Value { return slog.GroupValue(e.attrs()...) }

func (e Event) attrs() []slog.Attr {
	e = e.Clean()
	a := make([]slog.Attr, 0, 14)
	text := func(key, value string) {
		if value != "" {
			a = append(a, slog.String(key, value))
		}
	}
	text("kind", string(e.Kind))
	if e.Number != 0 {
		a = append(a, slog.Uint64("number", e.Number))
	}
	if !e.At.IsZero() {
		a = append(a, slog.Time("at", e.At))
	}
	text("tenant", e.Tenant)
	text("user", e.User)
	text("reason", e.Reason)
	text("method", e.Method)
	text("authenticator", e.Authenticator)
	text("browser", e.Browser)
	text("actor", e.Actor)
	text("action", e.Action)
	if e.Remaining != 0 || e.Kind == RecoveryUsed { // after the last one, 0 is worth reporting
		a = append(a, slog.Int("remaining", e.Remaining))
	}
	if !e.Until.IsZero() {
		a = append(a, slog.Time("until", e.Until))
	}
	text("address", e.Source.Address)
	text("user_agent", e.Source.UserAgent)
	return a
}

// latest is the last moment that a record and JSON can write (RFC 3339 has four
// digits for the year). A later one would make the whole record unwritable, and so lock
// the account's owner out.
var latest = time.Date(9999, time.December, 31, 23, 59, 59, 999_000_000, time.UTC)

func instant(t time.Time) time.Time {
	switch {
	case t.Before(time.Time{}):
		return time.Time{}
	case t.After(latest):
		return latest
	}
	return t.Round(0).UTC().Truncate(time.Millisecond)
}
