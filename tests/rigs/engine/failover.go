package engine

import (
	"context"
	"database/sql"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/rigs/race"
	"github.com/totpflow/totpflow/tests/rigs/service"
)

// A Pair is a primary, a server that follows it, and a product's connection to whichever
// of them accepts writes.
type Pair struct {
	DB     *sql.DB // the product's
	Store  *sqlstore.Store
	Replay *service.Replay // a person who has set up and is about to type a code; both servers know the account

	Primary race.Server
	Waits   func() bool  // whether a write on the primary waits for the follower
	Cut     func() error // keeps the follower from hearing anything more, while it stays one
	Promote func() error // makes it accept writes

	listens bool // the follower, until the primary is killed
}

// Kill has the primary accept the code, and kills it.
func (p *Pair) Kill() error {
	if err := p.Replay.Pass(context.Background()); err != nil {
		return err
	}
	if !p.listens {
		if err := p.Cut(); err != nil {
			return err
		}
	}
	return p.Primary.Kill()
}

// Start promotes the follower.
func (p *Pair) Start() error {
	if err := p.Promote(); err != nil {
		return err
	}
	// Idle connections lead to the dead server, so the first calls would fail.
	p.DB.SetMaxIdleConns(0)
	p.DB.SetMaxIdleConns(16)
	return nil
}

// FailoverLosesNothing kills the primary while writers write, just after it has accepted
// a code, and promotes its follower: every acknowledged write is there, and the code is
// used. The follower was cut off a moment before, so that a primary which goes on without
// it is detected; in every other round it listens to the end. follow starts a pair whose
// primary waits for the follower, or not.
//
// The rig fails if the primary does not wait and the follower is behind.
func (e Engine) FailoverLosesNothing(t *testing.T, follow func(t *testing.T, waits bool) *Pair) {
	rounds, acknowledged := race.Rounds(1, 20), 0
	for round := range rounds {
		require.True(t, t.Run(strconv.Itoa(round), func(t *testing.T) { // its servers end with it
			p := follow(t, true)
			p.listens = round%2 == 1
			made, lost, err := race.Crash(p.Store, p, 1)
			require.NoError(t, err)
			require.Empty(t, lost)
			require.ErrorIs(t, p.Replay.Again(t.Context()), totpflow.ErrAlreadyUsed)
			acknowledged += made
		}))
	}
	t.Logf("%s, synchronous replication: %d failovers, %d writes acknowledged, 0 lost, the used code refused", e.Name, rounds, acknowledged)
	require.Greater(t, acknowledged, rounds)

	p := follow(t, false)
	require.NoError(t, p.Cut())
	acknowledged, lost, err := race.Crash(p.Store, p, 1)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(lost), acknowledged) // the counters too
	for _, loss := range lost {
		require.Contains(t, loss, store.ErrNotFound.Error())
	}
	require.NoError(t, p.Replay.Again(t.Context()), "the used code is valid once more")
	t.Logf("%s, asynchronous replication, behind: all of %d acknowledged writes lost, the used code accepted again", e.Name, acknowledged)
}

// FollowerGone checks that a primary whose follower is gone, but which waits for it,
// acknowledges nothing, and so lets nobody in. The code that nobody got in with is still
// valid on the follower.
func (e Engine) FollowerGone(t *testing.T, p *Pair) {
	require.NoError(t, p.Cut())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- p.Replay.Pass(ctx) }()
	require.Eventually(t, p.Waits, time.Minute, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-done, store.ErrUnavailable)

	require.NoError(t, p.Primary.Kill())
	require.NoError(t, p.Start())
	require.NoError(t, p.Replay.Again(t.Context()))
	require.ErrorIs(t, p.Replay.Again(t.Context()), totpflow.ErrAlreadyUsed)
	t.Logf("%s, the follower gone: unavailable, nobody let in; once it is promoted, the code works there once", e.Name)
}
