// Package event says what happened to a second factor, in words that a host can
// store, alert on and show.
//
// A flow makes an [Event], [Activity.Append] numbers it and keeps it inside the
// account's own record, and only after that record is written does the event go
// to the host's [Sink]. [Activity.Acknowledged] then forgets what the sink
// took; the rest stays in [Activity.Outbox] and is offered again by the
// account's next flow. A host that has no log of its own uses [Slog], one that
// has several sinks [Tee], and one that wants to hear of leaked passwords that
// are tried on many accounts adds a [SprayDetector].
//
// # Storage
//
// [Activity] is a value inside the sealed account record. It takes less
// than 22 KiB there, whatever the person, an attacker or a clock does: the last
// [MaxChanges] security changes one by one, everything that anybody can repeat at
// will (signing in, being refused) as counts by day, and an outbox of at most
// [MaxPending] events.
//
// # Threats
//
// An event never holds a code, a secret or a token. The text in it may come
// from an attacker (a user agent, a name), therefore every string is bounded
// and freed of control characters, terminal escapes and invisible formatting
// before it is stored or logged: it can neither forge a line of the log nor
// repaint the operator's terminal. A flood of refused attempts cannot push
// security changes out of the record, nor out of the outbox while a sink is
// down. Nor does it hide other accounts from a [SprayDetector].
//
// # Compatibility
//
// The words of [Kind] and the JSON names of [Event] do not
// change. New kinds may come; a host should treat one that it does not know as
// a security change, as [Kind.SecurityChange] does.
package event
