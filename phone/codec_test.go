package phone_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/phone"
)

// A golden file is a state of the day when it was written, with the keys and the
// code that its MAC was made from. Those files are never rewritten: records of
// that day have to be read for ever.
type golden struct {
	Keys  string          `json:"keys"`
	For   string          `json:"for"`  // the challenge, or the ID of the pending number
	Code  string          `json:"code"` // sent at 2026-01-02T03:04:05Z
	State json.RawMessage `json:"state"`
}

func readGolden(t testing.TB, name string) golden {
	data, err := os.ReadFile(filepath.Join("testdata", "v1", name+".json"))
	require.NoError(t, err)
	var g golden
	require.NoError(t, json.Unmarshal(data, &g))
	return g
}

func TestGoldenStates(t *testing.T) {
	at := time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)
	for _, name := range []string{"zero", "sign-in", "pending", "spent"} {
		t.Run(name, func(t *testing.T) {
			g := readGolden(t, name)
			s, err := phone.Decode(g.State)
			require.NoError(t, err)
			require.Equal(t, string(g.State), string(s.Encode()))
			verify := s.Verify
			switch name {
			case "zero":
				require.True(t, s.IsZero())
				return
			case "pending":
				verify = s.VerifyPending
			case "spent":
				_, _, err := s.Verify(at, mustRing(g.Keys), g.For, "000000")
				require.Equal(t, at.Add(10*time.Minute), wait(t, at, err).Until)
				return
			}
			_, _, err = verify(at, mustRing(g.Keys), g.For, wrong(g.Code))
			require.ErrorIs(t, err, phone.ErrRejected)
			next, p, err := verify(at, mustRing(g.Keys), g.For, g.Code)
			require.NoError(t, err)
			require.Equal(t, "+436601234512", p.Number.E164())
			require.Equal(t, at, p.Used)
			require.Len(t, next.Phones(), map[string]int{"sign-in": 2, "pending": 1}[name])
		})
	}
}

// The most that an account can hold.
func TestEncodedSize(t *testing.T) {
	longest := 0
	for _, limit := range []phone.Limit{{N: 64, Per: 366 * day}, {N: 1_000_000, Per: 366 * day}} {
		s := with(t, noon, mustNumber("+881612345678901"), mustNumber("+881612345678902"))
		s, _, err := s.Add(noon, mustNumber("+881612345678903"))
		require.NoError(t, err)
		at, challenge, m := noon, strings.Repeat("c", 1000), phone.Message{}
		for range 60 {
			at = at.Add(5 * day).Add(time.Second)
			s, m, err = s.Send(at, keys, s.Phones()[0].ID, phone.Voice, challenge, limit)
			require.NoError(t, err)
		}
		for range 4 {
			s, _, err = s.Verify(at, keys, challenge, wrong(m.Code.Digits()))
			require.ErrorIs(t, err, phone.ErrRejected)
		}
		s, _, err = s.Add(at, mustNumber("+881612345678903"))
		require.NoError(t, err)
		longest = max(longest, len(reread(t, s).Encode()))
	}
	t.Logf("%d bytes", longest)
	require.LessOrEqual(t, longest, 2<<10)

	s := with(t, noon, mobile)
	many := phone.Limit{N: 1000, Per: day}
	for range 64 - 1 {
		var err error
		s, _, err = s.Send(noon, keys, s.Phones()[0].ID, phone.SMS, "c", many)
		require.NoError(t, err)
	}
	require.ErrorIs(t, s.MaySend(noon, many), phone.ErrLimit, "of each limit 64 count at most")
}

func TestDecodeRefuses(t *testing.T) {
	signIn, pending, spent := string(readGolden(t, "sign-in").State), string(readGolden(t, "pending").State), string(readGolden(t, "spent").State)
	swap := func(in, was, is string) string {
		out := strings.Replace(in, was, is, 1)
		require.NotEqual(t, in, out, "nothing was replaced: %s", was)
		return out
	}
	set := func(in, field, text string) string {
		out := regexp.MustCompile(`"`+field+`":"[^"]*"`).ReplaceAllString(in, `"`+field+`":"`+text+`"`)
		require.NotEqual(t, in, out, "nothing was replaced: %s", field)
		return out
	}
	code := func(s string) string {
		_, behind, _ := strings.Cut(s, `"code":{`)
		inside, _, _ := strings.Cut(behind, `}`)
		return inside
	}
	for name, data := range map[string]string{
		"nothing":                     ``,
		"null":                        `null`,
		"an empty object":             `{}`,
		"a list":                      `[]`,
		"half of it":                  signIn[:len(signIn)/2],
		"something behind":            signIn + `{}`,
		"a line behind":               signIn + "\n",
		"another version":             swap(signIn, `"v":1`, `"v":2`),
		"no version":                  swap(signIn, `"v":1,`, ``),
		"an unknown field":            swap(signIn, `"v":1`, `"v":1,"locked":true`),
		"an unknown field inside":     swap(signIn, `"added"`, `"barred":true,"added"`),
		"another spelling":            swap(signIn, `"phones"`, `"Phones"`),
		"a space":                     swap(signIn, `"v":1`, `"v": 1`),
		"a field twice":               swap(signIn, `"v":1`, `"v":1,"v":1`),
		"a number that is none":       swap(signIn, `"+436601234512"`, `"+43"`),
		"a number spelled":            swap(signIn, `"+436601234512"`, `"+43 6601234512"`),
		"a number twice":              swap(signIn, `"+447700900123"`, `"+436601234512"`),
		"an ID twice":                 swap(signIn, `"id":"ID1"`, `"id":"ID2"`),
		"no ID":                       swap(signIn, `"id":"ID1"`, `"id":""`),
		"a phone never added":         swap(signIn, `"added":1767236645`, `"added":0`),
		"a pending number twice":      swap(signIn, `"code":`, `"pending":{"id":"ID3","number":"+447700900123","began":1},"code":`),
		"a pending ID twice":          swap(signIn, `"code":`, `"pending":{"id":"ID1","number":"+447700900456","began":1},"code":`),
		"a pending number without ID": swap(pending, `"id":"ID1"`, `"id":""`),
		"a pending number undated":    swap(pending, `"began":1767323045`, `"began":0`),
		"four phones": swap(signIn, `],"code"`, `,{"id":"ID3","number":"+447700900456","added":1,"used":1},`+
			`{"id":"ID4","number":"+447700900789","added":1,"used":1}],"code"`),
		"a pending number too many": swap(signIn, `],"code"`, `,{"id":"ID3","number":"+447700900456","added":1,"used":1}],`+
			`"pending":{"id":"ID4","number":"+447700900789","began":1},"code"`),
		"a code for nobody":            swap(signIn, `"to":"ID2"`, `"to":"ID3"`),
		"a code for no one":            swap(signIn, `"to":"ID2"`, `"to":""`),
		"a code without its challenge": set(signIn, "challenge", ""),
		"a sign-in without challenge":  signIn[:strings.Index(signIn, `"challenge"`)] + signIn[strings.Index(signIn, `"via"`):],
		"a short challenge":            set(signIn, "challenge", "A"),
		"a challenge to add":           swap(pending, `"via"`, `"challenge":"0123456789012345678901","via"`),
		"a code by fax":                swap(signIn, `"via":"sms"`, `"via":"fax"`),
		"a code never sent":            swap(signIn, `"sent":1767323045`, `"sent":0`),
		"a short MAC":                  set(signIn, "mac", "AAAA"),
		"a MAC that is none":           set(signIn, "mac", "*"),
		"negative tries":               swap(signIn, `"wrong":2`, `"wrong":-2`),
		"six tries":                    swap(spent, `"wrong":5`, `"wrong":6`),
		"tries undated":                swap(spent, `,"last":1767323045`, ``),
		"a date of no tries":           swap(spent, `"wrong":5,`, ``),
		"a live code after five tries": swap(signIn, `"wrong":2`, `"wrong":5`),
		"no sends but their version":   swap(signIn, `"sends":{"v":1`, `"sends":{"v":2`),
		"sends without any":            `{"v":1,"sends":{"v":1}}`,
		"a text for a time":            swap(signIn, `"sent":1767323045`, `"sent":"2026-01-02T03:04:05Z"`),
		"the code of another state":    swap(pending, code(pending), code(signIn)),
	} {
		s, err := phone.Decode([]byte(data))
		require.ErrorIs(t, err, phone.ErrEncoding, name)
		require.Equal(t, phone.State{}, s, name)
		require.NotContains(t, err.Error(), "6601234512", name)
	}
	_, err := phone.Decode([]byte(swap(signIn, `"v":1`, `"v":2`)))
	require.ErrorContains(t, err, "version 2", "an operator who went back to an older program has to see why")
}

// A number that is refused today may have been let in by an earlier version: the
// account stays readable, and its phone can be taken away.
func TestDecodeWhatWasAccepted(t *testing.T) {
	const old = "+4407700900123"
	_, err := phone.ParseNumber(old)
	require.ErrorIs(t, err, phone.ErrNumber)
	data := strings.Replace(string(readGolden(t, "sign-in").State), "+447700900123", old, 1)
	s, err := phone.Decode([]byte(data))
	require.NoError(t, err)
	require.Equal(t, data, string(s.Encode()))
	require.Equal(t, old, s.Phones()[0].Number.E164())
	_, err = s.Remove(s.Phones()[0].ID)
	require.NoError(t, err)
}

// Whatever is accepted is written back byte for byte, and can be worked with.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{"zero", "sign-in", "pending", "spent"} {
		f.Add([]byte(readGolden(f, name).State))
	}
	f.Add([]byte(`{"v":1,"sends":{"v":1,"log":[1099511627776,1]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := phone.Decode(data)
		if err != nil {
			require.ErrorIs(t, err, phone.ErrEncoding)
			require.Equal(t, phone.State{}, s)
			return
		}
		require.Equal(t, string(data), string(s.Encode()))
		_, _, err = s.Verify(noon, keys, "c", "123456")
		require.Error(t, err)
		for _, p := range s.Phones() {
			next, _, err := s.Send(noon, keys, p.ID, phone.SMS, "c", free...)
			if err == nil {
				reread(t, next)
			}
		}
		reread(t, s.Expire(noon))
		reread(t, s.Cancel())
		reread(t, s.Clear())
	})
}
