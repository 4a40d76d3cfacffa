package enroll_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/totp"
)

// A secret that is removed and comes back still knows which codes were used.
func TestTheSameSecretAgainDoesNotReopenUsedSteps(t *testing.T) {
	ways := map[string]func(e enroll.Enrollment) (enroll.Enrollment, error){
		"disabled": func(e enroll.Enrollment) (enroll.Enrollment, error) { return e.Disable(noon) },
		"reset":    func(e enroll.Enrollment) (enroll.Enrollment, error) { return e.Reset(noon) },
		"removed": func(e enroll.Enrollment) (enroll.Enrollment, error) {
			return e.Remove(noon, e.Authenticators()[0].ID)
		},
		"replaced": func(e enroll.Enrollment) (enroll.Enrollment, error) {
			e, c, err := e.Begin(noon, keyC, "", false)
			require.NoError(t, err)
			e, _, err = e.Confirm(noon, c.ID, code(t, keyC, noon), totp.Standard())
			return e, err
		},
	}
	for name, end := range ways {
		t.Run(name, func(t *testing.T) {
			e := enrolled(t, noon.Add(-time.Hour), keyA, keyB)
			future := code(t, keyA, noon.Add(30*time.Second))
			e, _, err := e.Verify(noon, future, totp.Standard())
			require.NoError(t, err)
			e, err = end(e)
			require.NoError(t, err)
			e, c, err := e.Begin(noon, keyA, "", false)
			require.NoError(t, err)
			for _, used := range []string{future, code(t, keyA, noon)} {
				_, _, err = e.Confirm(noon, c.ID, used, totp.Standard())
				require.ErrorIs(t, err, totp.ErrAlreadyUsed)
			}
			at := noon.Add(time.Minute)
			e, _, err = e.Confirm(at, c.ID, code(t, keyA, at), totp.Standard())
			require.NoError(t, err, "the first fresh code is right")
			_, _, err = e.Verify(at, future, totp.Standard())
			require.ErrorIs(t, err, totp.ErrAlreadyUsed)
		})
	}
}

// A step that a window can reach ahead of the clock does not prolong the memory.
func TestTheMemoryOfAStepAhead(t *testing.T) {
	ahead := noon.Add(4 * 30 * time.Second)
	e, _, err := enrolled(t, noon.Add(-time.Hour), keyA).Verify(ahead, code(t, keyA, ahead), totp.Standard())
	require.NoError(t, err)
	e, err = e.Disable(noon)
	require.NoError(t, err)
	other := mustKey(keyA.Secret(), totp.Params{Period: time.Minute})
	_, _, err = e.Begin(noon.Add(5*time.Minute), other, "", false)
	require.NoError(t, err)
}

// With other parameters the same step numbers mean different times.
func TestTheSameSecretWithOtherParametersHasToWait(t *testing.T) {
	e, err := enrolled(t, noon, keyA).Disable(noon)
	require.NoError(t, err)
	other := mustKey(keyA.Secret(), totp.Params{Period: time.Minute})
	_, _, err = e.Begin(noon.Add(5*time.Minute-time.Millisecond), other, "", false)
	require.ErrorIs(t, err, enroll.ErrSameSecret)
	_, _, err = e.Begin(noon.Add(5*time.Minute), other, "", false)
	require.NoError(t, err)
}

// Five minutes are ten steps of thirty seconds; with 120 seconds they are two, and a
// window still reaches a used step. The worst case is a step accepted as far ahead as
// possible and tried again as late as possible.
func TestUsedStepsAreRememberedAsLongAsAWindowReaches(t *testing.T) {
	ahead, behind := totp.Window{Future: 4}, totp.Window{Past: 4}
	for _, period := range []time.Duration{15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute} {
		key := mustKey(keyA.Secret(), totp.Params{Period: period})
		begun := noon.Truncate(period)
		used := code(t, key, begun.Add(4*period))
		e, c, err := enroll.Enrollment{}.Begin(begun, key, "", false)
		require.NoError(t, err)
		e, _, err = e.Confirm(begun, c.ID, used, ahead)
		require.NoError(t, err)
		e, err = e.Disable(begun)
		require.NoError(t, err)
		for off := 4 * period; off < 9*period; off += period / 2 {
			at := begun.Add(off)
			again, c, err := e.Begin(at, key, "", false)
			require.NoError(t, err)
			_, _, err = again.Confirm(at, c.ID, used, behind)
			require.ErrorIs(t, err, totp.ErrAlreadyUsed, "%v after %v", period, off)
		}
	}
}
