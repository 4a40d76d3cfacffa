package event_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/wire/wiretest"
)

// some returns an activity with every field set.
func some() event.Activity {
	var a event.Activity
	source := event.Source{Address: "192.0.2.1", UserAgent: "Mozilla/5.0"}
	a, _ = a.Append(event.Event{At: start, User: "u1", Kind: event.SignedIn, Method: "totp", Source: source})
	a, _ = a.Append(event.Event{At: start, User: "u1", Kind: event.RecoveryUsed, Reason: "phone lost", Authenticator: "a1", Browser: "b1", Actor: "admin", Action: "reset", Remaining: 9, Source: source})
	a, _ = a.Append(event.Event{At: start.AddDate(0, 0, 1), User: "u1", Kind: event.Throttled, Until: start.AddDate(0, 0, 1).Add(time.Hour), Source: source})
	a, _ = a.Append(event.Event{At: start, Kind: "passkey_bound"})
	return a
}

// The stored format. A change to these files is a change to every stored account: it
// requires another format.
func TestGolden(t *testing.T) {
	a := some()
	require.Equal(t, a, wiretest.Golden(t, "testdata/activity", &a))
	wiretest.Strict(t, &a)
	wiretest.Strict(t, &event.Activity{})
}

// Each kind of this release is stored as a number: its word would take a dozen bytes.
func TestKindsAreNumbered(t *testing.T) {
	for _, k := range event.Kinds() {
		var a event.Activity
		a, _ = a.Append(event.Event{At: start, Kind: k})
		require.NotContains(t, encode(t, a), string(k))
	}
}

// The numbers of the kinds are stored: an activity of all of them decodes as it was.
func TestGoldenKinds(t *testing.T) {
	var a event.Activity
	for i, k := range event.Kinds() {
		a, _ = a.Append(event.Event{At: start.AddDate(0, 0, i/20), Kind: k})
	}
	require.Equal(t, a, wiretest.Golden(t, "testdata/kinds", &a))
}

// An event written by hand: the fields that follow its number.
func bare(parts ...any) []any {
	at := uint64(2*start.UnixMilli() + 1)
	return append([]any{uint64(1), at}, parts...)
}

// activity returns an activity of events and days written by hand, with the last number.
func activity(last uint64, events [][]any, days ...any) []byte {
	all := []any{last, uint64(len(events))}
	for _, e := range events {
		all = append(all, e...)
	}
	return wiretest.Raw(append(append(all, uint64(len(days)/3)), days...)...)
}

func TestDecodingRefuses(t *testing.T) {
	const (
		renamed = uint64(4)
		none    = uint64(0) // no field, no word
		method  = uint64(1)
		reason  = uint64(32)
		pending = uint64(1 << 10)
	)
	plain := bare(renamed, none)
	today := int(start.Unix() / (24 * 60 * 60))
	for name, c := range map[string]struct {
		raw  []byte
		good bool
	}{
		"nothing ever":           {activity(0, nil), true},
		"an event":               {activity(1, [][]any{plain}), true},
		"a word of the kind":     {activity(1, [][]any{bare(uint64(0), uint64(1), "passkey_bound", none)}), true},
		"a method":               {activity(1, [][]any{bare(renamed, method, uint64(1), "totp")}), true},
		"a text twice":           {activity(1, [][]any{bare(renamed, method|reason, uint64(1), "totp", uint64(2))}), true},
		"a day":                  {activity(1, nil, today, uint64(1), uint64(7)), true},
		"the first day":          {activity(1, nil, -719_162, uint64(1), uint64(7)), true},
		"the last day":           {activity(1, nil, 2_932_896, uint64(1), uint64(7)), true},
		"a pending event":        {activity(1, [][]any{bare(renamed, pending)}), true},
		"a number twice":         {activity(2, [][]any{plain, append([]any{uint64(0)}, plain[1:]...)}), false},
		"a number from ahead":    {activity(1, [][]any{append([]any{uint64(2)}, plain[1:]...)}), false},
		"the second from ahead":  {activity(2, [][]any{plain, append([]any{uint64(2)}, plain[1:]...)}), false},
		"an event of none":       {activity(0, [][]any{plain}), false},
		"no such kind":           {activity(1, [][]any{bare(uint64(len(event.Kinds())+1), none)}), false},
		"a kind by two names":    {activity(1, [][]any{bare(uint64(0), uint64(1), "signed_in", none)}), false},
		"a long kind":            {activity(1, [][]any{bare(uint64(0), uint64(1), strings.Repeat("k", 33), none)}), false},
		"an unknown field":       {activity(1, [][]any{bare(renamed, uint64(1<<11))}), false},
		"a field without a text": {activity(1, [][]any{bare(renamed, method, none)}), false},
		"a text spelled twice":   {activity(1, [][]any{bare(renamed, method|reason, uint64(1), "totp", uint64(1), "totp")}), false},
		"a text from ahead":      {activity(1, [][]any{bare(renamed, method, uint64(2))}), false},
		"an empty text spelled":  {activity(1, [][]any{bare(renamed, method, uint64(1), "")}), false},
		"a long method":          {activity(1, [][]any{bare(renamed, method, uint64(1), strings.Repeat("m", 65))}), false},
		"none remaining":         {activity(1, [][]any{bare(renamed, uint64(64), 0)}), false},
		"until never":            {activity(1, [][]any{bare(renamed, uint64(512), uint64(0))}), false},
		"a day twice":            {activity(1, nil, today, uint64(1), uint64(7), 0, uint64(1), uint64(7)), false},
		"days out of order":      {activity(1, nil, today, uint64(1), uint64(7), -1, uint64(1), uint64(7)), false},
		"days around 1970":       {activity(1, nil, 0, uint64(1), uint64(7), -1, uint64(1), uint64(7)), false},
		"a day of nothing":       {activity(1, nil, today, uint64(0), []byte{}), false},
		"a count of none":        {activity(1, nil, today, uint64(1), uint64(0)), false},
		"a count of too much":    {activity(1, nil, today, uint64(1), uint64(1<<32)), false},
		"an unknown attempt":     {activity(1, nil, today, uint64(1<<14), uint64(1)), false},
		"before the first day":   {activity(1, nil, -719_163, uint64(1), uint64(7)), false},
		"after the last day":     {activity(1, nil, 2_932_897, uint64(1), uint64(7)), false},
		"the last two days":      {activity(1, nil, 2_932_895, uint64(1), uint64(7), 1, uint64(1), uint64(7)), true},
		"after it, the second":   {activity(1, nil, 2_932_895, uint64(1), uint64(7), 2, uint64(1), uint64(7)), false},
		"too many days":          {activity(1, nil, slices.Repeat([]any{1, uint64(1), uint64(1)}, 22)...), false},
		"too many events":        {activity(100, slices.Repeat([][]any{plain}, 71)), false},
		"JSON":                   {[]byte(`{"v":1}`), false},
	} {
		_, ok := wiretest.TryRead[event.Activity](t, c.raw)
		require.Equal(t, c.good, ok, name)
	}
}

// A count at its maximum stays there: it neither starts again at zero nor becomes
// unreadable.
func TestCountsEndAtTheirGreatest(t *testing.T) {
	today := int(start.Unix() / (24 * 60 * 60))
	want := int(min(uint64(math.MaxUint32), math.MaxInt)) // an int has 32 bits on some systems
	for _, stored := range []uint64{math.MaxUint32 - 1, math.MaxUint32} {
		a, ok := wiretest.TryRead[event.Activity](t, activity(1, nil, today, uint64(1), stored))
		require.True(t, ok)
		a, _ = a.Append(event.Event{At: start, Kind: event.SignedIn})
		require.Equal(t, want, reread(t, a).Attempts()[0].Counts[event.SignedIn])
	}
}

// The weight of an event is never less than its bytes in a record. Otherwise the fullest
// record would not fit its store. If the event is as long as possible, the two are equal.
func TestWeight(t *testing.T) {
	end := time.Date(9999, time.December, 31, 23, 59, 59, 999_000_000, time.UTC)
	long := func(fill string) string { return strings.Repeat(fill, 300) }
	full := event.Event{At: end, Until: end, Kind: event.Kind(long("k")), Reason: long("r"), Method: long("m"), Authenticator: long("a"), Browser: long("b"),
		Actor: long("A"), Action: long("c"), Remaining: math.MinInt, Source: event.Source{Address: long("d"), UserAgent: long("u")}}
	before := wiretest.Read[event.Activity](t, activity(math.MaxUint64-1, nil))
	a, e := before.Append(full)
	require.Equal(t, event.Weight(e), len(encode(t, a))-len(encode(t, before)))

	// A field that is not set weighs nothing, and a length of 127 is the last that takes
	// one byte. All of the events have an action, since the weight counts two bytes for
	// the bits of the fields, and those of the first seven fit into one.
	word := event.Kind(strings.Repeat("k", 32))
	for name, e := range map[string]event.Event{
		"the least":    {At: end, Kind: word, Action: "a"},
		"a reason":     {At: end, Kind: word, Action: "a", Reason: "r"},
		"remaining":    {At: end, Kind: word, Action: "a", Remaining: math.MinInt},
		"until":        {At: end, Kind: word, Action: "a", Until: end},
		"127 of actor": {At: end, Kind: word, Action: "a", Actor: strings.Repeat("A", 127)},
		"128 of actor": {At: end, Kind: word, Action: "a", Actor: strings.Repeat("A", 128)},
	} {
		a, e := before.Append(e)
		require.Equal(t, event.Weight(e), len(encode(t, a))-len(encode(t, before)), name)
	}

	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		text := func() string {
			return strings.Repeat(string(rune('a'+random.IntN(3))), random.IntN(4)*random.IntN(70))
		}
		var a event.Activity
		weight := 0
		for range event.MaxPending {
			when := time.UnixMilli(random.Int64N(end.UnixMilli()))
			next, e := a.Append(event.Event{At: when, Until: []time.Time{{}, when}[random.IntN(2)], Kind: event.Kind(text()), Reason: text(), Method: text(),
				Authenticator: text(), Browser: text(), Actor: text(), Action: text(), Remaining: random.Int() >> random.IntN(64),
				Source: event.Source{Address: text(), UserAgent: text()}})
			a, weight = next, weight+event.Weight(e)
			require.LessOrEqual(t, len(encode(t, a)), weight+len(encode(t, event.Activity{}))+2)
		}
	}
}

// A decoded activity is bounded, and it can be written and read again, whatever
// happens next.
func FuzzDecode(f *testing.F) {
	var a event.Activity
	for i, kind := range event.Kinds() {
		a, _ = a.Append(event.Event{At: start.Add(time.Duration(i) * time.Hour), Kind: kind, Reason: fmt.Sprint(i % 3)})
	}
	f.Add([]byte(encode(f, a)))
	f.Add([]byte(encode(f, a.AllAcknowledged())))
	f.Add([]byte(encode(f, some())))
	f.Add(activity(math.MaxUint64, nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, ok := wiretest.TryRead[event.Activity](t, data)
		if !ok || got.Last() == math.MaxUint64 { // no account has so many
			return
		}
		next, e := got.Append(event.Event{At: start, Kind: event.PolicySet})
		require.Equal(t, got.Last()+1, e.Number)
		require.LessOrEqual(t, len(waiting(next, "acme", "u1")), event.MaxPending)
		require.LessOrEqual(t, len(next.Changes()), event.MaxChanges)
		require.LessOrEqual(t, len(next.Attempts()), event.MaxDays)
		reread(t, next.AllAcknowledged())
	})
}
