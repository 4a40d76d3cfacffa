package enroll_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/internal/wire/wiretest"
	"github.com/totpflow/totpflow/totp"
)

// golden makes one enrollment of each state, the same way in every run but for
// the random IDs.
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

var randomID = regexp.MustCompile(`"id": "[A-Z2-7]{26}"`)

// withFixedIDs numbers the random IDs of a view as they appear.
func withFixedIDs(view string) string {
	n := 0
	return randomID.ReplaceAllStringFunc(view, func(string) string {
		n++
		return fmt.Sprintf(`"id": "ID%d"`, n)
	})
}

// The stored format. A change to these files is a change to every stored account: it
// requires another format.
func TestGoldenFiles(t *testing.T) {
	want := golden(t)
	for name, e := range want {
		t.Run(name, func(t *testing.T) {
			got := wiretest.Golden(t, filepath.Join("testdata", name), &e)
			require.Equal(t, withFixedIDs(wiretest.View(t, &e)), withFixedIDs(wiretest.View(t, &got)))
			requireSame(t, e, got)
			wiretest.Strict(t, &e)
		})
	}
	files, err := filepath.Glob(filepath.Join("testdata", "v*", "*.hex"))
	require.NoError(t, err)
	for _, file := range files {
		require.Contains(t, want, strings.TrimSuffix(filepath.Base(file), ".hex"), "a file that no test reads")
	}
}

// requireSame compares the results of the methods, except the IDs.
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

// A code that was used before the value was stored counts as used after it was read.
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

// An enrollment written by hand: the fields in their order.
type parts struct {
	state               uint64
	live, kept, retired [][]any
	candidate           []any // nil: none
	reset, lapsed       uint64
	retiredN            uint64 // the count on the wire, if it differs from the true one
}

func (p parts) raw() []byte {
	all := []any{p.state}
	list := func(items [][]any, n uint64) {
		all = append(all, max(n, uint64(len(items))))
		for _, i := range items {
			all = append(all, i...)
		}
	}
	list(p.live, 0)
	all = append(all, uint64(min(len(p.candidate), 1)))
	all = append(all, p.candidate...)
	list(p.kept, 0)
	list(p.retired, p.retiredN)
	return wiretest.Raw(append(all, p.reset, p.lapsed)...)
}

const (
	aTime = uint64(2*1748779210001 + 1)
	never = uint64(0)
	step  = uint64(58292640)
)

func keyParts(k totp.Key) []any {
	p := k.Params()
	return []any{uint64(p.Algorithm), uint64(p.Digits), uint64(p.Period / time.Second), string(rawOf(k))}
}

func liveParts(id string, k totp.Key) []any {
	until := never
	if k.Weak() {
		until = aTime
	}
	return append(append([]any{id, "Phone"}, keyParts(k)...), step, aTime, aTime, until)
}

func keptParts(id string, k totp.Key) []any { return append(liveParts(id, k), aTime) }

func retiredParts(k totp.Key) []any { return append(keyParts(k), step, aTime) }

func candidateParts(id string, k totp.Key, adds uint64) []any {
	return append(append([]any{id, "Tablet"}, keyParts(k)...), aTime, adds)
}

const (
	disabled = iota
	pending
	active
	replacing
	resetPending
	exempt
)

// one returns a record of an active account for the next cases to change.
func one() parts {
	return parts{state: active, live: [][]any{liveParts("a", keyA), liveParts("b", key8)}, kept: [][]any{keptParts("c", keyB)}, retired: [][]any{retiredParts(keyB)}}
}

func TestDecodeRefuses(t *testing.T) {
	offered := func() parts {
		p := one()
		p.state, p.candidate = replacing, candidateParts("d", keyC, 1)
		return p
	}
	full := func() (p parts) {
		p = one()
		p.live = nil
		for i, k := range []totp.Key{keyA, keyB, keyC, keyD, keyE} {
			p.live = append(p.live, liveParts(fmt.Sprint(i), k))
		}
		return p
	}
	without := func() parts { return parts{state: disabled} }
	set := func(item []any, place int, to any) { item[place] = to }
	for name, c := range map[string]struct {
		from func() parts
		edit func(*parts)
	}{
		"an unknown state":             {one, func(p *parts) { p.state = 6 }},
		"live but disabled":            {one, func(p *parts) { p.state = disabled }},
		"live but pending":             {offered, func(p *parts) { p.state = pending }},
		"live but reset":               {one, func(p *parts) { p.state, p.reset, p.kept = resetPending, aTime, nil }},
		"live but exempt":              {one, func(p *parts) { p.state, p.kept = exempt, nil }},
		"a candidate but active":       {offered, func(p *parts) { p.state = active }},
		"a candidate but disabled":     {without, func(p *parts) { p.candidate = candidateParts("d", keyC, 0) }},
		"a candidate but exempt":       {without, func(p *parts) { p.state, p.candidate = exempt, candidateParts("d", keyC, 0) }},
		"none but replacing":           {one, func(p *parts) { p.state = replacing }},
		"replacing none":               {without, func(p *parts) { p.state, p.candidate = replacing, candidateParts("d", keyC, 0) }},
		"active without any":           {without, func(p *parts) { p.state = active }},
		"pending without candidate":    {without, func(p *parts) { p.state = pending }},
		"reset without time":           {without, func(p *parts) { p.state = resetPending }},
		"disabled with reset":          {without, func(p *parts) { p.reset = aTime }},
		"kept but exempt":              {without, func(p *parts) { p.state, p.kept = exempt, one().kept }},
		"kept but reset":               {without, func(p *parts) { p.state, p.reset, p.kept = resetPending, aTime, one().kept }},
		"an id twice":                  {one, func(p *parts) { set(p.live[1], 0, "a") }},
		"the candidate's id is live":   {offered, func(p *parts) { set(p.candidate, 0, "a") }},
		"an empty id":                  {one, func(p *parts) { set(p.live[0], 0, "") }},
		"a long id":                    {one, func(p *parts) { set(p.live[0], 0, strings.Repeat("a", 65)) }},
		"a long name":                  {one, func(p *parts) { set(p.live[0], 1, strings.Repeat("a", 161)) }},
		"a candidate without id":       {offered, func(p *parts) { set(p.candidate, 0, "") }},
		"a candidate there and none":   {one, func(p *parts) { p.candidate = candidateParts("", keyC, 0) }},
		"a secret twice":               {one, func(p *parts) { p.live[1] = liveParts("b", keyA) }},
		"a secret twice, other digits": {one, func(p *parts) { p.live[1] = liveParts("b", keyA); set(p.live[1], 3, uint64(8)) }},
		"the candidate is live":        {offered, func(p *parts) { p.candidate = candidateParts("d", keyA, 1) }},
		"a secret too short":           {one, func(p *parts) { set(p.live[0], 5, "12345") }},
		"a secret too long":            {one, func(p *parts) { set(p.live[0], 5, strings.Repeat("x", 641)) }},
		"a secret of zeros":            {one, func(p *parts) { set(p.live[0], 5, string(make([]byte, 20))) }},
		"no secret":                    {one, func(p *parts) { set(p.live[0], 5, "") }},
		"another algorithm":            {one, func(p *parts) { set(p.live[0], 2, uint64(3)) }},
		"five digits":                  {one, func(p *parts) { set(p.live[0], 3, uint64(5)) }},
		"no digits":                    {one, func(p *parts) { set(p.live[0], 3, uint64(0)) }},
		"nine digits":                  {one, func(p *parts) { set(p.live[0], 3, uint64(9)) }},
		"no period":                    {one, func(p *parts) { set(p.live[0], 4, uint64(0)) }},
		"a long period":                {one, func(p *parts) { set(p.live[0], 4, uint64(121)) }},
		"a negative step":              {one, func(p *parts) { set(p.live[0], 6, uint64(1<<63)) }},
		"kept and live":                {one, func(p *parts) { set(p.kept[0], 0, "a") }},
		"kept and a candidate":         {offered, func(p *parts) { set(p.kept[0], 0, "d") }},
		"kept twice":                   {one, func(p *parts) { p.kept = append(p.kept, keptParts("c", keyD)) }},
		"kept without id":              {one, func(p *parts) { set(p.kept[0], 0, "") }},
		"kept without a secret":        {one, func(p *parts) { set(p.kept[0], 5, "") }},
		"a negative kept step":         {one, func(p *parts) { set(p.kept[0], 6, uint64(1<<63)) }},
		"a negative retired step":      {one, func(p *parts) { set(p.retired[0], 4, uint64(1<<63)) }},
		"six that are live":            {full, func(p *parts) { p.live = append(p.live, liveParts("f", keyF)) }},
		"six that are kept":            {without, func(p *parts) { p.kept = slices.Repeat(one().kept, 6) }},
		"one too many retired":         {one, func(p *parts) { p.retired = slices.Repeat(p.retired, 21) }},
		"more than there are":          {without, func(p *parts) { p.retiredN = 20 }},
		"a candidate beside none":      {without, func(p *parts) { p.state, p.candidate = pending, candidateParts("f", keyF, 1) }},
		"neither beside nor instead":   {offered, func(p *parts) { p.candidate[len(p.candidate)-1] = uint64(2) }},
		"a weak one without an end":    {one, func(p *parts) { p.live[0] = liveParts("a", weakKey); set(p.live[0], 9, never) }},
		"a strong one with an end":     {one, func(p *parts) { set(p.live[0], 9, aTime) }},
		"a weak candidate":             {offered, func(p *parts) { p.candidate = candidateParts("d", weakKey, 1) }},
		"a weak one kept for ever":     {one, func(p *parts) { p.kept[0] = keptParts("c", weakKey); set(p.kept[0], 9, never) }},
		"lapsed but active":            {one, func(p *parts) { p.lapsed = 1 }},
		"the year 10000":               {without, func(p *parts) { p.state, p.reset = resetPending, 2*253_402_300_800_000+1 }},
	} {
		t.Run(name, func(t *testing.T) {
			p := c.from()
			_, err := enroll.Decode(p.raw())
			require.NoError(t, err, "before the change")
			c.edit(&p)
			e, err := enroll.Decode(p.raw())
			require.ErrorIs(t, err, enroll.ErrEncoding)
			require.Equal(t, enroll.Enrollment{}, e)
			for _, k := range []totp.Key{keyA, keyB, keyC, key8} {
				require.NotContains(t, err.Error(), k.Secret())
				require.NotContains(t, err.Error(), string(rawOf(k)))
			}
		})
	}
	p := one()
	p.retired = slices.Repeat(p.retired, 20)
	_, err := enroll.Decode(p.raw())
	require.NoError(t, err, "twenty are as many as are remembered")
}

// The zero value comes back as itself.
func TestTheZeroEnrollmentComesBack(t *testing.T) {
	e, err := enroll.Decode(enroll.Enrollment{}.Encode())
	require.NoError(t, err)
	require.Equal(t, enroll.Enrollment{}, e)
}

// An operator who goes back to an older program must see that this is the cause.
func TestDecodeNamesTheFormat(t *testing.T) {
	_, err := enroll.Decode([]byte{9, 0})
	require.ErrorIs(t, err, enroll.ErrEncoding)
	require.ErrorContains(t, err, "format 9")
}

// An enrollment that a general encoder wrote would come back without a second
// factor.
func TestGeneralEncodersRefuse(t *testing.T) {
	e := enrolled(t, noon, keyA)
	for _, v := range []any{e, &e, struct{ Enrollment enroll.Enrollment }{e}} {
		_, err := json.Marshal(v)
		require.Error(t, err)
		require.Error(t, gob.NewEncoder(&bytes.Buffer{}).Encode(v))
	}
}

// Whatever is accepted is written back byte for byte, and can be used.
func FuzzDecode(f *testing.F) {
	for _, e := range golden(f) {
		f.Add(e.Encode())
	}
	f.Add(one().raw())
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := enroll.Decode(data)
		if err != nil {
			require.ErrorIs(t, err, enroll.ErrEncoding)
			require.Equal(t, enroll.Enrollment{}, e)
			return
		}
		wiretest.Unchanged(t, data, e.Encode())
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
