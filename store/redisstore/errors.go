package redisstore

import (
	"errors"
	"fmt"
	"time"

	"github.com/totpflow/totpflow/store"
)

// Errors of [Store.Check] and [Store.Create], and of every other call that detects the
// fault later. Trying again does not help.
var (
	// ErrOptions means that a field of [Options] is invalid. The text names it.
	ErrOptions = errors.New("redisstore: invalid options")

	// ErrNotDurable means that the server's settings let it lose or throw away what it
	// has acknowledged. The text names the setting.
	ErrNotDurable = errors.New("redisstore: writes are not durable")

	// ErrReplica means that the server is a replica, whose answers may be old.
	ErrReplica = errors.New("redisstore: the server is a replica")

	// ErrCluster means that the server is a node of a Redis Cluster.
	ErrCluster = errors.New("redisstore: Redis Cluster is not supported")

	// ErrNotCreated means that the database holds no store under this prefix. It is new
	// and needs [Store.Create], or it has lost everything: Redis starts empty when its
	// files are gone, and an empty database must not read as "nobody has a second
	// factor".
	ErrNotCreated = errors.New("redisstore: no store in this database")

	// ErrExists: [Store.Create] found a store.
	ErrExists = errors.New("redisstore: the store exists already")

	// ErrFormat means that a newer program has written this store.
	ErrFormat = errors.New("redisstore: format is newer than this program")

	// ErrLost means that a record that the index names is missing, or an index and the
	// store's count differ. Something other than this package has deleted, evicted or
	// expired records, so a missing record does not mean "never enrolled". Restore the
	// database from a backup.
	ErrLost = errors.New("redisstore: records are lost")

	// ErrReplicas means that fewer replicas than Options.Replicas received the data in
	// time.
	ErrReplicas = errors.New("redisstore: too few replicas")
)

var (
	// errOther means that the answer came from a server that the store does not know.
	errOther = errors.New("redisstore: the server has changed during the call")

	// errMalformed means that no script answers like this.
	errMalformed = errors.New("redisstore: a malformed answer")
)

// A QuarantineError reports that the server has restarted, or was promoted, and that the
// store refuses all calls until the codes that it may have accepted and forgotten have
// expired. It is a [store.ErrUnavailable].
type QuarantineError struct {
	Until time.Time // the end to the millisecond, in UTC, by the clock of the process that noticed
}

// Error implements error.
func (e *QuarantineError) Error() string {
	return fmt.Sprintf("redisstore: the server has restarted or was promoted, and may lack acknowledged writes: no answers until %s",
		e.Until.Format(time.RFC3339))
}

// Unwrap returns [store.ErrUnavailable].
func (e *QuarantineError) Unwrap() error { return store.ErrUnavailable }
