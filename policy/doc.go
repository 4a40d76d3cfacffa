// Package policy is how much of a second factor an account must have. Begin with [Fixed],
// or a [Source] of your own. It stores nothing: a [Policy] is a value that encodes to
// JSON. It defends against doubt: the zero value, an unknown mode and an error ask for
// more, never for less. Which tenant has which policy, and who may change it, is left to
// you.
//
// A host gives the service a [Source], which it asks at every decision: [Fixed]
// for one policy for all, or the host's own, reading the settings of a tenant.
// Where several have a say (the provider, the customer, the customer's unit),
// the source combines what it read with [Strictest]. Before it takes a change of
// settings, [Lowers] reports whether that asks for less than before.
//
// # Storage
//
// A [Policy] encodes to JSON with a version. Anything in it that this release does not
// know, another version or a restriction that a newer one added, is an error.
// Nothing else is stored.
//
// # Threats
//
// Every doubt asks for more: the zero [Policy] requires a second factor, so
// does a mode that this release does not know, and a source that returns an
// error refuses the sign-in. Policy never takes a factor away: with [Off] or
// [Optional], an authenticator that is active is still asked for.
//
// [Policy.Grace] is a time without the factor for anyone who knows the password. It
// is counted once, from the first sign-in at which the factor was required, and
// neither signing in again nor a reset begins it again. An administrator's
// password in the wrong hands is what [Policy.TwoAdministrators] and
// [Policy.IssuedCode] are for.
//
// # Compatibility
//
// The words of [Mode] and [Methods] and the fields of the JSON do not change.
// New ones may come, and are refused by a release that does not know them.
//
// Everything here is a value and safe for concurrent use.
package policy
