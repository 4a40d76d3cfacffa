package keyring_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/keyring"
)

// The id names the key that a record is under, so that the others can go.
func TestKeyID(t *testing.T) {
	was := keyring.Generate()
	ring, err := keyring.Parse(was)
	require.NoError(t, err)
	sealed := ring.Seal("x", []byte("y"))
	id, err := keyring.KeyID(sealed)
	require.NoError(t, err)
	require.Equal(t, ring.IDs()[0], id)

	next, err := keyring.Rotate(was)
	require.NoError(t, err)
	ring, err = keyring.Parse(next)
	require.NoError(t, err)
	require.Equal(t, ring.IDs()[1], id, "the older key now")

	for _, broken := range [][]byte{nil, sealed[:5], {9, 9, 9, 9, 9, 9, 9}} {
		_, err := keyring.KeyID(broken)
		require.ErrorIs(t, err, keyring.ErrOpen)
	}
}
