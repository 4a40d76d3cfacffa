// Package policy says how much of the second factor an account must have.
//
// A host gives the service a [Source], which it asks at every decision: [Fixed]
// for one policy for all, or the host's own, reading the settings of a tenant.
// Where several have a say (the provider, the customer, the customer's unit),
// the source combines what it read with [Strictest].
//
// # Threats
//
// Every doubt asks for more: the zero [Policy] requires a second factor, so
// does a mode that this release does not know, and a source that returns an
// error refuses the sign-in. Policy never takes a factor away: with [Off] or
// [Optional], an authenticator that is active is still asked for.
//
// Everything here is a value and safe for concurrent use; nothing is stored.
package policy
