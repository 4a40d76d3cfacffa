// Package policy decides how much of a second factor an account must have. Begin with
// [Fixed], or a [Source] of your own. It stores nothing: a [Policy] is a value that
// encodes to JSON. It defends against policies that are missing or unreadable: the zero
// value, an unknown mode and an error ask for more, never for less. Which tenant has
// which policy, and who may change it, is left to you.
//
// A host gives the service a [Source], which it asks at every decision: [Fixed] for one
// policy for all, or one of its own that reads the settings of a tenant. If several
// tenants have a say (the provider, the customer, the customer's unit), the source
// combines their policies with [Strictest]. [Lowers] reports whether a change of settings
// asks for less than before.
//
// # Storage
//
// A [Policy] encodes to JSON with a version. JSON that this release does not know, such
// as another version or a restriction that a newer one added, is an error. Only the JSON
// is stored.
//
// # Threats
//
// Every doubt asks for more: the zero [Policy] requires a second factor, so
// does a mode that this release does not know, and a source that returns an
// error refuses the sign-in. Policy never takes a factor away: with [Off] or
// [Optional], an authenticator that is active is still asked for.
//
// [Policy.Grace] is a period in which anyone who knows the password gets in without the
// factor. It is counted once, from the first sign-in at which the factor was required,
// and neither signing in again nor a reset begins it again. [Policy.TwoAdministrators]
// and [Policy.IssuedCode] defend against an administrator's password in the wrong hands.
//
// # Compatibility
//
// The words of [Mode] and [Methods] and the fields of the JSON do not change.
// New ones may come, and are refused by a release that does not know them.
//
// Everything here is a value and safe for concurrent use.
package policy
