// Package trust remembers browsers that may skip the code for a while. Begin with [Issue]
// after a sign-in with a code, and [Check] at the next one. It stores nothing: keep what
// [Encode] returns in the account's record. It defends against tokens that are forged with
// the database alone or the key alone. Forgetting browsers when a factor or the password
// changes is left to you.
//
// After a sign-in with a code, [Issue] makes a [Token] for the browser's cookie
// and a [Browser] for the account's record; keep the latter with [Remember]. At
// the next sign-in, once the password is right, [Check] returns the browser if
// the account still knows it:
//
//	token, browser := trust.Issue(ring, scope, "Firefox on Linux", now)
//	known = trust.Remember(known, browser)
//	…
//	browser, err := trust.Check(ring, scope, token, known, now, trust.DefaultAge)
//
// An error means: ask for the code. A trusted browser replaces the code only,
// never the password, and it is not an authenticator in the sense of NIST SP 800-63B;
// do not report it as multi-factor authentication.
//
// # Signed and kept
//
// A token is signed by the ring and known to the record. A thief of the database finds
// only hashes of 256-bit secrets, which do not work as cookies, and has no key to sign
// with. A thief of the key can sign tokens, but their secrets are in no record. Neither
// alone can forge one. The signature covers the tenant, user and audience of a token, the
// ring's epoch and the time of issue.
//
// # Ends
//
// The age counts from the issue and is not prolonged by use; at most [MaxAge],
// and less if the policy at the time of the check says so. Forget all browsers
// (set the list to nil) when the second factor is disabled, replaced or reset,
// when a recovery code was used, and when the password changed: a thief who
// took the account over may have left a trusted browser behind.
//
// # Storage and compatibility
//
// [Encode] writes a list of browsers in a binary form; a thief cannot use it.
// Tokens and lists of a released version stay valid for later ones; test data pins
// both.
package trust
