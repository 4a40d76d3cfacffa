// Package mariadb contains tests of store/sqlstore on a real MariaDB server, which they
// start themselves: the conformance suite at every isolation level and with both ways of
// counting rows, two processes that race for one code, a server that is killed or frozen,
// a replica that is promoted, and settings that lose writes. MySQL, whose dialect this
// is, has no package in Debian.
//
// As on every engine, whole flows of the service race, a walk compares the service with
// its model, histories go through a linearizability checker, clocks jump, lists are read
// to their end, and dumps are searched for secrets.
package mariadb
