package postgres_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/tests/race"
)

// The connection breaks off, or goes silent, anywhere in a verification:
// before the write has left, or when only its acknowledgement is lost. One code
// is never good twice, and nobody is told that it is who did not write.
//
// The rig goes red on a store that takes no answer for a good one.
func TestCutAnywhere(t *testing.T) {
	dsn := database(t)
	s, _ := open(t, dsn)
	require.NoError(t, step(t.Context(), s))
	cable, err := race.NewCable(server.Addr())
	require.NoError(t, err)
	defer cable.Close()
	through := strings.Replace(dsn, server.Addr(), cable.Addr(), 1)

	apart := race.Rounds(5, 1) // bytes from one cut to the next
	cuts, err := race.Cut(s, cable, opener(honest), through, apart)
	t.Logf("PostgreSQL, cut anywhere: %d cuts, %d bytes from one to the next", cuts, apart)
	require.NoError(t, err)
	require.Greater(t, cuts, 100)

	_, err = race.Cut(s, cable, opener(func(db *sql.DB) store.Store { return race.Hopeful{Store: honest(db)} }), through, 5)
	require.Error(t, err)
}
