package event

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// full is an event with the longest number and times, and these of its other fields.
func full(fields int) Event {
	at := time.Date(2026, time.March, 28, 12, 17, 11, 250_000_000, time.UTC).Add(5 * time.Millisecond)
	e := Event{Number: math.MaxUint64, At: at}
	for i, set := range []func(){
		func() { e.Kind = Reset },
		func() { e.Reason = `talked "into" it` },
		func() { e.Method = "totp" },
		func() { e.Authenticator = "a1" },
		func() { e.Browser = "<b1>" },
		func() { e.Actor = "provider/Zoë" },
		func() { e.Action = "reset" },
		func() { e.Remaining = math.MinInt },
		func() { e.Until = at },
		func() { e.Source.Address = "192.0.2.1" },
		func() { e.Source.UserAgent = "Mozilla/5.0 & more" },
	} {
		if fields&(1<<i) != 0 {
			set()
		}
	}
	return e
}

// weight is the length of the JSON and a comma, whichever fields are set; with a
// source it counts one comma too many, and never one too few. An event that weighed
// less than it takes would let an account's record grow over the store's limit.
func TestWeight(t *testing.T) {
	for fields := range 1 << 11 {
		e := full(fields)
		data, err := json.Marshal(e)
		require.NoError(t, err)
		want := len(data) + len(",")
		if e.Source != (Source{}) {
			want++
		}
		require.Equal(t, want, e.weight(), string(data))
	}
	short := Event{Number: 1, At: time.Unix(0, 0).UTC(), Kind: RecoveryUsed, Remaining: 1}
	data, err := json.Marshal(short)
	require.NoError(t, err)
	require.Greater(t, short.weight(), len(data))
}

// Just as many bytes as are allowed are kept, and not one more.
func TestTrimToTheByte(t *testing.T) {
	for more, kept := range map[int]int{0: 20, 1: 19} {
		var s state
		sum := 0
		for i := range MaxChanges {
			e := full(0)
			e.Number, e.Kind = uint64(i+1), Reset
			e.Reason = strings.Repeat("x", maxWeight/MaxChanges-len(`,"reason":""`)-e.weight())
			if i == MaxChanges-1 {
				e.Reason += strings.Repeat("x", maxWeight-sum-e.weight()+more)
			}
			sum += e.weight()
			s.Events = append(s.Events, e)
		}
		require.Equal(t, maxWeight+more, sum)
		s.trim()
		require.Len(t, s.Events, kept)
	}
}
