// Package store says what totpflow asks of a database, and holds the one loop
// that writes to it.
//
// A program that uses the totpflow service opens a [Store] (an adapter such as
// store/sqlstore, or [NewMemory] in tests) and hands it over. A program that
// keeps its own flow in a record calls [Update]: it loads the record, asks a
// function what should follow, swaps the record if nobody else has, and only
// then answers. A one-time code is spent by that swap, so the answer "right"
// exists only after the database has acknowledged that the code is used.
//
// # Storage
//
// One record per account: a plain state word for lists, sealed bytes that only
// the service can read, a time, and a random [Version]. Four operations, each
// on one record except the list. Whoever writes an adapter reads the comment
// of [Store] and runs store/storetest against it.
//
// # Threats
//
// Two requests with the same code at the same moment, in two processes: the
// conditional write lets one of them through. A store that is down, slow, or
// asked under a cancelled context: [ErrUnavailable], which nobody may read as
// "this person has no second factor" ([ErrNotFound] says that, and nothing
// else does). An acknowledgement lost on the way: decided by reading, because
// the writer knows the version that it drew. An account restored or deleted
// and made again: random versions never come back.
//
// Not covered: whoever can write the database can put an older record back.
// The sealed bytes are authenticated by the layer above, their freshness is
// the database's.
//
// # Compatibility
//
// The cursor of a list is not kept across releases. Everything else in this
// package follows semantic versioning; [Store] gains no method.
package store
