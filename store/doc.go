// Package store is the contract between totpflow and a database, and the one loop that
// writes to it. Begin with an adapter such as store/sqlstore, or [NewMemory] in tests; a
// flow of your own calls [Update]. It stores one record for each account. It defends
// against races, lost acknowledgements and a database that is down. Sealing the bytes,
// and keeping old records from being put back, is left to you.
//
// A program that uses the totpflow service opens a [Store] (an adapter such as
// store/sqlstore, or [NewMemory] in tests) and hands it over. A program that
// keeps its own flow in a record calls [Update]: it loads the record, calls a function
// that decides, swaps the record if nobody else has, and only then answers. That swap
// uses up a one-time code, so the answer "right" goes out only after the database has
// acknowledged that the code is used.
//
// # Storage
//
// One record per account: a plain state word for lists, sealed bytes that only
// the service can read, the time of the last write, a due time for programs that look at
// it again, and a random [Version]. Four operations, each on one record except the list.
//
// # Writing a store
//
// An adapter needs four methods and one test, some 160 lines for a database that compares
// and writes in one step. [Memory] is the contract as a program; the comment of [Store]
// is the contract in words. In this order:
//
//   - Put begins with [CheckPut], Get and Delete with [AccountID.Validate], and List with
//     [Query.Start]. Arguments that these refuse never reach the database.
//   - Put writes where the stored version is was, and reports [ErrConflict]
//     otherwise; if was is zero it creates, and an existing record is a
//     conflict. Delete works the same way, and leaves no record.
//   - Get returns [ErrNotFound] if the database reports that there is no record,
//     and in no other case.
//   - List returns what [Query.Selects], in the order of [Query.Place], behind the
//     place that Start returned, at most limit records; with Heads without their
//     bytes. Wherever more may follow, Next is [Place.Cursor] of the last place that
//     the page covers: that of its last record, or that of a later record that the
//     page omits. A list by due time needs an index on due time, tenant and user; the
//     others need the primary key, and one on state, tenant and user. If List reads an
//     index and then the records, it leaves out each record that is no longer at the
//     place of its entry.
//   - [Counter] is optional, for a database that counts faster than it lists.
//   - The test is storetest.Run, with -race, and once for each isolation level.
//
// Two properties cannot be tested from outside: that an acknowledged write survives a
// power cut, and that reads go to the primary while a failover is under way.
//
// # Threats
//
// Two requests with the same code at the same moment, in two processes: the
// conditional write lets one of them through. A store that is down, slow, or called under
// a cancelled context: [ErrUnavailable], which nobody may read as "this person has no
// second factor" (only [ErrNotFound] means that). A lost acknowledgement: decided by
// reading, because the writer knows the version that it drew. An account that was
// restored, or deleted and made again: random versions never repeat.
//
// Not covered: an attacker who can write to the database can put an older record back.
// The layer above authenticates the sealed bytes; only the database can keep them
// current.
//
// # Compatibility
//
// The cursor of a list is not kept across releases. Everything else in this
// package follows semantic versioning; [Store] gains no method.
package store
