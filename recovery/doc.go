// Package recovery makes and redeems the codes that a person keeps for the day when the
// authenticator is lost. Begin with [New], which returns a [Sheet] to print and a [Set] to
// store. It stores nothing: keep what [Set.Encode] returns. It defends against a stolen
// database and against codes that are used twice. Limiting attempts, and writing before
// anybody is let in, is left to you.
//
// NIST SP 800-63B-4 §4.2.1.1 calls them "saved recovery codes", OWASP single-use recovery
// codes.
//
// [New] makes ten codes and the [Set] to store; a [Sheet] prints the codes,
// once. To redeem one, first take an attempt from a limit of the caller's (10
// an hour is usual, [github.com/totpflow/totpflow/throttle.Rate]), then call
// [Set.Derive], then [Set.Redeem], and write the new Set before anybody is let
// in. Derive is the slow half and belongs outside a loop that repeats on conflicts;
// Redeem is quick and belongs inside.
//
// [Issue] makes a set of one code, to be sent to a person who has no other way in.
//
// Everything except New, Issue and Derive is pure. Everything is safe for concurrent use.
//
// # Storage
//
// [Set.Encode] returns about 400 bytes: a salt, and for each code an Argon2id hash
// and when it was used. They hold no code in any form, and have a version inside;
// an unknown one is refused.
//
// # Threats
//
// A code is 80 random bits, so the hash is small on purpose (1 MiB, one pass): NIST asks
// for a salted password hash below 112 bits, and 80 bits at 10^12 hashes a second last
// for ten thousand years. The cost is paid once for each attempt, whether the code is
// right, wrong or used, and whether there is a set at all, so that the time reveals
// nothing; and no more than four are paid at once in a process, so that many attempts
// cannot exhaust its memory.
//
// The errors for wrong and for used codes both are [ErrRejected]; do not tell the person
// more than that.
package recovery
