// Package phone lets a person sign in with a code sent by SMS or by a call. Begin
// with [ParseNumber] and [State.Add]. It stores nothing: keep what [State.Encode] and
// [Sends.Encode] return, sealed. It defends against guessed and used codes, and against
// people who profit from messages that you pay for. A [Sender], the countries that you
// serve and a second way in are left to you.
//
// It is pure: no clock, no I/O, no goroutine. The time is always an argument, and a
// [State], which an account keeps, is a value. Packages kannel and twilio of the module
// phone/provider are two Senders.
//
// # First call
//
// [ParseNumber] reads a number, [State.Add] makes it the pending one,
// [State.SendPending] and [State.VerifyPending] make it a phone. At a sign-in,
// [State.Send] makes a code for a phone and [State.Verify] checks the code that is typed:
//
//	number, err := phone.ParseNumber("+43 660 1234567")
//	s, pending, err := s.Add(now, number)
//	s, message, err := s.SendPending(now, keys, pending.ID, phone.SMS, limits.Account...)
//	// write s, then:
//	err = sender.Send(ctx, message)
//	s, added, err := s.VerifyPending(now, keys, pending.ID, typed)
//	…
//	s, message, err := s.Send(now, keys, added.ID, phone.SMS, challenge, limits.Account...)
//	s, used, err := s.Verify(now, keys, challenge, typed)
//
// # How far to trust it
//
// The public telephone network is a restricted authenticator to NIST (SP
// 800-63B-4 §3.1.3.3): a thief who has a SIM swapped, a number ported, a call diverted or
// the signalling intercepted gets the code. Offer another method as well, and inform the
// person. A code by phone signs in, where the policy allows the method, and does no more:
// it is never enough to disable or replace an authenticator, to make new recovery codes,
// to trust a browser or to administer, because a thief could turn an hour with the number
// into lasting access. For an account with an active authenticator it does not sign in
// either, unless the policy allows it: the account is as safe as the weaker of the two.
//
// # A code
//
// Six random digits, each of the million as likely. One is live at a time in an
// account: a new one, by whatever way, replaces it. It is bound to the challenge
// of one sign-in, to the number as it was and to the ring's epoch; lives five
// minutes; works once; and is kept as an HMAC under the host's keys, so that the
// record alone, in which a million guesses would be quick, does not tell it.
//
// Five wrong codes in a row end it, and with it all codes for ten minutes.
// Sending another one does not give tries back, nor does another challenge. That
// bounds the guessing of a day by what is sent in a day; the bound over a year is
// the account's throttle.Budget: charge it one chance for each [ErrRejected],
// with the same write, and ask it before [State.Verify].
//
// # Messages cost
//
// Fraudsters earn money with numbers that pay them for each message received. Every send
// is counted before the provider is called: in the State for the account first, so that
// of several simultaneous requests one continues, and then as [Sends] in separate records
// for the number, its [Number.Prefix] and the tenant, best under a keyed hash.
// [Destinations] limits where messages go at all. If the person has not passed a factor,
// answer a refused send as if it had been made.
//
// The limits of a number, a prefix and a tenant apply to all accounts together, and
// anybody with an account can have a code sent to a stranger's number, to add it.
// Such sends may use up half of each limit ([Limits.ForUnverified]); the other half
// is for numbers that are verified, by which people sign in. Some attacks remain: a person
// who knows the password of an account can use up what that account may be sent in a
// day, which locks its owner out if the phone is the only way in; a stranger's
// number can be sent half of its limit a day, five messages by [DefaultLimits],
// which annoys its owner; and a tenant with many verified numbers can use up what a
// prefix may be sent. A phone should not be the only way in.
//
// A clock that steps back frees nothing: sends and wrong codes that lie in its
// future count, and codes that were sent then have expired. One that ran ahead
// has freed only what it would have freed by then.
//
// # Storage
//
// [State.Encode] returns at most 1 KiB: at most three phones, one pending number,
// one code, and the sends of the last day, 64 at most. It holds numbers, so seal
// it. Write each changed value with a compare-and-swap before the answer.
// [Sends.Encode] returns at most 1 KiB. Both have a version inside; an unknown one
// is refused. The service keeps one for each number and prefix that a code was sent to,
// under a keyed hash, and deletes none: an old count is small, and reveals nothing
// without the keys.
//
// No type of this package shows a number in full or a code when printed, logged
// or encoded by a general encoder.
package phone
