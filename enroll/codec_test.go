package enroll_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/totp"
)

// golden makes one enrollment of each state the same way as on the day when the
// files in testdata/v1 were written. Those files are never rewritten: records of
// that day have to be read for ever.
func golden(t testing.TB) map[string]enroll.Enrollment {
	at := noon.Add(time.Millisecond)
	active := add(t, enrolled(t, noon.Add(-time.Hour), keyA), noon.Add(-time.Hour), key8, "Büro & <Handy> 🔑")
	active, _, err := active.Verify(noon, code(t, keyA, noon), totp.Standard())
	require.NoError(t, err)
	removed, err := add(t, active, at, keyB, "").Remove(at, active.Authenticators()[0].ID)
	require.NoError(t, err)
	replacing, _, err := removed.Begin(at, keyC, "Tablet", true)
	require.NoError(t, err)
	reset, err := active.Reset(at)
	require.NoError(t, err)
	disabled, err := active.Disable(at)
	require.NoError(t, err)
	exempt, err := active.Exempt(at)
	require.NoError(t, err)
	imported, _, err := enroll.Enrollment{}.Import(at, keyA, "Old system", time.Time{})
	require.NoError(t, err)
	weak, _, err := imported.Import(at, weakKey, "Old token", at.Add(30*24*time.Hour))
	require.NoError(t, err)
	alone, _, err := enroll.Enrollment{}.Import(at, weakKey, "", at.Add(time.Hour))
	require.NoError(t, err)
	return map[string]enroll.Enrollment{
		"weak":          weak,
		"lapsed":        alone.Expire(at.Add(time.Hour)),
		"zero":          {},
		"disabled":      disabled,
		"pending":       begin(t, enroll.Enrollment{}, at, keyA),
		"active":        active,
		"replacing":     replacing,
		"reset":         reset,
		"reset-offered": begin(t, reset, at, keyD),
		"exempt":        exempt,
		"imported":      imported,
	}
}

var randomID = regexp.MustCompile(`"id":"[A-Z2-7]{26}"`)

// withFixedIDs numbers the random IDs as they appear.
func withFixedIDs(data []byte) string {
	n := 0
	return randomID.ReplaceAllStringFunc(string(data), func(string) string {
		n++
		return fmt.Sprintf(`"id":"ID%d"`, n)
	})
}

func TestGoldenFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/v1/*.json")
	require.NoError(t, err)
	want := golden(t)
	require.Len(t, files, len(want))
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			frozen := strings.TrimSuffix(string(data), "\n")
			e, err := enroll.Decode([]byte(frozen))
			require.NoError(t, err)
			require.Equal(t, frozen, string(e.Encode()))
			require.Equal(t, frozen, withFixedIDs(want[name].Encode()))
			requireSame(t, want[name], e)
		})
	}
}

// requireSame compares what the methods tell, but for the IDs.
func requireSame(t *testing.T, want, got enroll.Enrollment) {
	require.Equal(t, want.State(noon), got.State(noon))
	require.Equal(t, want.ResetAt(), got.ResetAt())
	require.Len(t, got.Authenticators(), len(want.Authenticators()))
	for i, w := range want.Authenticators() {
		g := got.Authenticators()[i]
		require.True(t, w.Key.Equal(g.Key))
		w.ID, g.ID, w.Key, g.Key = "", "", totp.Key{}, totp.Key{}
		require.Equal(t, w, g)
	}
	w, wantFound := want.Candidate(noon)
	g, gotFound := got.Candidate(noon)
	require.Equal(t, wantFound, gotFound)
	if wantFound {
		require.True(t, w.Key.Equal(g.Key))
		w.ID, g.ID, w.Key, g.Key = "", "", totp.Key{}, totp.Key{}
		require.Equal(t, w, g)
	}
}

// A code that was used before the value was stored is used after it was read.
func TestStepsSurviveTheEncoding(t *testing.T) {
	e := golden(t)["replacing"]
	e, err := enroll.Decode(e.Encode())
	require.NoError(t, err)
	_, _, err = e.Verify(noon, code(t, keyB, noon), totp.Standard())
	require.ErrorIs(t, err, totp.ErrAlreadyUsed)
	e, c, err := e.Begin(noon, keyA, "", false) // removed a moment ago
	require.NoError(t, err)
	_, _, err = e.Confirm(noon, c.ID, code(t, keyA, noon), totp.Standard())
	require.ErrorIs(t, err, totp.ErrAlreadyUsed)
}

func TestDecodeRefuses(t *testing.T) {
	replacing := string(golden(t)["replacing"].Encode())
	active := string(golden(t)["active"].Encode())
	reset := string(golden(t)["reset"].Encode())
	disabled := string(golden(t)["disabled"].Encode())
	_, kept, _ := strings.Cut(disabled, `"kept":[`)
	kept, _, _ = strings.Cut(kept, `],`)
	swap := func(s, old, to string) string {
		require.Contains(t, s, old)
		return strings.Replace(s, old, to, 1)
	}
	ids := randomID.FindAllString(replacing, -1)
	require.Len(t, ids, 4, "two that are live, a candidate, one that is kept")
	uri := func(k totp.Key) string {
		u, err := k.URI(totp.Label{Account: "totpflow"})
		require.NoError(t, err)
		quoted, err := json.Marshal(u)
		require.NoError(t, err)
		return string(quoted)
	}
	tests := map[string]string{
		"nothing":                    ``,
		"null":                       `null`,
		"an empty object":            `{}`,
		"a list":                     `[]`,
		"a text":                     `"disabled"`,
		"half of it":                 active[:len(active)/2],
		"something behind":           active + `{}`,
		"a line behind":              active + "\n",
		"an older version":           swap(active, `"v":1`, `"v":0`),
		"a newer version":            swap(active, `"v":1`, `"v":2`),
		"no version":                 swap(active, `"v":1,`, ``),
		"a field of a newer version": swap(active, `"v":1`, `"v":1,"locked":true`),
		"an unknown field inside":    swap(active, `"last"`, `"weight":1,"last"`),
		"an unknown state":           swap(active, `"active"`, `"suspended"`),
		"a state in capitals":        swap(active, `"active"`, `"Active"`),
		"no state":                   swap(active, `"state":"active",`, ``),
		"another spelling":           swap(active, `"state"`, `"State"`),
		"a field twice":              swap(active, `"v":1`, `"v":1,"v":1`),
		"a space":                    swap(active, `"v":1`, `"v": 1`),
		"live but disabled":          swap(active, `"active"`, `"disabled"`),
		"live but pending":           swap(replacing, `"replacing"`, `"pending"`),
		"live but reset":             swap(active, `"active"`, `"reset-pending"`),
		"a candidate but active":     swap(replacing, `"replacing"`, `"active"`),
		"none but replacing":         swap(active, `"active"`, `"replacing"`),
		"active without any":         `{"v":1,"state":"active"}`,
		"pending without candidate":  `{"v":1,"state":"pending"}`,
		"reset without time":         `{"v":1,"state":"reset-pending"}`,
		"disabled with reset":        swap(reset, `"reset-pending"`, `"disabled"`),
		"an id twice":                swap(replacing, ids[0], ids[1]),
		"the candidate's id is live": swap(replacing, ids[2], ids[0]),
		"an empty id":                swap(active, randomID.FindString(active), `"id":""`),
		"a candidate without id":     swap(replacing, ids[2], `"id":""`),
		"a secret twice":             swap(replacing, uri(key8), uri(keyB)),
		"the candidate is live":      swap(replacing, uri(keyC), uri(keyB)),
		"a secret too short":         swap(active, keyA.Secret(), "MZXW6YTB"),
		"no secret":                  swap(active, uri(keyA), `""`),
		"another label":              swap(active, `/totpflow?`, `/somebody?`),
		"a counter, not a time":      swap(active, `otpauth://totp/`, `otpauth://hotp/`),
		"nine digits":                swap(active, `digits=8`, `digits=9`),
		"a negative step":            swap(active, `"last":`, `"last":-`),
		"live but exempt":            swap(active, `"active"`, `"exempt"`),
		"a candidate but exempt":     swap(string(golden(t)["pending"].Encode()), `"pending"`, `"exempt"`),
		"kept but exempt":            swap(disabled, `"disabled"`, `"exempt"`),
		"kept but reset":             swap(reset, `"retired"`, `"kept":[`+kept+`],"retired"`),
		"kept and live":              swap(replacing, ids[3], ids[0]),
		"kept and a candidate":       swap(replacing, ids[3], ids[2]),
		"kept without id":            swap(replacing, ids[3], `"id":""`),
		"a negative kept step":       swap(disabled, `"last":`, `"last":-`),
		"kept without a time":        swap(disabled, `,"until":`, `,"till":`),
		"kept without a secret":      swap(disabled, uri(keyA), `""`),
		"a negative retired step":    swap(replacing, `"retired":[{"uri":`+uri(keyA)+`,"last":`, `"retired":[{"uri":`+uri(keyA)+`,"last":-`),
		"a step that is no integer":  swap(active, `"last":`, `"last":0.5e1`),
		"a step beyond 64 bits":      swap(active, `"last":`, `"last":99999999999999999999`),
		"a weak one without an end":  swap(active, keyA.Secret(), weakKey.Secret()),
		"a strong one with an end":   swap(active, `"used":`, `"weak_until":1,"used":`),
		"a weak candidate":           swap(string(golden(t)["pending"].Encode()), keyA.Secret(), weakKey.Secret()),
		"a weak one kept for ever":   swap(disabled, keyA.Secret(), weakKey.Secret()),
		"lapsed but active":          swap(active, `]}`, `],"lapsed":true}`),
		"a time as text":             swap(reset, `"reset":`, `"reset":"2025-06-01T12:00:00Z","x":`),
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			e, err := enroll.Decode([]byte(data))
			require.ErrorIs(t, err, enroll.ErrEncoding)
			require.Equal(t, enroll.Enrollment{}, e)
			for _, k := range []totp.Key{keyA, keyB, keyC, key8} {
				require.NotContains(t, err.Error(), k.Secret())
			}
		})
	}
}

// An operator who goes back to an older program has to see that this is why.
func TestDecodeNamesTheVersion(t *testing.T) {
	_, err := enroll.Decode([]byte(`{"v":2,"state":"disabled"}`))
	require.ErrorContains(t, err, "version 2")
}

// More authenticators than the limit are of no use to anybody but a guesser.
func TestDecodeHoldsTheLimits(t *testing.T) {
	full := string(enrolled(t, noon, keyA, keyB, keyC, keyD, keyE).Encode())
	more := string(enrolled(t, noon, keyF).Encode())
	_, one, _ := strings.Cut(more, `"authenticators":[`)
	one, _, _ = strings.Cut(one, `]`)
	six := strings.Replace(full, `]`, `,`+one+`]`, 1)
	_, err := enroll.Decode([]byte(six))
	require.ErrorIs(t, err, enroll.ErrEncoding)
	require.ErrorContains(t, err, "too many")

	kept, err := enrolled(t, noon, keyA, keyB, keyC, keyD, keyE).Disable(noon)
	require.NoError(t, err)
	one = strings.TrimSuffix(one, "}") + `,"until":1}`
	_, err = enroll.Decode([]byte(strings.Replace(string(kept.Encode()), `"kept":[`, `"kept":[`+one+`,`, 1)))
	require.ErrorContains(t, err, "too many")

	adding := begin(t, enrolled(t, noon, keyA, keyB, keyC, keyD, keyE), noon, keyF)
	data := strings.Replace(string(adding.Encode()), `}}`, `,"adds":true}}`, 1)
	_, err = enroll.Decode([]byte(data))
	require.ErrorContains(t, err, "cannot be added")
}

// Whatever is accepted is written back byte for byte, and can be worked with.
func FuzzDecode(f *testing.F) {
	for _, e := range golden(f) {
		f.Add(e.Encode())
	}
	f.Add([]byte(`{"v":1,"state":"disabled","x":1}`))
	f.Add([]byte(`{"v":2,"state":"disabled"}`))
	f.Add([]byte(`{"v":1,"state":"reset-pending","reset":-1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := enroll.Decode(data)
		if err != nil {
			require.ErrorIs(t, err, enroll.ErrEncoding)
			require.Equal(t, enroll.Enrollment{}, e)
			return
		}
		require.Equal(t, string(data), string(e.Encode()))
		_, _, err = e.Verify(noon, "123456", totp.Standard())
		if len(e.Authenticators()) == 0 {
			require.ErrorIs(t, err, enroll.ErrNone)
		}
		reset, err := e.Reset(noon)
		require.NoError(t, err)
		_, err = enroll.Decode(reset.Encode())
		require.NoError(t, err)
	})
}
