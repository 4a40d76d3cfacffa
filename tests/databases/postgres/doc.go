// Package postgres contains tests of store/sqlstore on a real PostgreSQL server, which
// they start themselves: the conformance suite at every isolation level, two processes
// that race for one code, a server that is killed, frozen or a standby, a standby that is
// promoted, and settings that lose writes.
//
// As on every engine, whole flows of the service race, a walk compares the service with
// its model, histories go through a linearizability checker, clocks jump, lists are read
// to their end, and dumps are searched for secrets.
package postgres
