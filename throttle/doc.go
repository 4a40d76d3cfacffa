// Package throttle bounds how often a second factor can be guessed: in a row, in a day, in
// 30 days and in 365 days. Begin with [Budget.Allow], before a code is looked at. It
// stores nothing: keep what [Budget.Encode] returns in the account's record. It defends
// against guessing for years, and against strangers who lock the owner out. Writing the
// new value before the answer is left to you.
//
// A verifier keeps one [Budget] for each account, in the same record as the
// factor. Before it checks a code it calls [Budget.Allow]; for a wrong one [Budget.Fail];
// for a right one [Budget.Succeed]. The new value must be written before anybody learns
// the outcome, otherwise the answer was free. [Budget.Pair] comes before two consecutive
// codes, which get the owner in while single codes are locked out. [Rate] is a plain
// limit of attempts in a period, for recovery codes.
//
// Everything here is a value and a pure function of its arguments: no clock, no
// I/O, safe for concurrent use.
//
// # What is charged
//
// A guess is charged by its chances: how many in 10^6 it has of being right. A six-digit
// code compared with one authenticator over a window of three steps has 3; with five
// authenticators 15; one live code by phone 1. The three long windows of [Default] are
// 20, 100 and 300 guesses of 3, so an account with five authenticators has 4 guesses a
// day. This is the price of the promise: whatever the mixture, a year's guessing succeeds
// with a probability of at most 900 in 10^6, or 9.0e-4. A guess that would exceed this is
// not allowed, which is why Allow requires its chances beforehand.
//
// Not charged, because nothing was guessed: a code that is malformed, a right
// code that was used before, and any error of the store or the network. The
// caller does not call Fail for these. A pair of codes is charged whatever the
// answer is, unless it is malformed.
//
// # Threats
//
// Successes do not clear the long windows. Otherwise an attacker who knows the
// password could guess four times after each of the owner's sign-ins, for ever. A success
// gives back only the charges of its own challenge: an attacker's challenge ends in
// success only when the attacker has won already.
//
// Waiting out a limit is not the owner's only way: two consecutive codes, a
// trusted browser and a recovery code work meanwhile, so that a stranger with
// the password cannot lock the owner out. Two consecutive codes are right by
// chance 3 times in 10^12 where the later one may be of three steps. At one try
// in 30 seconds and six at once, a whole year of trying adds less than 3.2e-6
// for each authenticator, and 1.6e-5 for five.
//
// A clock that steps back never frees anything: charges in its future count, waits end
// when they would have ended. A clock that runs ahead frees what it would have freed at
// that time, and takes it back when it returns, if it was ahead by no more than a year.
// Charges of the time when it ran ahead then count for longer than they should; the owner
// gets in by two consecutive codes or a recovery code.
//
// # Storage
//
// [Budget.Encode] returns a few bytes for most people, less than 4 KiB under
// [Default] however long and hard somebody guesses, and less than 10 KiB for any
// sequence of calls. Times are kept in whole seconds and rounded up, against the
// guesser. The encoding has a version inside; an unknown one is refused.
package throttle
