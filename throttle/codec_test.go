package throttle_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/wire/wiretest"
	"github.com/totpflow/totpflow/throttle"
)

// The stored format. A change to these files is a change to every stored account: it
// requires another format.
func TestGolden(t *testing.T) {
	p := throttle.Default()
	at := time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)
	b := throttle.Budget{}.
		Fail(at, p, "first", 3).
		Fail(at.Add(3*time.Hour), p, "second", 15).
		Fail(at.Add(3*time.Hour+time.Minute), p, "third", 3).
		Fail(at.Add(9*time.Hour), p, "fourth", 1).
		Fail(at.Add(9*time.Hour+30*time.Second), p, "fourth", 1)
	b, err := b.Pair(at.Add(9*time.Hour+40*time.Second), p)
	require.NoError(t, err)
	r, err := throttle.Rate{}.Take(at, 10, time.Hour)
	require.NoError(t, err)
	r, err = r.Take(at.Add(time.Minute), 10, time.Hour)
	require.NoError(t, err)

	require.Equal(t, b, wiretest.Golden(t, "testdata/budget", &b))
	require.Equal(t, r, wiretest.Golden(t, "testdata/rate", &r))
	wiretest.Strict(t, &b)
	wiretest.Strict(t, &r)
	wiretest.Strict(t, &throttle.Budget{})
	wiretest.Strict(t, &throttle.Rate{})
}

// A budget written by hand: the fields in their order.
type parts struct {
	run, row    uint64
	last        int64
	hours       []any // pairs of distance and chances
	recent      []any // of time, chances and tag
	pairs       uint64
	since       int64
	hourN, recN uint64 // the count on the wire, if it differs from the true one
}

func (p parts) raw() []byte {
	all := []any{p.run, p.row, p.last, max(p.hourN, uint64(len(p.hours)/2))}
	all = append(append(all, p.hours...), max(p.recN, uint64(len(p.recent)/3)))
	return wiretest.Raw(append(append(all, p.recent...), p.pairs, p.since)...)
}

var someTag = []byte("0123456789ab")

// many repeats what stands for one item.
func many(n int, item ...any) (all []any) {
	for range n {
		all = append(all, item...)
	}
	return all
}

// The bounds for reading are those for writing, to the last number.
func TestDecodingBounds(t *testing.T) {
	const maxInt = 1<<63 - 1
	for name, c := range map[string]struct {
		parts
		good bool
	}{
		"nothing":               {parts{}, true},
		"the most in a row":     {parts{row: 1_000_000}, true},
		"an endless row":        {parts{row: 1_000_001}, false},
		"a run over the row":    {parts{run: 2, row: 1}, false},
		"the most pairs":        {parts{pairs: 1_000_000}, true},
		"too many pairs":        {parts{pairs: 1_000_001}, false},
		"the last time":         {parts{last: 1<<40 + 3600}, true},
		"a strange time":        {parts{last: maxInt}, false},
		"one after the last":    {parts{last: 1<<40 + 3601}, false},
		"a strange refill":      {parts{since: -maxInt - 1}, false},
		"an hour":               {parts{hours: many(1, 5, uint64(1_000_000))}, true},
		"certainty and one":     {parts{hours: many(1, 5, uint64(1_000_001))}, false},
		"an empty hour":         {parts{hours: many(1, 5, uint64(0))}, false},
		"an hour twice":         {parts{hours: []any{5, uint64(1), 0, uint64(1)}}, false},
		"hours backwards":       {parts{hours: []any{5, uint64(1), -1, uint64(1)}}, false},
		"the last hour":         {parts{hours: many(1, 305_419_896, uint64(1))}, true},
		"one more":              {parts{hours: many(1, 305_419_897, uint64(1))}, false},
		"the last hour by two":  {parts{hours: many(2, 152_709_948, uint64(1))}, true},
		"one more by two":       {parts{hours: append(many(1, 152_709_949, uint64(1)), many(1, 152_709_948, uint64(1))...)}, false},
		"a strange hour":        {parts{hours: many(1, int64(maxInt), uint64(1))}, false},
		"all hours":             {parts{hours: many(1024, 1, uint64(1))}, true},
		"an hour too many":      {parts{hours: many(1025, 1, uint64(1))}, false},
		"hours that are not":    {parts{hourN: 1024}, false},
		"all charges":           {parts{recent: many(64, 1, uint64(1), someTag)}, true},
		"a charge too many":     {parts{recent: many(65, 1, uint64(1), someTag)}, false},
		"charges that are not":  {parts{recN: 64}, false},
		"a certain charge":      {parts{recent: many(1, 1, uint64(1_000_000), someTag)}, true},
		"more than certain":     {parts{recent: many(1, 1, uint64(1_000_001), someTag)}, false},
		"a charge of nothing":   {parts{recent: many(1, 1, uint64(0), someTag)}, false},
		"a charge out of time":  {parts{recent: many(1, int64(maxInt), uint64(1), someTag)}, false},
		"a charge with no tag":  {parts{recent: many(1, 1, uint64(1), []byte{})}, false},
		"a charge, half a tag":  {parts{recent: many(1, 1, uint64(1), someTag[:6])}, false},
		"a charge in the past":  {parts{recent: many(1, -5, uint64(1), someTag)}, true},
		"an hour in the past":   {parts{hours: many(1, -5, uint64(1))}, true},
		"an hour of no history": {parts{hours: many(1, -305_419_999, uint64(1))}, false},
	} {
		b, err := throttle.DecodeBudget(c.raw())
		require.Equal(t, c.good, err == nil, "%s: %v", name, err)
		if !c.good {
			require.ErrorIs(t, err, throttle.ErrFormat, name)
			require.Zero(t, b, "%s: no half-read budget", name)
			continue
		}
		require.Equal(t, c.raw(), b.Encode(), name)
		require.Equal(t, name == "nothing", b.IsZero(), name)
	}
	for name, c := range map[string]struct {
		raw  []byte
		good bool
	}{
		"none":          {wiretest.Raw(uint64(0)), true},
		"the most":      {wiretest.Raw(append([]any{uint64(100)}, many(100, 0)...)...), true},
		"one more":      {wiretest.Raw(append([]any{uint64(101)}, many(101, 0)...)...), false},
		"before it all": {wiretest.Raw(uint64(3), int64(-1<<40), int64(-1<<40), int64(-1<<40)), false},
		"backwards":     {wiretest.Raw(uint64(2), 2, -1), false},
		"out of time":   {wiretest.Raw(uint64(1), int64(maxInt)), false},
		"missing":       {wiretest.Raw(uint64(2), 2), false},
		"one too many":  {wiretest.Raw(uint64(1), 2, 2), false},
		"JSON":          {[]byte(`{"v":1}`), false},
	} {
		r, err := throttle.DecodeRate(c.raw)
		require.Equal(t, c.good, err == nil, "%s: %v", name, err)
		if !c.good {
			require.ErrorIs(t, err, throttle.ErrFormat, name)
			require.Zero(t, r, name)
		}
	}
}

// Every single field of a stored budget counts: a reader that takes one of them for fresh
// gives guesses away.
func TestNoFieldIsFresh(t *testing.T) {
	for _, p := range []parts{
		{run: 1, row: 1}, {row: 1}, {last: 1}, {hours: many(1, 5, uint64(1))}, {recent: many(1, 1, uint64(1), someTag)}, {pairs: 1}, {since: 1},
	} {
		b, err := throttle.DecodeBudget(p.raw())
		require.NoError(t, err)
		require.False(t, b.IsZero(), p)
	}
}

// A budget that a general encoder wrote would come back fresh.
func TestGeneralEncodersRefuse(t *testing.T) {
	b := throttle.Budget{}.Fail(start, throttle.Default(), "", guess)
	r, err := throttle.Rate{}.Take(start, 1, time.Hour)
	require.NoError(t, err)
	for _, v := range []any{b, &b, r, &r, struct{ Budget throttle.Budget }{b}, struct{ Rate throttle.Rate }{r}} {
		_, err := json.Marshal(v)
		require.Error(t, err)
		require.Error(t, gob.NewEncoder(&bytes.Buffer{}).Encode(v))
	}
}

func FuzzDecode(f *testing.F) {
	p := throttle.Default()
	f.Add(throttle.Budget{}.Fail(start, p, "a", guess).Fail(start.Add(3*time.Hour), p, "b", guess).Encode())
	f.Add(parts{hours: []any{-5, uint64(1), 300, uint64(2)}}.raw())
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := throttle.DecodeBudget(data)
		if err != nil {
			require.ErrorIs(t, err, throttle.ErrFormat)
			require.True(t, b.IsZero(), "a refused budget must leave nothing")
			return
		}
		wiretest.Unchanged(t, data, b.Encode())
		_ = refusal(t, b, start, p, guess)
		_, _ = b.Pair(start, p)
		reread(t, b.Fail(start, p, "x", guess))
		reread(t, b.Succeed(start, "x"))
	})
}

func FuzzDecodeRate(f *testing.F) {
	f.Add(wiretest.Raw(uint64(2), 1767323045, 60))
	f.Add(wiretest.Raw(uint64(2), int64(-1099511627776), int64(1099511631376)))
	f.Add(wiretest.Raw(uint64(2), 2, -1))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := throttle.DecodeRate(data)
		if err != nil {
			require.True(t, r.IsZero(), "a refused rate must leave nothing")
			return
		}
		wiretest.Unchanged(t, data, r.Encode())
		for range 10 { // whatever was read, this bounds what is let through
			if r, err = r.Take(start, 10, time.Hour); err != nil {
				break
			}
		}
		_, err = r.Take(start, 10, time.Hour)
		var refused *throttle.Error
		require.ErrorAs(t, err, &refused)
		require.True(t, refused.Until.After(start))
		_, err = r.Take(refused.Until.Add(-1), 10, time.Hour)
		require.Error(t, err, "not earlier than it says")
		if refused.Until.Year() < 9999 {
			next, err := r.Take(refused.Until, 10, time.Hour)
			require.NoError(t, err, "and not later")
			require.LessOrEqual(t, len(next.Encode()), 1<<10)
		}
	})
}

// An error says what is wrong and shows nothing of the stored bytes.
func TestErrorsShowNothing(t *testing.T) {
	_, err := throttle.DecodeBudget(parts{last: 1<<63 - 1}.raw())
	require.ErrorContains(t, err, "last")
	require.False(t, strings.Contains(err.Error(), "9223372036854775807"))
}
