// Package enroll binds authenticators to an account. Begin with [Enrollment.Begin] on the
// zero [Enrollment]. It stores nothing: keep what [Enrollment.Encode] returns, sealed. It
// defends against enrollments that are abandoned or hijacked, used codes, and thieves who
// replace the owner's app. Counting guesses, and deciding who may change what, is left to
// you.
//
// It offers a secret, makes it live when the person has shown a code of it, verifies
// codes against all live authenticators, and replaces, removes or clears them. It is
// pure: no clock, no I/O, no goroutine. The time is always an argument, and an Enrollment
// is a value.
//
// # First call
//
// The zero [Enrollment] is an account without a second factor. [Enrollment.Begin]
// takes a new key and returns a [Candidate]; [NewOffer] shows it as a QR code;
// [Enrollment.Confirm] asks for its code. From then on [Enrollment.Verify] checks the
// codes that the person types:
//
//	key, err := totp.NewKey(totp.Params{})
//	e, candidate, err := e.Begin(now, key, "Phone", false)
//	offer, err := enroll.NewOffer(candidate.Key, totp.Label{Issuer: "Acme", Account: "alice@example.com"})
//	e, done, err := e.Confirm(now, candidate.ID, typed, totp.Standard())
//	e, used, err := e.Verify(now, typed, totp.Standard())
//
// One table lists which action may follow in which state: see [Transitions] and [Diagram].
//
// Three actions are for administrators: [Enrollment.Reset] makes the person enroll again,
// [Enrollment.Exempt] makes the account a machine account, [Enrollment.Restore] brings
// back an authenticator that somebody else took away. [Enrollment.Import] takes over a
// key of another system. After a database was restored, [Enrollment.MarkUsed] marks as
// used the codes that the database has forgotten.
//
// # Storage
//
// Keep what [Enrollment.Encode] returns, sealed: it holds the secrets. Write each changed
// value with a compare-and-swap and answer the person after the write is acknowledged.
// The used code is marked in the returned value, so two requests that start from the same
// value are both accepted, and only the store knows which was first. Package store has
// such an Update, package keyring seals the record.
//
// # Threats
//
// A candidate signs nobody in, and Begin does not touch live authenticators: an
// enrollment that is abandoned, or begun in a stolen session, weakens nothing. The code
// of a confirmation is used. A removed secret keeps its last step for some minutes, so
// that disabling and enrolling it again does not make used codes valid. An authenticator
// that is replaced, removed or disabled is kept for three days, but verifies nothing: an
// attacker in a stolen session can take an authenticator away, and this is how it comes
// back. Those that were added first are kept, so that nobody can push the owner's out by
// replacing again and again. Guesses are not counted here: charge each wrong code by the
// number of live authenticators, since each is one more chance (package throttle). This
// package does not check who is asking either: let Begin over a live authenticator,
// Disable and Remove follow a code shown for that purpose, and Reset, Exempt, Import and
// Restore follow an administrator's permission.
//
// No type of this package shows a secret when printed, logged or encoded by a
// general encoder; only Encode, the methods of [Offer], and the key's own methods reveal
// it.
//
// # Compatibility
//
// zbar and ZXing read the QR codes in every form of [Offer]. The encoding carries a
// version; a later package reads the encoding of an earlier one, and an earlier one
// refuses a version that it does not know.
package enroll
