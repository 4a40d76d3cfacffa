package etcd_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/etcdstore"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// The connection breaks off, or goes silent, anywhere in a verification: before the write
// was sent, or when only its acknowledgement is lost. One code is never accepted twice,
// and no call succeeds that did not write.
//
// The rig fails on a store that takes a missing answer for success. A client of etcd
// sends much before its request, and takes long to connect, so the steps are large.
func TestCutAnywhere(t *testing.T) {
	p := prefix()
	s := etcdstore.New(dial(t, alone), p)
	require.NoError(t, race.Step(t.Context(), s))
	cable, err := race.NewCable(alone.Addr())
	require.NoError(t, err)
	defer cable.Close()

	apart := race.Rounds(17, 1) // bytes from one cut to the next
	cuts, err := race.Cut(s, cable, honest, cable.Addr()+" "+p, apart)
	t.Logf("etcd, cut anywhere: %d cuts, %d bytes from one to the next", cuts, apart)
	require.NoError(t, err)
	require.Greater(t, cuts, 40)

	_, err = race.Cut(s, cable, func(where string) (store.Store, func() error, error) {
		s, shut, err := honest(where)
		return race.Hopeful{Store: s}, shut, err
	}, cable.Addr()+" "+p, 17)
	require.Error(t, err)
}
