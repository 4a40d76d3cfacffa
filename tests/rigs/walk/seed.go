package walk

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"time"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

// Script returns n random bytes, which are the same for the same seed.
func Script(seed uint64, n int) []byte {

	r, script := rand.New(rand.NewPCG(seed, 0)), make([]byte, n)
	for i := range script {
		script[i] = byte(r.Uint32())
	}
	return script
}

// replay is the environment variable of [Seeds].
const replay = "TOTPFLOW_WALK"

// Seeds returns n consecutive seeds, of which the first is random; or only the one that
// the environment variable TOTPFLOW_WALK names, to repeat a failed walk. Keys and codes
// are drawn again.
func Seeds(n int) ([]uint64, error) {
	if text, found := os.LookupEnv(replay); found {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("walk: %s: %w", replay, err)
		}
		return []uint64{seed}, nil
	}
	seeds, first := make([]uint64, n), uint64(rand.Uint32())
	for i := range seeds {
		seeds[i] = first + uint64(i)
	}
	return seeds, nil
}

// length is that of the scripts of [Many], some 150 steps.
const length = 600

// Many walks the script of each seed, one after the other, on the stores that open
// returns for it; see [Run]. It returns all the answers that occurred. An error is that
// of the first walk that goes wrong, with its seed.
func Many(ctx context.Context, seeds []uint64, open func() ([2]store.Store, error)) (Met, error) {
	met := Met{}
	for _, seed := range seeds {
		stores, err := open()
		if err != nil {
			return nil, err
		}
		clock := totptest.NewClock(time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC))
		one, err := Run(ctx, clock, stores, Script(seed, length))
		if err != nil {
			return nil, fmt.Errorf("%w; to walk it again: %s=%d", err, replay, seed)
		}
		met.Add(one)
	}
	return met, nil
}
