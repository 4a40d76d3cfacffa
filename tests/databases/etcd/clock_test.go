package etcd_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store/etcdstore"
	"github.com/totpflow/totpflow/tests/rigs/clocks"
)

// The service's clock jumps, and is set to where numbers of 32 bits end: nobody gets in
// who should not, and everybody does when it is right again.
func TestClocks(t *testing.T) {
	seen, err := clocks.Live(t.Context(), etcdstore.New(dial(t, alone), prefix()), clocks.NewClock())
	require.NoError(t, err)
	t.Logf("etcd: %v", seen)
}
