// Package totp makes and verifies time-based one-time passwords (TOTP, RFC 6238, over
// HOTP, RFC 4226). Begin with [NewKey]. It stores nothing: keep the string of [Key.URI],
// sealed, and the step that [Key.Verify] returns. It defends against used codes, timing,
// and secrets that print themselves. Counting guesses, and storing the step before anybody
// is let in, is left to you.
//
// It reads and writes the otpauth:// key URIs that authenticator apps scan. It is pure: no
// clock, no I/O, no goroutine. The time is always an argument.
//
// # First call
//
// A server makes a [Key] with [NewKey], shows [Key.URI] once as a QR code, and then calls
// [Key.Verify] for each code that the user types:
//
//	key, err := totp.NewKey(totp.Params{}) // SHA-1, 6 digits, 30 seconds: what every app understands
//	uri, err := key.URI(totp.Label{Issuer: "Acme", Account: "alice@example.com"})
//	step, err := key.Verify(typed, now, last, totp.Standard())
//
// Verify returns the time step that the code belongs to and accepts only steps after the
// one that it is given. A code is single-use only if the caller keeps that step: store it
// with a compare-and-swap, and let the user in after the write is acknowledged, not
// before. Otherwise two requests that race with the same code are both accepted (RFC
// 6238, section 5.2: "The verifier MUST NOT accept the second attempt of the OTP").
//
// # Storage
//
// Keep the string of [Key.URI], not the bare secret: algorithm, digits and period are part of the key, and a secret that
// is read back with other parameters locks its owner out. Anyone who reads that string can make codes, so keep it encrypted
// (RFC 4226, section 7.5) and bind the ciphertext to the user. Package keyring of this module does both.
//
// # Threats
//
// A code of six digits can be guessed: with [Standard] one guess in 333,333 is right. Nothing here counts guesses; the
// caller must, per account and across sessions and addresses (RFC 4226, section 7.3). [Key.Verify] does the same work for
// every code of the right form: all steps of the window are computed and compared in constant time. A [Key] never shows
// its secret when printed, logged or encoded, in any verb or format, not even deep inside
// another value; only [Key.Secret] and [Key.URI] reveal it. Codes do not resist a
// phishing site that passes them on at once.
//
// # Compatibility
//
// [ParseSecret] and [ParseURI] accept what the common apps and servers write and refuse what two parsers could read
// differently. Accepted: SHA-1, SHA-256 and SHA-512, 6 to 8 digits, periods of 15 to 120 seconds, secrets of 128 bits
// or more. Several apps ignore algorithm, digits and period in the URI and show wrong codes; the zero [Params] is the only
// choice that all of them get right, so before an enrollment with others counts, require
// a code. [ReadURI] and [ReadSecret] are for migrating from another system: they ignore
// parameters that do not affect the key, refuse by name those that may, and let secrets
// of 80 bits and more in, which are [Key.Weak]. A key that has come this way is kept as
// the string of [Key.URI] too, and read back by [ParseStored].
//
// With GODEBUG=fips140=on, HMAC-SHA-256 and HMAC-SHA-512 are computed inside Go's FIPS 140-3 module. SHA-1 is outside
// of it, and with GODEBUG=fips140=only keys for SHA-1 are refused with [ErrParams].
package totp
