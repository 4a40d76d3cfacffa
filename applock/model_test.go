package applock_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/applock"
)

// The model of a vault: the time until which it is open, and the contents of the disk.
type model struct {
	open    bool
	touched time.Time
	disk    string
}

func (m *model) settle(at time.Time) bool {
	if idle := at.Sub(m.touched); idle >= options.Idle || idle < -30*time.Second {
		m.open = false
	}
	return m.open
}

// walk drives a vault and its model; after each step they must agree, and the program may
// be closed and started again after any of them.
func walk(t testing.TB, script []byte) map[string]int {
	v, err := applock.New(noon, options, value, []byte("0"))
	require.NoError(t, err)
	m, at, seen := model{true, noon, "0"}, noon, map[string]int{}
	for i, b := range script {
		arg := time.Duration(b >> 3)
		switch b & 7 {
		case 0:
			err, m.open, m.touched = v.Open(at, value), true, at
			require.NoError(t, err)
		case 1:
			require.ErrorIs(t, v.Open(at, another), applock.ErrValue)
			m.open = false
		case 2:
			v.Lock()
			m.open = false
		case 3:
			err := v.Touch(at)
			require.Equal(t, m.settle(at), err == nil)
			if err == nil && at.After(m.touched) {
				m.touched = at
			}
		case 4:
			next := string([]byte{'a' + byte(i%26), 'a' + byte(arg)%26})
			file, err := v.Update(at, []byte(next))
			require.Equal(t, m.settle(at), err == nil)
			if err == nil {
				m.disk = next
				require.Equal(t, file, v.Encode())
			}
		case 5:
			v, err = applock.Decode(v.Encode(), options)
			require.NoError(t, err)
			m.open = false
		case 6:
			at = at.Add(arg * 30 * time.Second)
		case 7:
			at = at.Add(-arg * 2 * time.Second)
		}
		want := m.settle(at)
		require.Equal(t, want, v.State(at) == applock.Unlocked, "step %d", i)
		got, err := v.Content(at)
		if want {
			require.NoError(t, err)
			require.Equal(t, m.disk, string(got))
			require.Equal(t, m.touched.Add(options.Idle), v.LocksAt())
			seen["unlocked"]++
		} else {
			require.ErrorIs(t, err, applock.ErrLocked)
			require.Nil(t, got)
			require.True(t, v.LocksAt().IsZero())
			seen["locked"]++
		}
	}
	return seen
}

func TestVaultAgreesWithTheModel(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 15))
		script := make([]byte, 300)
		for i := range script {
			script[i] = byte(random.Uint32())
		}
		seen := walk(t, script)
		require.Greater(t, min(seen["locked"], seen["unlocked"]), 30)
	}
}

func FuzzVault(f *testing.F) {
	f.Add([]byte{0x04, 0x02, 0x00, 0x05, 0x00})       // update, lock, open, restart, open
	f.Add([]byte{0x9e, 0x03, 0x9e, 0x9e, 0x03, 0x00}) // touched in time, then not
	f.Add([]byte{0x87, 0x03, 0x87, 0x87, 0x04})       // the clock goes back
	f.Add([]byte{0x01, 0x03, 0x04, 0x00, 0x04, 0x05, 0x00})
	f.Fuzz(func(t *testing.T, script []byte) {
		walk(t, script[:min(len(script), 300)])
	})
}
