// Package totpflow is the second factor of a product's sign-in: codes from an
// authenticator app, enrollment, recovery codes and trusted browsers. Begin with [New],
// and call [Service.SignIn] after the password. It stores one sealed record for each
// account in a [store.Store]. It defends against used, guessed and overheard codes, open
// sessions and a stolen database. Users, passwords, sessions and mail are left to you.
//
// The host makes one [Service], which decides what comes next when the password is right:
//
//	next, err := mfa.SignIn(ctx, user, totphttp.TrustTokens(r)...)
//
// and the host does what the decision's Step says: start the session ([Passed]),
// show the code form ([AskCode]) and pass the code to [Service.VerifyCode], or show
// the enrollment page ([Enroll]) from [Service.BeginEnrollment] and pass the code to
// [Service.ConfirmEnrollment]. A signed-in person's own page uses [Service.Account],
// and administrators use package admin.
//
// # What always holds
//
// A code, a recovery code, a challenge and a proof work once over all processes, and
// every wrong guess is counted before its answer goes out: every call loads the account's
// record, decides, replaces the record unless somebody else did so meanwhile, and only
// then answers. With any error, time-out, lost race or unknown version the [Decision] is
// the zero value, which lets nobody in. All guesses at one account share one budget
// (package throttle): a year of guessing with the right password succeeds with a chance
// under 9.2e-4.
//
// # Storage
//
// The [store.Store] holds one record per account, sealed with the [keyring.Ring].
// Do not lose key and database together, and do not let them be stolen together:
// neither alone forges a trusted browser, a challenge or a proof.
//
// # What it does not do
//
// It has no users, passwords, sessions or mails. Codes are not resistant to phishing and
// do not make AAL2 by themselves. Limit password guesses in front of it: a person who
// knows the password can use up the budget of the account.
//
// A Service and its Accounts are safe for concurrent use.
package totpflow
