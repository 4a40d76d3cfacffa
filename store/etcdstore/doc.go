// Package etcdstore keeps totpflow's records in etcd 3.4 or newer, through
// go.etcd.io/etcd/client/v3. Begin with [New], and call [Store.Check] at every start. It
// stores at most two keys for each record under one prefix. It defends against racing
// processes and stale reads. Compaction, snapshots and the members' disks are left
// to you.
//
//	client, err := clientv3.New(clientv3.Config{Endpoints: endpoints, DialTimeout: 5 * time.Second})
//	accounts := etcdstore.New(client, "totpflow/")
//	err = accounts.Check(ctx) // at every start of the product
//
// # What etcd promises
//
// A write is acknowledged when a majority of the members has it on disk, and a newly
// elected leader has every acknowledged write. So a failover never forgets a used code,
// and no waiting is needed after one: of three members any one may be lost, of five any
// two. A single member is durable, but is down whenever its machine is.
//
// Reads are linearizable: the member that is asked makes sure, with a majority,
// that it knows everything that was acknowledged before. Serializable reads, which return
// what one member happens to know, are never used: a member that is cut off would accept
// a used code.
//
// Without a majority nothing is read or written, and nobody is let in. Calls
// then fail at once where a member knows that it has no leader
// (rpctypes.ErrNoLeader), and otherwise when their context ends or after the
// server's own limit of some seconds (rpctypes.ErrTimeout). A client that cannot reach a
// member waits for one until the context ends, so give every call a deadline. A write
// that fails in this way may have been done, or may still be.
//
// Restoring a cluster from a snapshot makes used codes valid again, as with every
// database: raise the key ring's epoch afterwards, and call totpflow's
// Admin.AfterDatabaseRestore from a program of yours. The epoch alone leaves used codes valid. The
// same holds for --force-new-cluster, which drops what only the others had. And a cluster whose
// members run with --unsafe-no-fsync keeps no promise; no client can see that.
//
// # Storage
//
// One key for each record, and one for each that has a due time, without a lease,
// under the prefix; 00 is a byte of zero, which no id and no prefix holds:
//
//	totpflow/account 00 TENANT 00 USER
//	value: version (16 bytes), format 1, due (8 bytes), updated (microseconds since 1970, 8 bytes big-endian),
//	       length of state (1 byte), state, sealed
//	totpflow/due 00 DUE TENANT 00 USER
//	no value; DUE as in the record: milliseconds since 1970 + 2^63, 8 bytes big-endian, and 0 for never
//
// This orders keys as store.AccountID.Compare and store.Place.Compare do, and stores
// never share a key, even if one prefix begins with the other. Both keys of a record are
// written by one transaction. A record takes at most 65 KiB, far below etcd's limits of
// 1.5 MiB for a request, and a list asks for one page with one request, and by due time
// with one more for each hundred records. A list by state and a count read all records of
// their range, so pages by state are short. A value that cannot be read is an error of
// Get; a list by id holds it without a version, and other lists leave it out.
//
// A key under the prefix that this package would not make fails each page that comes to
// it, and the error names it. It is not passed over: a foreign key and a damaged one look
// alike, and a damaged one hides an account that Get reports as missing, or an entry
// without which no list by due time finds its account. Nothing else would show that. Move
// the value back to its key, or delete a key that holds no record.
//
// The store does not use history, so compaction loses nothing. Compaction is needed:
// until then each older value is kept, and a database that reaches its quota (2 GiB by
// default) accepts no more writes ([ErrNoSpace]). Run etcd with
// --auto-compaction-retention.
//
// With authentication, the client signs in by a TLS certificate, or by [Password]. The
// Username and Password of clientv3 3.6.14 went on working after the token had expired on
// the servers 3.5.0, 3.5.35, 3.6.9, 3.6.16 and 3.7.3, and did not on 3.4.23. The user
// needs a role with readwrite on the prefix, and nothing more on 3.4.23, 3.5.0, 3.5.35,
// 3.6.16 and 3.7.3. On 3.6.9 only root may ask for alarms, so [Store.Check] needs root
// there; etcd's maintainers describe 3.5.28 in the same way, which was not tested.
//
// # Threats
//
// Two processes with the same code cannot both win: one transaction compares the
// version and writes. The client does not send a write a second time once it
// may have reached a member. The layer above protects the sealed bytes.
//
// etcd's rights keep other users of the cluster away from the records, with an exception:
// on 3.4.23 and 3.5.35, while the database has reached its quota, each user can delete
// every key and switch authentication off. A user with a right to any prefix can fill the
// database. An account whose record was deleted counts as never enrolled. 3.6.9, 3.6.16
// and 3.7.3 refuse these requests. Before 3.6, use a cluster for this store alone.
//
// # Compatibility
//
// Each value has a format version, and later versions read it. A value of
// a newer format is an error.
//
// The store was tested on the servers 3.4.23, 3.5.35, 3.6.16 and 3.7.3.
package etcdstore
