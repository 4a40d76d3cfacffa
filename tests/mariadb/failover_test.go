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
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/race"
	"github.com/totpflow/totpflow/tests/servers"
	"github.com/totpflow/totpflow/tests/service"
)

// synchronous lets the primary wait, before it commits and for as long as it
// takes, until the replica has received the transaction. MariaDB calls that
// semi-synchronous; without the timeout, of ten seconds, it goes on alone.
var synchronous = []string{"rpl-semi-sync-master-enabled=1", "rpl-semi-sync-master-wait-point=AFTER_SYNC", "rpl-semi-sync-master-timeout=86400000"}

// The primary is killed while writers write, just after it has accepted a code,
// and its replica is promoted: there is all that was acknowledged, and the code is
// used. The replica has lost touch a moment before, so that a primary which goes on
// without it is found out; in every other round it listens to the end.
//
// The rig goes red where the primary does not wait, and the replica is behind.
func TestFailoverLosesNothing(t *testing.T) {
	rounds, acknowledged := race.Rounds(1, 20), 0
	for round := range rounds {
		require.True(t, t.Run(strconv.Itoa(round), func(t *testing.T) { // whose servers end with it
			p := follow(t, synchronous...)
			p.listens = round%2 == 1
			made, lost, err := race.Crash(p.store, p, 1)
			require.NoError(t, err)
			require.Empty(t, lost)
			require.ErrorIs(t, p.replay.Again(t.Context()), totpflow.ErrAlreadyUsed)
			acknowledged += made
		}))
	}
	t.Logf("MariaDB, semi-synchronous replica promoted: %d failovers, %d writes acknowledged, 0 lost, the used code refused", rounds, acknowledged)
	require.Greater(t, acknowledged, rounds)

	p := follow(t)
	require.NoError(t, p.cut())
	acknowledged, lost, err := race.Crash(p.store, p, 1)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(lost), acknowledged) // the counters too
	for _, loss := range lost {
		require.Contains(t, loss, store.ErrNotFound.Error())
	}
	require.NoError(t, p.replay.Again(t.Context()), "the used code is good once more")
	t.Logf("MariaDB, asynchronous replica promoted that is behind: all of %d acknowledged writes lost, the used code accepted again", acknowledged)
}

// A primary that waits for a replica that is gone acknowledges nothing, so it
// lets nobody in. The code that nobody got in with is good on the replica.
func TestReplicaGone(t *testing.T) {
	p := follow(t, synchronous...)
	require.NoError(t, p.cut())
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, p.replay.Pass(ctx), store.ErrUnavailable)

	require.NoError(t, p.primary.Kill())
	require.NoError(t, p.Start())
	require.NoError(t, p.replay.Again(t.Context()))
	require.ErrorIs(t, p.replay.Again(t.Context()), totpflow.ErrAlreadyUsed)
	t.Log("MariaDB, semi-synchronous replica gone: unavailable, nobody let in; once it is promoted, the code is good there once")
}

// A pair is a primary with a replica, and what a product has on whichever of them
// takes writes.
type pair struct {
	primary, replica servers.MariaDB
	listens          bool    // the replica, until the primary is killed
	follower         *sql.DB // of the replica

	current atomic.Pointer[servers.MariaDB] // whom the product's name for it means, as a proxy or DNS changes it
	db      *sql.DB
	store   *sqlstore.Store
	replay  *service.Replay
}

// follow starts a pair. Both know of a person who has set up and is to type a code.
func follow(t *testing.T, settings ...string) *pair {
	p := new(pair)
	p.primary = member(t, 1, settings...)
	p.replica = member(t, 2, "read-only=1", "rpl-semi-sync-slave-enabled=1")
	p.follower = dial(t, p.replica.DSN("mysql"))
	_, err := p.follower.Exec(`CHANGE MASTER TO master_host = '127.0.0.1', master_user = 'root', master_use_gtid = slave_pos,
master_port = ` + strconv.Itoa(p.primary.Port()))
	require.NoError(t, err)
	_, err = p.follower.Exec(`START SLAVE`)
	require.NoError(t, err)

	p.current.Store(&p.primary)
	p.db = p.product(t)
	p.store = sqlstore.New(p.db, sqlstore.MySQL)
	require.NoError(t, p.store.Migrate(t.Context()))
	p.replay, err = service.NewReplay(t.Context(), p.store)
	require.NoError(t, err)
	p.level(t)
	return p
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
func (p *pair) product(t *testing.T) *sql.DB {
	t.Helper()
	config, err := mysql.ParseDSN(p.primary.DSN("mysql") + "?rejectReadOnly=true")
	require.NoError(t, err)
	config.DialFunc = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, p.current.Load().Addr())
	}
	connector, err := mysql.NewConnector(config)
	require.NoError(t, err)
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	t.Cleanup(func() { _ = db.Close() }) // one of whose servers is gone
	return db
}

// level returns when the replica has done all that was written until now.
func (p *pair) level(t *testing.T) {
	t.Helper()
	var until string
	require.NoError(t, p.db.QueryRow(`SELECT @@gtid_binlog_pos`).Scan(&until))
	require.NoError(t, p.done(until))
}

// done returns when the replica has got as far as to that transaction.
func (p *pair) done(until string) error {
	var late int
	err := p.follower.QueryRow(`SELECT master_gtid_wait(?, 60)`, until).Scan(&late)
	if err == nil && late != 0 {
		err = errors.New("the replica does not get on")
	}
	return err
}

// cut lets the replica hear nothing any more, and stay one.
func (p *pair) cut() error {
	_, err := p.follower.Exec(`STOP SLAVE IO_THREAD`)
	return err
}

// Kill has the primary accept the code, and kills it.
func (p *pair) Kill() error {
	if err := p.replay.Pass(context.Background()); err != nil {
		return err
	}
	if !p.listens {
		if err := p.cut(); err != nil {
			return err
		}
	}
	return p.primary.Kill()
}

// Start promotes the replica, once it has done all that it has received.
func (p *pair) Start() error {
	if err := p.cut(); err != nil {
		return err
	}
	received, err := p.received()
	if err != nil {
		return err
	}
	if err := p.done(received); err != nil {
		return err
	}
	for _, statement := range []string{`STOP SLAVE`, `RESET SLAVE ALL`, `SET GLOBAL read_only = 0`} {
		if _, err := p.follower.Exec(statement); err != nil {
			return err
		}
	}
	p.current.Store(&p.replica)
	// What is idle leads to the dead server, of which it would tell first.
	p.db.SetMaxIdleConns(0)
	p.db.SetMaxIdleConns(16)
	return nil
}

// received is the last transaction in the replica's relay log.
func (p *pair) received() (string, error) {
	rows, err := p.follower.Query(`SHOW SLAVE STATUS`)
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
