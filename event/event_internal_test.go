package event

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Exactly the allowed number of bytes is kept, and not one more.
func TestTrimToTheByte(t *testing.T) {
	const reason = 3 // what a long text takes besides its bytes: the flag for a new text, and its length
	for more, want := range map[int]int{0: 20, 1: 19} {
		var s state
		sum := 0
		for i := range MaxChanges {
			e := Event{Number: uint64(i + 1), At: time.Unix(0, 0), Kind: Reset}
			e.Reason = strings.Repeat("x", maxWeight/MaxChanges-reason-e.weight())
			if i == MaxChanges-1 {
				e.Reason += strings.Repeat("x", maxWeight-sum-e.weight()+more)
			}
			sum += e.weight()
			s.Events = append(s.Events, kept{Event: e})
		}
		require.Equal(t, maxWeight+more, sum)
		s.trim()
		require.Len(t, s.Events, want)
	}
}

// An attempt that is only counted may find more events than are kept, in a record that was
// read. They are dropped from the result, and not from the value.
func TestTrimLeavesTheValue(t *testing.T) {
	var s state
	for i := range MaxChanges + 1 {
		s.Events = append(s.Events, kept{Event: Event{Number: uint64(i + 1), Kind: Reset}})
	}
	a := Activity{s}
	require.False(t, CodeMalformed.Notable())
	next, _ := a.Append(Event{At: time.Unix(0, 0), Kind: CodeMalformed})
	require.Len(t, next.s.Events, MaxChanges)
	require.EqualValues(t, 2, next.s.Events[0].Number)
	require.Len(t, a.s.Events, MaxChanges+1)
	for i, e := range a.s.Events {
		require.EqualValues(t, i+1, e.Number)
	}
}
