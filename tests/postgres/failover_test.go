package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/race"
	"github.com/totpflow/totpflow/tests/servers"
	"github.com/totpflow/totpflow/tests/service"
)

// synchronous lets the primary wait for the standby's disk before it acknowledges
// (synchronous_commit is on unless somebody says otherwise).
const synchronous = "synchronous_standby_names=*"

// The primary is killed while writers write, just after it has accepted a code,
// and its standby is promoted: there is all that was acknowledged, and the code is
// used. The standby has lost touch a moment before, so that a primary which goes on
// without it is found out; in every other round it listens to the end.
//
// The rig goes red where the primary does not wait, and the standby is behind.
func TestFailoverLosesNothing(t *testing.T) {
	rounds, acknowledged := race.Rounds(1, 20), 0
	for round := range rounds {
		require.True(t, t.Run(strconv.Itoa(round), func(t *testing.T) { // whose servers end with it
			p := follow(t, synchronous)
			p.listens = round%2 == 1
			made, lost, err := race.Crash(p.store, p, 1)
			require.NoError(t, err)
			require.Empty(t, lost)
			require.ErrorIs(t, p.replay.Again(t.Context()), totpflow.ErrAlreadyUsed)
			acknowledged += made
		}))
	}
	t.Logf("PostgreSQL, synchronous standby promoted: %d failovers, %d writes acknowledged, 0 lost, the used code refused", rounds, acknowledged)
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
	t.Logf("PostgreSQL, asynchronous standby promoted that is behind: all of %d acknowledged writes lost, the used code accepted again", acknowledged)
}

// A primary that waits for a standby that is gone acknowledges nothing, so it
// lets nobody in. The code that nobody got in with is good on the standby.
func TestStandbyGone(t *testing.T) {
	p := follow(t, synchronous)
	require.NoError(t, p.cut())
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, p.replay.Pass(ctx), store.ErrUnavailable)

	require.NoError(t, p.primary.Kill())
	require.NoError(t, p.Start())
	require.NoError(t, p.replay.Again(t.Context()))
	require.ErrorIs(t, p.replay.Again(t.Context()), totpflow.ErrAlreadyUsed)
	t.Log("PostgreSQL, synchronous standby gone: unavailable, nobody let in; once it is promoted, the code is good there once")
}

// A pair is a primary with a standby, and what a product has on whichever of them
// takes writes.
type pair struct {
	primary, standby servers.PostgreSQL
	listens          bool    // the standby, until the primary is killed
	follower         *sql.DB // of the standby
	db               *sql.DB
	store            *sqlstore.Store
	replay           *service.Replay
}

// follow starts a pair. Both know of a person who has set up and is to type a code.
func follow(t *testing.T, settings ...string) *pair {
	p := new(pair)
	var err error
	p.primary, err = servers.StartPostgreSQL(settings...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.primary.Close()) })
	p.standby, err = p.primary.Standby()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.standby.Close()) })
	p.follower = dial(t, p.standby.DSN("postgres"))
	p.level(t)

	// As the package documents it for several hosts.
	p.store, p.db = open(t, fmt.Sprintf("postgres://totpflow@%s,%s/postgres?sslmode=disable&target_session_attrs=read-write", p.primary.Addr(), p.standby.Addr()))
	p.replay, err = service.NewReplay(t.Context(), p.store)
	require.NoError(t, err)
	p.level(t)
	return p
}

// level returns when the standby has on its disk all that was written until now.
func (p *pair) level(t *testing.T) {
	t.Helper()
	db := dial(t, p.primary.DSN("postgres"))
	var until string
	require.NoError(t, db.QueryRow(`SELECT pg_current_wal_lsn()::text`).Scan(&until))
	require.Eventually(t, func() bool {
		var there bool
		row := db.QueryRow(`SELECT coalesce(bool_or(state = 'streaming' AND flush_lsn >= $1::pg_lsn), false) FROM pg_stat_replication`, until)
		return row.Scan(&there) == nil && there
	}, time.Minute, 10*time.Millisecond)
}

// cut lets the standby hear nothing any more, and stay one.
func (p *pair) cut() error {
	for _, statement := range []string{`ALTER SYSTEM SET primary_conninfo = ''`, `SELECT pg_reload_conf()`} {
		if _, err := p.follower.Exec(statement); err != nil {
			return err
		}
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		var receivers int
		err := p.follower.QueryRow(`SELECT count(*) FROM pg_stat_wal_receiver`).Scan(&receivers)
		if err != nil || receivers == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return errors.New("the standby does not let go")
		}
	}
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

// Start promotes the standby.
func (p *pair) Start() error {
	var done bool
	if err := p.follower.QueryRow(`SELECT pg_promote()`).Scan(&done); err != nil {
		return err
	}
	if !done {
		return errors.New("the standby is not promoted")
	}
	// What is idle leads to the dead server, of which it would tell first.
	p.db.SetMaxIdleConns(0)
	p.db.SetMaxIdleConns(16)
	return nil
}
