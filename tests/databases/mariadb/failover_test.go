package mariadb_test

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/rigs/engine"
	"github.com/totpflow/totpflow/tests/rigs/service"
	"github.com/totpflow/totpflow/tests/tools/servers"
)

// synchronous makes the primary wait, before it commits and for as long as it takes,
// until the replica has received the transaction. MariaDB calls this semi-synchronous;
// with the default timeout of ten seconds it would go on alone.
var synchronous = []string{"rpl-semi-sync-master-enabled=1", "rpl-semi-sync-master-wait-point=AFTER_SYNC", "rpl-semi-sync-master-timeout=86400000"}

func TestFailoverLosesNothing(t *testing.T) {
	kind.FailoverLosesNothing(t, func(t *testing.T, waits bool) *engine.Pair {
		if waits {
			return follow(t, synchronous...)
		}
		return follow(t)
	})
}

func TestFollowerGone(t *testing.T) { kind.FollowerGone(t, follow(t, synchronous...)) }

// follow starts a pair.
func follow(t *testing.T, settings ...string) *engine.Pair {
	primary := member(t, 1, settings...)
	second := member(t, 2, "read-only=1", "rpl-semi-sync-slave-enabled=1")
	r := replica{dial(t, second.DSN("mysql"))}
	_, err := r.Exec(`CHANGE MASTER TO master_host = '127.0.0.1', master_user = 'root', master_use_gtid = slave_pos,
master_port = ` + strconv.Itoa(primary.Port()))
	require.NoError(t, err)
	_, err = r.Exec(`START SLAVE`)
	require.NoError(t, err)

	watcher := dial(t, primary.DSN("mysql"))
	var current atomic.Pointer[servers.MariaDB] // the server that the product's name for it means now, as a proxy or DNS changes it
	current.Store(&primary)
	db := product(t, &current)
	s := sqlstore.New(db, sqlstore.MySQL)
	require.NoError(t, s.Migrate(t.Context()))
	replay, err := service.NewReplay(t.Context(), s)
	require.NoError(t, err)
	var until string
	require.NoError(t, db.QueryRow(`SELECT @@gtid_binlog_pos`).Scan(&until))
	require.NoError(t, r.done(until))
	return &engine.Pair{
		DB: db, Store: s, Replay: replay, Primary: primary,
		Waits: func() bool { return counted(t, watcher, "Rpl_semi_sync_master_wait_sessions") > 0 },
		Cut:   r.cut,
		Promote: func() error {
			defer current.Store(&second)
			return r.promote()
		},
	}
}

// member starts a server that keeps a binary log in the way that Migrate demands.
func member(t *testing.T, id int, settings ...string) servers.MariaDB {
	t.Helper()
	m, err := servers.StartMariaDB(append(settings, "server-id="+strconv.Itoa(id), "log-basename=member", "log-bin", "sync-binlog=1")...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m
}

// product connects to the current server.
func product(t *testing.T, current *atomic.Pointer[servers.MariaDB]) *sql.DB {
	t.Helper()
	config, err := mysql.ParseDSN(current.Load().DSN("mysql") + "?rejectReadOnly=true")
	require.NoError(t, err)
	config.DialFunc = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, current.Load().Addr())
	}
	connector, err := mysql.NewConnector(config)
	require.NoError(t, err)
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	t.Cleanup(func() { _ = db.Close() }) // a pool with a server that is gone
	return db
}

// A replica is the connections to it.
type replica struct{ *sql.DB }

// done returns when the replica has applied everything up to that transaction.
func (r replica) done(until string) error {
	var late int
	err := r.QueryRow(`SELECT master_gtid_wait(?, 60)`, until).Scan(&late)
	if err == nil && late != 0 {
		err = errors.New("the replica does not get on")
	}
	return err
}

// cut keeps the replica from hearing anything more, while it stays one.
func (r replica) cut() error {
	_, err := r.Exec(`STOP SLAVE IO_THREAD`)
	return err
}

// promote lets it accept writes, once it has applied all that it has received.
func (r replica) promote() error {
	if err := r.cut(); err != nil {
		return err
	}
	received, err := r.received()
	if err != nil {
		return err
	}
	if err := r.done(received); err != nil {
		return err
	}
	for _, statement := range []string{`STOP SLAVE`, `RESET SLAVE ALL`, `SET GLOBAL read_only = 0`} {
		if _, err := r.Exec(statement); err != nil {
			return err
		}
	}
	return nil
}

// received returns the last transaction in the replica's relay log.
func (r replica) received() (string, error) {
	rows, err := r.Query(`SHOW SLAVE STATUS`)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return "", err
	}
	at := slices.Index(names, "Gtid_IO_Pos")
	if at < 0 || !rows.Next() {
		return "", errors.Join(errors.New("it is no replica"), rows.Err())
	}
	values := make([]sql.RawBytes, len(names))
	into := make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		return "", err
	}
	return string(values[at]), nil
}
