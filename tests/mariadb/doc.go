// Package mariadb holds tests of store/sqlstore on a real MariaDB server, which
// they start for themselves: the conformance suite at every isolation level and
// with both ways of counting rows, two processes that race for one code, a
// server that is killed or frozen, and settings that lose writes. MySQL, whose
// dialect it is, has no package in Debian.
package mariadb
