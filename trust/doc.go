// Package trust remembers browsers that may skip the code for a while.
//
// After a sign-in with a code, [Issue] makes a [Token] for the browser's cookie
// and a [Browser] for the account's record; keep the latter with [Remember]. At
// the next sign-in, once the password is right, [Check] says whether the token
// is one of the browsers the account still knows:
//
//	token, browser := trust.Issue(ring, scope, "Firefox on Linux", now)
//	known = trust.Remember(known, browser)
//	…
//	browser, err := trust.Check(ring, scope, token, known, now, trust.DefaultAge)
//
// An error means: ask for the code. A trusted browser replaces the code only,
// never the password, and it is no authenticator in the sense of NIST SP 800-63B;
// do not report it as multi-factor authentication.
//
// # Signed and kept
//
// A token is signed by the ring and known to the record. Who reads the database
// finds hashes of 256-bit secrets, which are in no cookie, and has no key to sign
// with. Who has the key signs tokens whose secret no record knows. Neither alone
// forges one. What a token is good for, tenant, user and audience, is under the
// signature, and so are the ring's epoch and the time of issue.
//
// # Ends
//
// The age counts from the issue and is not prolonged by use; at most [MaxAge],
// and less when the policy at the time of the check says so. Forget all browsers
// (set the list to nil) when the second factor is disabled, replaced or reset,
// when a recovery code was used, and when the password changed: whoever took the
// account over may have left a trusted browser behind.
//
// # Storage and compatibility
//
// [Encode] writes a list of browsers in a binary form; it holds nothing usable.
// Tokens and lists of a released version stay valid for later ones; test data pins
// both.
package trust
