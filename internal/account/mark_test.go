package account

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// A mark has one spelling, and one that was cut is not a mark.
func TestMarkText(t *testing.T) {
	text, err := json.Marshal(Mark{1, 2, 3})
	require.NoError(t, err)
	require.Equal(t, `"AQIDAAAAAAAAAAAAAAAAAA"`, string(text))
	require.Equal(t, `"`+Mark{1, 2, 3}.String()+`"`, string(text))
	var m Mark
	require.NoError(t, json.Unmarshal(text, &m))
	require.Equal(t, Mark{1, 2, 3}, m)
	for _, bad := range []string{`""`, `"AQID"`, `"AQIDAAAAAAAAAAAAAAAAAB"`, `"AQIDAAAAAAAAAAAA\nAAAAAA"`, `"*QIDAAAAAAAAAAAAAAAAAA"`, `12`} {
		require.Error(t, json.Unmarshal([]byte(bad), &m), bad)
	}
}
