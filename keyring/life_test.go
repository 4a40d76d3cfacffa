package keyring_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/keyring"
)

// artifact is what a ring sealed and signed at some time of its life.
type artifact struct {
	key, suite  string
	n           string
	sealed, tag []byte
}

// FuzzLife drives a ring through rotation, retirement, epochs and exchanged suites, and
// checks after each step that exactly those artifacts open whose key is still there, and
// exactly those are fresh that the newest key made.
func FuzzLife(f *testing.F) {
	f.Add([]byte{0, 1, 0, 1, 2, 0, 3, 0, 4, 0, 2, 2, 2})
	f.Add([]byte{0, 4, 0, 4, 0, 1, 4, 0, 2})
	f.Add([]byte{1, 1, 1, 1, 0, 2, 2, 2, 2, 2, 0, 3})
	f.Fuzz(func(t *testing.T, script []byte) {
		text := keyring.Generate()
		epoch := uint32(1)
		var made []artifact
		for i, op := range script[:min(len(script), 40)] {
			var err error
			ids := mustParse(t, text).IDs()
			suite := strings.Split(text, ":")[1]
			switch op % 5 {
			case 0:
				r, n := mustParse(t, text), strconv.Itoa(i)
				made = append(made, artifact{ids[0], suite, n, r.Seal("p", []byte(n), n), r.MAC("p", n)})
			case 1:
				if len(ids) < 32 {
					text, err = keyring.Rotate(text)
				}
			case 2:
				if last := len(ids) - 1; last > 0 {
					text, err = keyring.Retire(text, ids[last])
				}
			case 3:
				text, err = keyring.RaiseEpoch(text)
				epoch++
			case 4:
				other := map[string]string{"aes-256-gcm": "xchacha20-poly1305", "xchacha20-poly1305": "aes-256-gcm"}
				text = withSuite(text, other[suite])
			}
			require.NoError(t, err)
			checkLife(t, mustParse(t, text), strings.Split(text, ":")[1], made)
			require.Equal(t, epoch, mustParse(t, text).Epoch())
		}
	})
}

func checkLife(t *testing.T, r *keyring.Ring, suite string, made []artifact) {
	t.Helper()
	ids := r.IDs()
	for _, a := range made {
		require.Equal(t, a.key != ids[0] || a.suite != suite, r.Stale(a.sealed))
		plaintext, err := r.Open("p", a.sealed, a.n)
		macErr := r.VerifyMAC("p", a.tag, a.n)
		if strings.Contains(strings.Join(ids, " "), a.key) {
			require.NoError(t, err)
			require.Equal(t, a.n, string(plaintext))
			require.NoError(t, macErr)
			continue
		}
		require.ErrorIs(t, err, keyring.ErrUnknownKey)
		require.ErrorIs(t, macErr, keyring.ErrUnknownKey)
		require.Nil(t, plaintext)
	}
}

// One ring, many goroutines, old and new keys, subkeys derived at the same time.
func TestConcurrentUse(t *testing.T) {
	for suite, old := range both(keyring.Generate()) {
		t.Run(suite, func(t *testing.T) {
			text, err := keyring.Rotate(old)
			require.NoError(t, err)
			r, older := mustParse(t, text), mustParse(t, old)
			was, tag := older.Seal("p0", []byte("old")), older.MAC("p0", "old")
			errs := make(chan error, 128)
			var wg sync.WaitGroup
			for g := range 128 {
				wg.Add(1)
				go func() {
					defer wg.Done()
					for i := range 20 {
						errs <- concurrentRound(r, "p"+strconv.Itoa((g+i)%7), was, tag)
					}
				}()
			}
			go func() { wg.Wait(); close(errs) }()
			rounds := 0
			for err := range errs {
				require.NoError(t, err)
				rounds++
			}
			require.Equal(t, 128*20, rounds)
		})
	}
}

func concurrentRound(r *keyring.Ring, purpose string, was, tag []byte) error {
	if _, err := r.Open(purpose, r.Seal(purpose, []byte("new"), "ann"), "ann"); err != nil {
		return err
	}
	if _, err := r.Open("p0", was); err != nil {
		return err
	}
	if err := r.VerifyMAC(purpose, r.MAC(purpose, "x"), "x"); err != nil {
		return err
	}
	return r.VerifyMAC("p0", tag, "old")
}
