package wire

// The formats. Everything that is written begins with the number of its format,
// and one number counts for the whole module: records, tickets, and the encodings
// of single packages.
//
// To roll an upgrade over several processes, a release must read what its
// successor writes. A change of any Fields method therefore takes two releases:
//
//  1. Raise Newest. The new field is read and written under
//     c.Since(Newest). Written stays: this release reads the new format and does
//     not write it.
//  2. Raise Written in the release after that, once no older process can be left.
//
// Oldest follows when no record of a format can be left: every record has been
// written again by then, which a reseal of all records does.
//
// The binary record begins with 1: the JSON that came before it was never
// released, and its first byte, "{", is not a format number.
const (
	Oldest  = 1 // the oldest format that this release reads
	Newest  = 1 // the newest format that this release reads
	Written = 1 // the format that this release writes
)
