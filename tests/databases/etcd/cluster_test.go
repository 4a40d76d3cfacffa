package etcd_test

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/etcdstore"
	"github.com/totpflow/totpflow/tests/rigs/race"
	"github.com/totpflow/totpflow/tests/tools/servers"
	"github.com/totpflow/totpflow/totptest"
)

// patience is how long a cluster may take on a busy machine, and try how long one call
// may: the member that received it may be the one that is gone.
const patience, try = 2 * time.Minute, 3 * time.Second

// calm are the settings of a cluster that loses no member: a late heartbeat is no reason
// to elect another leader, which would end calls under way.
var calm = []string{"unsafe-no-fsync", "heartbeat-interval=1000", "election-timeout=20000"}

// leader returns the index of the member that leads.
func leader(t *testing.T, members []servers.Etcd) int {
	t.Helper()
	found := -1
	require.Eventually(t, func() bool {
		for i, m := range members {
			ctx, cancel := context.WithTimeout(t.Context(), try)
			status, err := dial(t, m).Status(ctx, m.Addr())
			cancel()
			if err == nil && status.Leader == status.Header.MemberId {
				found = i
				return true
			}
		}
		return false
	}, patience, 50*time.Millisecond)
	return found
}

// One of three members, even the leader, is killed while writing goes on. Every member
// knows the writes that were acknowledged before, meanwhile and after.
func TestWritingGoesOn(t *testing.T) {
	members := begin(t, 3)
	s := etcdstore.New(dial(t, members...), "")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var (
		over  sync.WaitGroup
		mu    sync.Mutex
		made  = make(map[store.AccountID]store.Version)
		count atomic.Int64
	)
	for writer := range 8 {
		over.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				rec := *race.Counter(uint64(n))
				rec.ID, rec.Version = store.AccountID{Tenant: strconv.Itoa(writer), User: strconv.Itoa(n)}, store.NewVersion()
				short, cancel := context.WithTimeout(ctx, try)
				err := s.Put(short, rec, store.Version{})
				cancel()
				if err != nil {
					if errors.Is(err, store.ErrConflict) {
						t.Errorf("a conflict over a new record: %v", err)
					}
					continue
				}
				mu.Lock()
				made[rec.ID] = rec.Version
				mu.Unlock()
				count.Add(1)
			}
		})
	}
	more := func() {
		before := count.Load()
		require.Eventually(t, func() bool { return count.Load() >= before+50 }, patience, time.Millisecond)
	}
	more()
	for range race.Rounds(1, 5) {
		victim := members[leader(t, members)]
		require.NoError(t, victim.Kill())
		more()
		require.NoError(t, victim.Start())
		more()
	}
	stop()
	over.Wait()

	for _, m := range members {
		alone := etcdstore.New(dial(t, m), "")
		found := make(map[store.AccountID]store.Version)
		q := store.Query{AllTenants: true, Limit: store.MaxLimit}
		for {
			page, err := alone.List(t.Context(), q)
			require.NoError(t, err)
			for _, rec := range page.Records {
				found[rec.ID] = rec.Version
			}
			if page.Next == "" {
				break
			}
			q.Cursor = page.Next
		}
		for id, version := range made {
			require.Equal(t, version, found[id], "%v at member %s", id, m.Addr())
		}
	}
	t.Logf("etcd, members killed: %d writes acknowledged, 0 lost", len(made))
}

// A leader that was frozen does not know that the others have gone on without it. It is
// asked before it can learn that, and must not answer with what it knows: a used code
// would be valid again. Serializable reads beside those of the store show that it would.
// Whether they do depends on the member, so the rounds are repeated until one does.
func TestOldLeader(t *testing.T) { oldLeader(t, begin) }

func oldLeader(t *testing.T, begin starter) {
	members := begin(t, 3, "unsafe-no-fsync")
	everybody := etcdstore.New(dial(t, members...), "")
	var old atomic.Int64
	for round := 0; round < 2 || old.Load() == 0 && round < 20; round++ {
		at := leader(t, members)
		client := dial(t, members[at])
		s := etcdstore.New(client, "")
		require.Eventually(t, func() bool { return race.Step(t.Context(), s) == nil }, patience, time.Millisecond)
		before := steps(t, s)

		require.NoError(t, members[at].Pause())
		require.Eventually(t, func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), try)
			defer cancel()
			return race.Step(ctx, everybody) == nil
		}, patience, time.Millisecond)

		ctx, cancel := context.WithTimeout(t.Context(), patience)
		var over sync.WaitGroup
		for range 20 {
			over.Go(func() {
				if rec, err := s.Get(ctx, race.Alice); err == nil && race.Count(rec) <= before {
					t.Errorf("read %d after more was acknowledged", before)
				}
			})
			over.Go(func() {
				found, err := client.Get(ctx, "totpflow/account\x00acme\x00alice", clientv3.WithSerializable())
				if err == nil && binary.BigEndian.Uint64(found.Kvs[0].Value[len(found.Kvs[0].Value)-8:]) == before {
					old.Add(1)
				}
			})
		}
		require.NoError(t, members[at].Resume())
		over.Wait()
		cancel()
	}
	require.NotZero(t, old.Load())
	t.Logf("%d serializable reads were old", old.Load())
}

// Without a majority nobody gets an answer, whichever member is asked.
func TestNoMajority(t *testing.T) {
	members := begin(t, 3, "unsafe-no-fsync")
	s := etcdstore.New(dial(t, members...), "")
	last := etcdstore.New(dial(t, members[2]), "")
	require.NoError(t, race.Step(t.Context(), s))
	require.NoError(t, members[0].Pause())
	require.NoError(t, members[1].Pause())
	requireSilent(t, last)
	requireSilent(t, s)

	// Once the last one knows that there is no leader, it says so at once.
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return errors.Is(last.Delete(ctx, race.Alice, store.NewVersion()), rpctypes.ErrNoLeader)
	}, patience, time.Millisecond)

	require.NoError(t, members[0].Resume())
	require.NoError(t, members[1].Resume())
	require.Eventually(t, func() bool { return race.Step(t.Context(), s) == nil }, patience, time.Millisecond)
	require.NoError(t, s.Check(t.Context()))
	require.GreaterOrEqual(t, steps(t, last), uint64(2))
}

// A code is accepted and the leader dies at once. The others know that it is used.
func TestFailoverReplay(t *testing.T) { failoverReplay(t, begin) }

func failoverReplay(t *testing.T, begin starter) {
	members := begin(t, 3)
	s, clock := etcdstore.New(dial(t, members...), ""), totptest.NewClock(time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC))
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	mfa, err := totpflow.New(totpflow.Config{
		Issuer: "Acme Backup", Store: s, Keys: keys, Now: clock.Now,
		Policy: policy.Fixed{Mode: policy.Required}, Observer: event.Slog(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	ana := totpflow.User{ID: totpflow.AccountID{User: "42"}, Name: "ana@acme.example"}
	next, err := mfa.SignIn(t.Context(), ana)
	require.NoError(t, err)
	page, err := mfa.BeginEnrollment(t.Context(), next.Challenge)
	require.NoError(t, err)
	phone, err := totptest.ScanURI(page.Offer.URI(), clock)
	require.NoError(t, err)
	_, err = mfa.ConfirmEnrollment(t.Context(), page.Token, phone.Code())
	require.NoError(t, err)

	victim := members[leader(t, members)]
	next, err = mfa.SignIn(t.Context(), ana)
	require.NoError(t, err)
	code := phone.Code()
	passed, err := mfa.VerifyCode(t.Context(), next.Challenge, code)
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, passed.Step)
	require.NoError(t, victim.Kill())

	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), try)
		defer cancel()
		next, err := mfa.SignIn(ctx, ana)
		if err == nil {
			next, err = mfa.VerifyCode(ctx, next.Challenge, code)
		}
		require.Empty(t, next.ID.User)
		if errors.Is(err, store.ErrUnavailable) {
			return false // until there is a new leader
		}
		require.ErrorIs(t, err, totpflow.ErrAlreadyUsed)
		return true
	}, patience, time.Millisecond)
}
