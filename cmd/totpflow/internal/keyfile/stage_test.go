package keyfile_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/cmd/totpflow/internal/keyfile"
	"github.com/totpflow/totpflow/keyring"
)

func parse(t *testing.T, text string) *keyring.Ring {
	t.Helper()
	ring, err := keyring.Parse(text)
	require.NoError(t, err)
	return ring
}

// A rotation without a pause: at no step does a process with the ring of the step before,
// or of the step after, meet a record that it cannot open.
func TestStageAndPromote(t *testing.T) {
	for keys := 1; keys < 6; keys++ {
		before := keyring.Generate()
		for range keys - 1 {
			var err error
			before, err = keyring.Rotate(before)
			require.NoError(t, err)
		}
		staged, id, err := keyfile.Stage(before + "\n")
		require.NoError(t, err)
		promoted, err := keyfile.Promote(staged, id)
		require.NoError(t, err)

		b, s, p := parse(t, before), parse(t, staged), parse(t, promoted)
		require.Equal(t, b.IDs()[0], s.IDs()[0], "the new key seals nothing yet")
		require.Equal(t, id, s.IDs()[1])
		require.Equal(t, append([]string{id}, b.IDs()...), p.IDs())
		for _, sealer := range []*keyring.Ring{b, s} {
			_, err = b.Open("x", sealer.Seal("x", nil))
			require.NoError(t, err)
		}
		for _, sealer := range []*keyring.Ring{b, s, p} {
			_, err = s.Open("x", sealer.Seal("x", nil))
			require.NoError(t, err)
			_, err = p.Open("x", sealer.Seal("x", nil))
			require.NoError(t, err)
		}
		again, err := keyfile.Promote(promoted, id)
		require.NoError(t, err)
		require.Equal(t, promoted, again)
	}
}

func TestStageRefuses(t *testing.T) {
	_, _, err := keyfile.Stage("nonsense")
	require.ErrorIs(t, err, keyring.ErrMalformed)
	_, err = keyfile.Promote("nonsense", "00000000")
	require.ErrorIs(t, err, keyring.ErrMalformed)
	ring := keyring.Generate()
	for _, id := range []string{"", "00000000", parse(t, ring).IDs()[0][:7], parse(t, ring).IDs()[0] + "."} {
		_, err = keyfile.Promote(ring, id)
		require.ErrorIs(t, err, keyring.ErrUnknownKey, "%q", id)
		require.NotContains(t, err.Error(), strings.Split(ring, ".")[1])
	}
}
