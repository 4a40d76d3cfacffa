// Package event describes what happened to a second factor, in words that a host can
// store, alert on and show. Begin with [Slog] as the [Observer] of a service, and a
// [Notifier] that mails people. It stores the last changes inside the account's record. It
// defends against forged lines of a log and floods that hide a change. Sending mail and
// raising alarms is left to you.
//
// A flow makes an [Event], [Activity.Append] numbers it and keeps it inside the account's
// own record, and others receive it only after that record is written. An [Observer]
// receives every event at once: a log ([Slog]), metrics, a [SprayDetector] for leaked
// passwords that are tried on many accounts; [Tee] combines several. A [Notifier]
// notifies people, in the background and at least once: the events of one flow are one
// [Notification], which stays in the record until it was delivered or given up.
//
// # Storage
//
// [Activity] is a value inside the sealed account record. It takes less
// than 22 KiB there, whatever the person, an attacker or a clock does: the last
// [MaxChanges] security changes one by one, everything that anybody can repeat at will
// (signing in, being refused) as counts by day, and at most [MaxPending] events that are
// pending for the notifier.
//
// # Threats
//
// An event never holds a code, a secret or a token. The text in it may come
// from an attacker (a user agent, a name), so every string is bounded and stripped of
// control characters, terminal escapes and invisible formatting before it is stored or
// logged: it can neither forge a line of the log nor repaint the operator's terminal. A
// flood of refused attempts cannot push security changes out of the record, or out of
// those that are pending while the notifier is down, and it does not hide other accounts
// from a [SprayDetector].
//
// # Compatibility
//
// The words of [Kind] and the JSON names of [Event] do not
// change. New kinds may come; a host should treat one that it does not know as
// a security change, as [Kind.SecurityChange] does.
package event
