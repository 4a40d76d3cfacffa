// Package importfile reads the table of secrets that another system kept, to
// bring its people over without a new enrollment.
//
// The table is CSV (RFC 4180) in UTF-8, with commas, semicolons or tabs, also behind
// a line such as "sep=;". Its first line names the columns, in any order:
//
//	user       the product's id of the account (required), with no spaces around it
//	tenant     the customer, likewise; empty or absent where there is only one
//	name       what the authenticator is called on the security page
//	secret     base32, or an otpauth:// URI (required)
//	digits     6, 7 or 8; with base32 only; default 6
//	period     in seconds; with base32 only; default 30
//	algorithm  SHA1, SHA256 or SHA512; with base32 only; default SHA1
//	type       totp, or empty
//
// Other names of these columns are listed in headings.go, and so are columns that
// are passed over since they cannot change a key. A column that is neither is
// refused: it may be a setting that makes another key.
//
// # Threats
//
// The file is a table of secrets, and people exchange two of its columns: errors never
// show a cell, a row that is refused has no account, and an account that looks like a
// secret in any encoding is refused unless the product lists it as one of its own
// ([Known]). If most of a column looks like secrets, the file is refused.
package importfile
