// Package keyfile keeps the key ring of a product in a file, and replaces it
// whole or not at all.
//
// [Open] refuses a file that others can read. [File.Replace] changes the ring:
// it takes a lock ([Lock]) for granted, keeps mode and owner, and notices when
// somebody else has written meanwhile. A [Journal] beside the key file
// remembers how far a sweep over all records has come.
//
// Errors name the file and never its content.
package keyfile
