package recovery_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/recovery"
)

// The stored format, and the codes that it was made from. It stays readable for
// ever: a change of the alphabet or of the cost is another version.
func TestGolden(t *testing.T) {
	data, err := os.ReadFile("testdata/set.json")
	require.NoError(t, err)
	var golden struct {
		Codes []string        `json:"codes"`
		Set   json.RawMessage `json:"set"`
	}
	require.NoError(t, json.Unmarshal(data, &golden))
	var s recovery.Set
	require.NoError(t, json.Unmarshal(golden.Set, &s))
	require.Equal(t, string(golden.Set), encode(t, s))
	require.Len(t, golden.Codes, 10)
	require.Equal(t, 9, s.Remaining())
	require.Equal(t, "2026-03-28T07:30:15Z", s.Made().Format(time.RFC3339))
	require.Equal(t, "2026-03-28T07:31:15Z", s.Saved().Format(time.RFC3339))
	require.Equal(t, "2026-04-01T06:00:00Z", s.Used()[0].Format(time.RFC3339))
	for i, code := range golden.Codes {
		_, err := s.Redeem(made, derive(t, s, code))
		if i == 2 {
			require.ErrorIs(t, err, recovery.ErrUsed)
			continue
		}
		require.NoError(t, err, "code %d", i+1)
	}
}

func TestDecodingRefuses(t *testing.T) {
	_, s := recovery.New(made)
	good := encode(t, s)
	require.Less(t, len(good), 1<<10)
	first := strings.Index(good, `"hash":"`) + len(`"hash":"`)
	for name, bad := range map[string]string{
		"no version":       strings.Replace(good, `"v":1,`, ``, 1),
		"another version":  strings.Replace(good, `"v":1`, `"v":2`, 1),
		"an unknown field": strings.Replace(good, `"v":1`, `"v":1,"pepper":""`, 1),
		"no codes":         `{"v":1,"salt":"AAAAAAAAAAAAAAAAAAAAAQ","made":"2026-03-28T07:30:15Z","codes":[]}`,
		"eleven codes":     strings.Replace(good, `"codes":[`, `"codes":[{"hash":"`+good[first:first+43]+`"},`, 1),
		"a short hash":     good[:first] + good[first+4:],
		"a null hash":      good[:first-1] + "null" + good[first+44:],
		"a padded hash":    good[:first+43] + "=" + good[first+43:],
		"other hash bits":  good[:first+42] + next(good[first+42]) + good[first+43:],
		"a zero hash":      good[:first] + strings.Repeat("A", 43) + good[first+43:],
		"a zero salt":      strings.Replace(good, good[strings.Index(good, `"salt":"`)+8:][:22], strings.Repeat("A", 22), 1),
		"no salt":          strings.Replace(good, `"salt"`, `"made"`, 1),
		"not made":         strings.Replace(good, `"made":"2026-03-28T07:30:15Z",`, ``, 1),
		"a list":           `[]`,
		"a text":           `""`,
	} {
		was := s
		require.ErrorIs(t, json.Unmarshal([]byte(bad), &s), recovery.ErrFormat, name)
		require.Equal(t, was, s, "%s: no half-read set", name)
	}
	require.ErrorIs(t, s.UnmarshalJSON([]byte(good+good)), recovery.ErrFormat)

	second := strings.LastIndex(good, `"hash":"`) + len(`"hash":"`)
	err := s.UnmarshalJSON([]byte(good[:second] + strings.Repeat("A", 43) + good[second+43:]))
	require.ErrorContains(t, err, "code 10 has no hash")
	require.NoError(t, s.UnmarshalJSON([]byte("null")))
	require.True(t, s.IsZero(), "nothing of the set before")
}

// next is the symbol after c in base64url: for a last symbol, of which two bits
// are unused, another spelling of the same bytes.
func next(c byte) string {
	const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return base64url[strings.IndexByte(base64url, c)+1:][:1]
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"v":1,"salt":"fBIr8WJ4t9ZnSPaA-L7zKw","made":"2026-03-28T07:30:15Z","saved":"2026-03-28T07:31:15Z","codes":[{"hash":"HaqltDlY12nVYprd-q72VKVl46_KSD9pcKSzi3CPsnQ","used":"2026-04-01T06:00:00Z"}]}`))
	f.Add([]byte(`{"v":1,"salt":"AAAAAAAAAAAAAAAAAAAAAQ","made":"2026-03-28T07:30:15Z","codes":[{"hash":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s recovery.Set
		if json.Unmarshal(data, &s) != nil {
			require.True(t, s.IsZero())
			return
		}
		var back recovery.Set
		require.NoError(t, json.Unmarshal([]byte(encode(t, s)), &back))
		require.Equal(t, encode(t, s), encode(t, back))
		require.LessOrEqual(t, s.Remaining(), s.Total())
	})
}
