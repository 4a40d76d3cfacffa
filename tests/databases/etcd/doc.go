// Package etcd contains tests of store/etcdstore on real etcd servers, one alone and a
// cluster of three: the conformance suite, two processes that race for one code, members
// that are killed, frozen and cut off.
//
// As on every engine, whole flows of the service race, a walk compares the service with
// its model, histories go through a linearizability checker, clocks jump, lists are read
// to their end, and dumps are searched for secrets.
package etcd
