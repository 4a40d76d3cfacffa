// Package totpflow is the second factor of a product's sign-in: codes from an
// authenticator app, enrollment, recovery codes and trusted browsers, for programs
// that have users, passwords and sessions of their own.
//
// Make a [Service] with [New]. After the password is right, [Service.SignIn]
// decides what is next:
//
//	next, err := mfa.SignIn(ctx, user, totphttp.TrustTokens(r)...)
//
// and the host does what the decision's Step says: start the session
// ([Passed]), show the code form ([AskCode]) and hand what comes back to
// [Service.VerifyCode], or show the enrollment page ([Enroll]) from
// [Service.BeginEnrollment] and hand the code to [Service.ConfirmEnrollment].
// A signed-in person's own page uses [Service.Account].
//
// # What holds
//
// Every flow loads the account's record, decides on it, swaps it for the
// decided one if nobody else did, and only then answers. So a code, a recovery
// code, a challenge and a proof work once over all processes, and every wrong
// guess is counted before its answer goes out. Any error, time-out, lost race
// or unknown version lets nobody in: [Decision] is the zero value then, and its
// Step refuses.
//
// All guesses at one account share one budget (package throttle), whatever the
// session, the address or the process they come from. A year of guessing single
// codes with the right password stays under a chance of 9.0e-4; the pairs of
// codes that get the owner in meanwhile add less than 4e-5.
//
// # Storage
//
// The [store.Store] holds one record per account, sealed as a whole with the
// [keyring.Ring]; see there for rotating keys and for what to do after a
// database was restored. Key and database must not be lost together, and not
// be stolen together. Neither alone forges a trusted browser, a challenge or a
// proof: they are signed by the ring, and by a secret of the record or known to it.
//
// # What it does not do
//
// It has no users, passwords, sessions or mails. Codes are not resistant to
// phishing, do not make AAL2 by themselves, and nothing here is safe from
// whoever has both the keys and the database. Limit guesses of passwords in
// front of it: only who knows the password reaches the second step, and can
// spend the budget of its account.
//
// # Concurrency
//
// A Service, its Accounts and everything in the packages below are safe for
// concurrent use, or plain values. The context given to a flow bounds its work
// with the store; when it ends, the flow fails, and nobody is let in.
package totpflow
