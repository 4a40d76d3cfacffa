package recovery_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/wire/wiretest"
	"github.com/totpflow/totpflow/recovery"
)

// The stored format, and the codes that it was made from. A change of the alphabet or of
// the cost is another format.
func TestGolden(t *testing.T) {
	text, err := os.ReadFile("testdata/codes.txt")
	require.NoError(t, err)
	codes := strings.Fields(string(text))
	s := wiretest.Golden[recovery.Set](t, "testdata/set", nil) // of these codes
	require.Len(t, codes, 10)
	require.Equal(t, 9, s.Remaining())
	require.Equal(t, "2026-03-28T07:30:15Z", s.Made().Format(time.RFC3339))
	require.Equal(t, "2026-03-28T07:31:15Z", s.Saved().Format(time.RFC3339))
	require.Equal(t, recovery.Summary{Left: 9, Total: 10, Made: s.Made(), Saved: s.Saved()}, s.Summary())
	require.Equal(t, "2026-04-01T06:00:00Z", s.Used()[0].Format(time.RFC3339))
	for i, code := range codes {
		_, err := s.Redeem(made, derive(t, s, code))
		if i == 2 {
			require.ErrorIs(t, err, recovery.ErrUsed)
			continue
		}
		require.NoError(t, err, "code %d", i+1)
	}
	wiretest.Strict(t, &s)
}

// Bytes that are not an encoded set are refused, and nothing of them is returned.
func TestDecodeRefuses(t *testing.T) {
	salt, hash := bytes.Repeat([]byte{1}, 16), bytes.Repeat([]byte{2}, 32)
	const never, once = uint64(0), uint64(2 * 1_774_683_015)
	_, err := recovery.Decode(wiretest.Raw(uint64(1), hash, never, salt, once+1, never))
	require.NoError(t, err)
	for name, bad := range map[string][]byte{
		"nothing":        nil,
		"eleven codes":   wiretest.Raw(uint64(11), bytes.Repeat(append(bytes.Clone(hash), 0), 11), salt, once+1, never),
		"a zero hash":    wiretest.Raw(uint64(1), make([]byte, 32), never, salt, once+1, never),
		"a zero salt":    wiretest.Raw(uint64(1), hash, never, make([]byte, 16), once+1, never),
		"not made":       wiretest.Raw(uint64(1), hash, never, salt, never, never),
		"half a hash":    wiretest.Raw(uint64(1), hash[:16]),
		"a set of none":  wiretest.Raw(uint64(0), salt, once+1, never),
		"the year 10000": wiretest.Raw(uint64(1), hash, never, salt, uint64(2*253_402_300_800+1), never),
		"JSON":           []byte(`{"v":1,"codes":[]}`),
	} {
		s, err := recovery.Decode(bad)
		require.ErrorIs(t, err, recovery.ErrFormat, name)
		require.Zero(t, s, name)
	}
}

// A set that a general encoder wrote would come back without codes.
func TestGeneralEncodersRefuse(t *testing.T) {
	_, s := recovery.New(made)
	_, err := json.Marshal(struct{ Set recovery.Set }{s})
	require.Error(t, err)
	require.Error(t, gob.NewEncoder(&bytes.Buffer{}).Encode(s))
}

func FuzzDecode(f *testing.F) {
	_, s := recovery.New(made)
	f.Add(s.Encode())
	_, s = recovery.Issue(made)
	f.Add(s.MarkSaved(made).Encode())
	f.Add(recovery.Set{}.Encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := recovery.Decode(data)
		if err != nil {
			require.ErrorIs(t, err, recovery.ErrFormat)
			require.True(t, s.IsZero())
			return
		}
		wiretest.Unchanged(t, data, s.Encode())
		require.LessOrEqual(t, s.Remaining(), s.Total())
	})
}
