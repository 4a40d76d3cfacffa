// Package redis holds tests of store/redisstore on real Redis servers: the
// conformance suite, two processes that race for one code, servers that are
// killed, frozen and promoted, and settings that are not what they should be.
package redis
