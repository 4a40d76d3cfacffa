package store

import "strings"

// ReservedPrefix begins the user ids of records that are nobody's account: a
// tenant's own, and the counts of messages to a number. No user may have such an
// id.
const ReservedPrefix = "totpflow:"

// Reserved reports whether the id is that of a record of the library's own. Such
// records are in the lists of a [Store] too.
func (i AccountID) Reserved() bool { return strings.HasPrefix(i.User, ReservedPrefix) }
