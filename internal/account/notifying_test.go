package account

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The claim of another process is valid for a limited time. Nobody has to wait for a
// process that died, or for a claim that a clock ahead has made.
func TestNotifyingIsHeld(t *testing.T) {
	const age = 2 * time.Minute
	for name, c := range map[string]struct {
		n    Notifying
		held bool
	}{
		"nobody's":               {Notifying{}, false},
		"its own":                {Notifying{7, at}, false},
		"another's":              {Notifying{8, at}, true},
		"almost over":            {Notifying{8, at.Add(-age + time.Millisecond)}, true},
		"over":                   {Notifying{8, at.Add(-age)}, false},
		"of a clock a bit ahead": {Notifying{8, at.Add(30 * time.Second)}, true},
		"of a clock far ahead":   {Notifying{8, at.Add(time.Hour)}, false},
	} {
		require.Equal(t, c.held, c.n.HeldBesides(7, at, age), name)
	}
}
