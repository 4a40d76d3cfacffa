// Package sqlite contains tests of store/sqlstore on real SQLite files, with both of the
// drivers that it documents: the conformance suite, two processes that race for one code,
// a process that is killed while it writes, and unusable files. The root module has no
// driver, so these tests are in a module of their own.
//
// As on every engine, whole flows of the service race, a walk compares the service with
// its model, histories go through a linearizability checker, clocks jump, lists are read
// to their end, and dumps are searched for secrets.
package sqlite
