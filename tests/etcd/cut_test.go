package etcd_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/etcdstore"
	"github.com/totpflow/totpflow/tests/race"
)

// The connection breaks off anywhere in a verification: before the write has
// left, or when only its acknowledgement is lost. One code is never good twice,
// and nobody is told that it is who did not write.
//
// The rig goes red on a store that takes no answer for a good one. race.Cut would
// take too long here: a client of etcd waits for a connection until the context
// ends.
func TestCutAnywhere(t *testing.T) {
	cuts, err := cutting(t, func(s store.Store) store.Store { return s })
	t.Logf("etcd, cut anywhere: %d cuts", cuts)
	require.NoError(t, err)
	require.Greater(t, cuts, 20)

	_, err = cutting(t, func(s store.Store) store.Store { return hopeful{s} })
	require.Error(t, err)
}

func cutting(t *testing.T, wrap func(store.Store) store.Store) (cuts int, err error) {
	p := prefix()
	s := etcdstore.New(dial(t, alone), p)
	cable, err := race.NewCable(alone.Addr())
	require.NoError(t, err)
	defer cable.Close()
	code := uint64(0)
	for _, answers := range []bool{false, true} {
		for after := 0; ; after += 17 {
			code++
			client, err := connect([]string{cable.Addr()})
			require.NoError(t, err)
			through := wrap(etcdstore.New(client, p))
			_, err = through.List(t.Context(), store.Query{}) // the connection is there
			require.NoError(t, err)

			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			fault := cable.Arm(race.Fault{Answers: answers}, after)
			go func() {
				select {
				case <-fault:
					time.AfterFunc(50*time.Millisecond, cancel) // the client tries to connect again, until then
				case <-ctx.Done():
				}
			}()
			first := use(ctx, through, code)
			cancel()
			come := cable.Heal()
			require.NoError(t, client.Close())
			second := use(t.Context(), s, code)
			switch {
			case first == nil && !errors.Is(second, errUsed), first != nil && second != nil && !errors.Is(second, errUsed):
				return cuts, fmt.Errorf("after %d bytes: first %w, then %w", after, first, second)
			case first != nil && !errors.Is(first, store.ErrUnavailable):
				return cuts, fmt.Errorf("after %d bytes: %w", after, first)
			case steps(t, s) != code:
				return cuts, fmt.Errorf("after %d bytes: code %d was used, and %d is stored", after, code, steps(t, s))
			}
			if !come {
				break
			}
			cuts++
		}
	}
	return cuts, nil
}

var errUsed = errors.New("already used")

// use accepts a code that is newer than the last one.
func use(ctx context.Context, s store.Store, code uint64) error {
	return store.Update(ctx, s, alice, func(was store.Record, _ bool) (*store.Record, error) {
		if race.Count(was) >= code {
			return nil, errUsed
		}
		return race.Counter(code), nil
	})
}

// hopeful is a store whose writes always succeed.
type hopeful struct{ store.Store }

func (h hopeful) Put(ctx context.Context, rec store.Record, was store.Version) error {
	_ = h.Store.Put(ctx, rec, was)
	return nil
}
