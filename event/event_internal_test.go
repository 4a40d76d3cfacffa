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
