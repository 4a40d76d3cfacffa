// Package redisstore keeps totpflow's records in Redis, through
// github.com/redis/go-redis/v9. Begin with [New]; call [Store.Create] once and
// [Store.Check] at every start. It stores keys under one prefix. It defends against racing
// processes, and against a failover that forgets used codes. The settings of the server,
// its restarts and its backups are left to you.
//
// It is tested with Redis 7.0 and uses only features that Redis 6 has.
//
//	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379"})
//	accounts := redisstore.New(client, redisstore.Options{})
//	err := accounts.Create(ctx) // once, where the database is set up
//	err = accounts.Check(ctx)   // at every start of the product
//
// # Settings
//
// By default Redis is a cache. [Store.Check] refuses a server with weaker settings than
// these ([ErrNotDurable]):
//
//	maxmemory-policy noeviction
//	appendonly yes
//	appendfsync always
//	no-appendfsync-on-rewrite no   # the server's default
//	repl-backlog-ttl 3600          # the server's default
//
// [Options].Durability names the weaker choices, and what each of them loses.
// With replicas that Sentinel promotes, set min-replicas-to-write 1 and
// min-replicas-max-lag 10 as well: a primary that the network has cut off then stops
// accepting writes before its successor's quarantine ends.
//
// A user with these rights is enough:
//
//	~totpflow:* -@all +ping +hello +eval +evalsha +info +config|get +wait +exists +del +hget +hgetall +hmget +hset
//	+hincrby +hdel +zscore +zcard +zadd +zrem +zrangebylex +zlexcount
//
// # What a failover loses, and the quarantine
//
// Redis replicates after it has acknowledged. A replica that is promoted may
// lack the last writes, and WAIT does not change that: it counts replicas, but
// does not decide which one is promoted. So somebody who saw a code over a
// shoulder could wait for a failover, or cause one, and use the code again on a server
// that does not know that it was used.
//
// The store therefore notices that the data is no longer on the server that wrote it, and
// refuses all calls for [Options].Quarantine, until every code that the lost server may
// have accepted has expired. Every call in that time returns a [QuarantineError]. A
// restart counts as well, since a server may come back with an older snapshot; so plan
// restarts of Redis as outages of the second factor, or end the quarantine with
// [Store.Release] when nothing is missing.
//
// The quarantine covers codes of authenticators and phones, and the proofs made by them.
// Other lost writes do not come back: a recovery code that was used in those last moments
// works again, and so does a code that was mailed, for its day; a browser that was
// revoked is trusted again; sessions and browsers that a new password or "it was not me"
// ended are valid again; the set-up or replacement of an authenticator is undone; and a
// reset, a policy and wrong guesses are forgotten. Where that is not acceptable, use a
// database that does not lose what it acknowledged: store/sqlstore or store/etcdstore.
// After a failover that has lost much, treat the database like one restored from a
// backup: raise the key ring's epoch, and call totpflow's Admin.AfterDatabaseRestore from
// a program of yours. The epoch alone leaves used codes valid.
//
// The length of the quarantine is right only if the processes' clocks agree: the process
// that notices first sets its end, by its own clock, and one that is a minute behind ends
// it a minute early for the others. Keep them in step, as codes need anyway.
//
// How it notices: the store's own hash in the database names the process (run_id)
// that may answer, and travels with the data. Every operation is one Lua script,
// which compares that name with the server that it runs on (INFO), then the
// quarantine with the caller's clock, then the record's version, and writes.
// Redis runs nothing between the first line of a script and the last. A check by
// the client could not do this: between its answer and the write the client may
// have reconnected to another server, or the same server, on the same connection, may
// have been demoted, overwritten from a replica that knew less, and promoted
// again. In that last case run_id is the old one; but a promotion leaves behind
// the replication id that the server had as a replica (master_replid2), and a
// change of that counts too. repl-backlog-ttl is how long it is remembered.
// Before a new server's name is written, its settings are checked like the
// first one's.
//
// Not noticed: a snapshot of the running machine that is put back, memory and all; keys
// written back one by one; and two primaries at the same time, against which
// min-replicas-to-write or [Options].Replicas helps.
//
// # Storage
//
// With the default prefix, and 00 for a byte that is zero:
//
//	totpflow:store                      hash   format "1", run, past, until (milliseconds since 1970),
//	                                           records, due and "in STATE", which are counts
//	totpflow:account 00 TENANT 00 USER  hash   version (16 bytes), state, sealed, updated (microseconds since 1970),
//	                                           due (8 bytes, milliseconds since 1970 + 2^63, big-endian; empty for never)
//	totpflow:index                      zset   TENANT 00 USER of every record, score 0
//	totpflow:index 00 STATE             zset   the same of the records in a state
//	totpflow:due                        zset   the 8 bytes of due, TENANT 00 USER, of the records that have one, score 0
//
// Everything is written by the scripts only, so the indexes are never behind. The
// store counts its records, and each call compares the count with the index, as
// each list does with the index that it reads. A count, and a list of a state that seems
// empty, also check that the counts by state add up to the count of all records. Where
// these differ, something other than this package has deleted, evicted or expired what
// is missing: that is
// [ErrLost], and not "never enrolled". The same applies to a record that the index names
// and that is missing. So if somebody switches eviction on later, accounts are lost, but
// not silently. An empty database is [ErrNotCreated], for the same reason: Redis that has
// lost its files comes up empty and healthy, and would let everybody in.
//
// A record that is there but cannot be read is an error of Get; a list by id holds it
// without a version, and other lists leave it out. A member of an index that is not an id
// fails each page that comes to it, since it may hide an account.
//
// The keys of a store must not be used by others, and have no expiry. A page holds
// up to 4 MiB of sealed bytes, so that no script runs for long.
//
// # Cluster
//
// Redis Cluster is refused ([ErrCluster]). A script sees one slot only, and
// record, index and the store's own hash have to be seen together; with all of
// them in one slot, a cluster is one server with more ways to fail.
//
// # Threats
//
// Two processes with the same code cannot both win: comparing and writing is
// one script. Reads go where writes go, and a server that is a replica
// answers [ErrReplica]. The client's own repetition of commands, on by default,
// is off for these: the second run of a write would report a conflict where the
// first had succeeded. The layer above protects the sealed bytes.
//
// # Compatibility
//
// The store's own hash has the version of the layout, and later versions read it. A
// program that meets a newer one refuses with [ErrFormat].
package redisstore
