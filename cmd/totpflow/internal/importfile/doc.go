// Package importfile reads the table of secrets that another system kept, to
// bring its people over without a new enrollment.
//
// The table is CSV (RFC 4180) in UTF-8, with commas, semicolons or tabs. Its
// first line names the columns, in any order:
//
//	user       the product's id of the account (required), with no spaces around it
//	tenant     the customer, likewise; empty or absent where there is only one
//	name       what the authenticator is called on the security page
//	secret     base32, or an otpauth:// URI (required)
//	digits     6, 7 or 8; with base32 only; 6 when empty
//	period     in seconds; with base32 only; 30 when empty
//	algorithm  SHA1, SHA256 or SHA512; with base32 only; SHA1 when empty
//
// The other names in which the columns are found are listed at [Read].
//
// # Threats
//
// The file is a table of secrets: errors and rows never show one. A row whose
// user looks like a secret, because two headings were exchanged, is not shown
// either.
package importfile
