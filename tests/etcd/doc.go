// Package etcd holds tests of store/etcdstore on real etcd servers, one alone and
// a cluster of three: the conformance suite, two processes that race for one code,
// members that are killed, frozen and cut off.
package etcd
