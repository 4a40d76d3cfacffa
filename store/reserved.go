package store

import "strings"

// ReservedPrefix begins the user ids of records that are not accounts: a tenant's own
// record, and the counts of messages to a number. No user may have such an id.
const ReservedPrefix = "totpflow:"

// Reserved reports whether the id belongs to one of the library's own records. Such
// records are in the lists of a [Store] too.
func (i AccountID) Reserved() bool { return strings.HasPrefix(i.User, ReservedPrefix) }
