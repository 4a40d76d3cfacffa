// Package postgres holds tests of store/sqlstore on a real PostgreSQL server,
// which they start for themselves: the conformance suite at every isolation
// level, two processes that race for one code, a server that is killed, frozen
// or a standby, and settings that lose writes.
package postgres
