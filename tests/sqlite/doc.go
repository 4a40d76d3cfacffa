// Package sqlite holds tests of store/sqlstore on real SQLite files, with both
// of the drivers that it documents: the conformance suite, two processes that
// race for one code, a process that is killed while it writes, and files that
// are not what they should be. The root module has no driver, so they live in a
// module of their own.
package sqlite
