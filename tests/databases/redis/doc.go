// Package redis contains tests of store/redisstore on real Redis servers: the conformance
// suite, two processes that race for one code, servers that are killed, frozen and
// promoted, and wrong settings.
//
// As on every engine, whole flows of the service race, a walk compares the service with
// its model, histories go through a linearizability checker, clocks jump, lists are read
// to their end, and dumps are searched for secrets.
package redis
