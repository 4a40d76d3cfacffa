package otp

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/totp"
)

func oathtool(t *testing.T, key totp.Key, at time.Time, args ...string) command {
	p := key.Params()
	return command{path: program(t, "oathtool", "oathtool"), args: append([]string{
		"--base32", "--totp=" + strings.ToLower(p.Algorithm.String()), "--digits=" + strconv.Itoa(p.Digits),
		"--time-step-size=" + seconds(p) + "s", "--now=@" + strconv.FormatInt(at.Unix(), 10), key.Secret(),
	}, args...)}
}

// A hundred thousand random (secret, time, algorithm, digits, period): oathtool shows the codes of many steps in one run.
func TestOathtoolCodes(t *testing.T) {
	const runs, steps = 400, 250
	random := seeded(1)
	compared := 0
	for range runs {
		key := random.key(t)
		at := time.Unix(random.Int64N(1<<34), 0) // until the year 2514
		out := strings.Fields(oathtool(t, key, at, "--window="+strconv.Itoa(steps-1)).must(t))
		require.Len(t, out, steps)
		for i, theirs := range out {
			when := at.Add(time.Duration(i) * key.Params().Period)
			require.Equal(t, theirs, code(t, key, when), "%s %+v at %d", key.Secret(), key.Params(), when.Unix())
			step, err := key.Verify(theirs, when, key.Step(when)-1, totp.Window{})
			require.NoError(t, err)
			require.Equal(t, key.Step(when), step)
			compared++
		}
	}
	require.Equal(t, runs*steps, compared)
}

// As a verifier with a window of two steps in either direction, oathtool accepts and refuses what Verify does.
func TestOathtoolVerdicts(t *testing.T) {
	random := seeded(2)
	verdicts := map[bool]int{}
	for range 12 {
		key := random.key(t)
		at := key.Start(totp.Step(1_000_000 + random.IntN(1_000_000))).Add(time.Duration(random.IntN(15)) * time.Second)
		for off := -3; off <= 3; off++ {
			typed := code(t, key, at.Add(time.Duration(off)*key.Params().Period))
			_, ours := key.Verify(typed, at, 0, totp.Window{Past: 2, Future: 2})
			_, _, theirs := oathtool(t, key, at, "--window=2", typed).run(t)
			require.Equal(t, theirs == nil, ours == nil, "offset %d: %v, %v", off, theirs, ours)
			verdicts[ours == nil]++
		}
	}
	require.Equal(t, map[bool]int{true: 60, false: 24}, verdicts)
}
