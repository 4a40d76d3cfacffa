package wire

// The formats. Everything that is written begins with the number of its format,
// and one number counts for the whole module: records, tickets, and the encodings
// of single packages.
//
// To roll an upgrade over several processes, a release must read what its
// successor writes. A change of any Fields method therefore takes two releases:
//
//  1. Raise Newest. The new field is read and written under c.Since(Newest). Written
//     stays: this release reads the new format and does not write it. Set the field in a
//     value of a golden test, and run the tests of the packages that have a folder
//     testdata/v1 with -update, which makes the folder of the new format.
//  2. Raise Written in a later release, and the comments that describe the fields, such
//     as that of package account. Golden files stay as they are.
//
// While both run, the first release changes records that the second has written. They
// stay in the new format, with the new field: an account.Account keeps the format in which
// it was read.
//
// Oldest follows when no record of a format can be left: every record has been
// written again by then, which a reseal of all records does. It stays at or below the
// format that the last release writes.
//
// TestFormatsFollowTheLastRelease, tests/e2e/upgrade and scripts/release compare this with
// the formats of the last release, which the script notes in wiretest/released.go. Golden
// files of a format that a release reads are never changed: testdata/v1 has format 1, and
// so on.
//
// The binary record begins with 1: the JSON that came before it was never
// released, and its first byte, "{", is not a format number.
const (
	Oldest  = 1 // the oldest format that this release reads
	Newest  = 1 // the newest format that this release reads
	Written = 1 // the format that this release writes
)
