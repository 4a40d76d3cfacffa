package enroll_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/internal/typed"
	"github.com/totpflow/totpflow/totp"
)

// twin has the code of keyA at noon, 953674, by chance. It was found by trying
// 370,411 secrets.
var twin = mustKey("ONQW2ZJAMNXWIZJBEEQQAAAAAAAALJXK", totp.Params{})

func TestVerifyEachOfSeveral(t *testing.T) {
	keys := []totp.Key{keyA, keyB, key8, keyC}
	e := enrolled(t, noon.Add(-time.Hour), keys...)
	for i, k := range keys {
		typed := code(t, k, noon)
		next, used, err := e.Verify(noon, " "+typed[:3]+"-"+typed[3:], totp.Standard())
		require.NoError(t, err)
		require.Equal(t, e.Authenticators()[i].ID, used.ID)
		require.Equal(t, k.Step(noon), used.Last)
		require.Equal(t, noon, used.Used)
		require.Equal(t, noon.Add(-time.Hour), used.Added)
		for j, a := range next.Authenticators() {
			if j != i {
				require.Equal(t, e.Authenticators()[j].Last, a.Last, "the others keep their codes")
				require.Equal(t, e.Authenticators()[j].Used, a.Used)
			}
		}
		_, _, err = next.Verify(noon, typed, totp.Standard())
		require.ErrorIs(t, err, totp.ErrAlreadyUsed)
	}
}

// All authenticators are tried to the end: a code that is right for two is used in both,
// so that the second cannot be used with digits that somebody saw.
func TestACodeOfTwoIsBurntInBoth(t *testing.T) {
	typed := code(t, keyA, noon)
	require.Equal(t, typed, code(t, twin, noon))
	for _, keys := range [][]totp.Key{{keyA, twin}, {twin, keyB, keyA}} {
		e := enrolled(t, noon.Add(-time.Hour), keys...)
		next, used, err := e.Verify(noon, typed, totp.Standard())
		require.NoError(t, err)
		require.Equal(t, e.Authenticators()[0].ID, used.ID, "the oldest that matches is named")
		for _, a := range next.Authenticators() {
			if !a.Key.Equal(keyB) {
				require.Equal(t, keyA.Step(noon), a.Last)
			}
		}
		_, _, err = next.Verify(noon, typed, totp.Standard())
		require.ErrorIs(t, err, totp.ErrAlreadyUsed)
	}
}

// Several authenticators return errors about one code: how they are combined.
func TestVerifyRefuses(t *testing.T) {
	six := enrolled(t, noon.Add(-time.Hour), keyA, keyB)
	mixed := enrolled(t, noon.Add(-time.Hour), key8, keyA)
	used, _, err := mixed.Verify(noon, code(t, keyA, noon), totp.Standard())
	require.NoError(t, err)
	wrong := otherCode(t, noon, keyA, keyB)
	tests := []struct {
		name string
		e    enroll.Enrollment
		code string
		w    totp.Window
		at   time.Time
		want error
	}{
		{"wrong for all", six, wrong, totp.Standard(), noon, totp.ErrRejected},
		{"wrong for one, malformed for the other", mixed, wrong, totp.Standard(), noon, totp.ErrRejected},
		{"used in one, malformed for the other", used, code(t, keyA, noon), totp.Standard(), noon, totp.ErrAlreadyUsed},
		{"malformed for all", mixed, "1234567", totp.Standard(), noon, totp.ErrMalformedCode},
		{"empty", six, "", totp.Standard(), noon, totp.ErrMalformedCode},
		{"digits of two scripts", six, "１23456", totp.Standard(), noon, totp.ErrMalformedCode},
		{"ten megabytes", six, strings.Repeat("1", 10<<20), totp.Standard(), noon, totp.ErrMalformedCode},
		{"window too wide", six, wrong, totp.Window{Past: 3, Future: 3}, noon, totp.ErrWindow},
		{"before 1970", six, wrong, totp.Standard(), time.Unix(-5, 0), totp.ErrTime},
		{"a step too old", six, code(t, keyA, noon.Add(-time.Minute)), totp.Standard(), noon, totp.ErrRejected},
		{"a step too new", six, code(t, keyA, noon.Add(time.Minute)), totp.Standard(), noon, totp.ErrRejected},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			next, a, err := tt.e.Verify(tt.at, tt.code, tt.w)
			require.ErrorIs(t, err, tt.want)
			require.Equal(t, tt.e.Encode(), next.Encode(), "a refusal changes nothing")
			require.Zero(t, a.ID)
			require.True(t, a.Key.IsZero())
		})
	}
}

func TestVerifyPair(t *testing.T) {
	e := enrolled(t, noon.Add(-time.Hour), keyB, keyA)
	first, second := code(t, keyA, noon.Add(-30*time.Second)), code(t, keyA, noon)
	next, used, err := e.VerifyPair(noon, first, second, totp.Standard())
	require.NoError(t, err)
	require.True(t, used.Key.Equal(keyA))
	require.Equal(t, keyA.Step(noon), used.Last)
	for _, typed := range []string{first, second} {
		_, _, err = next.Verify(noon, typed, totp.Standard())
		require.ErrorIs(t, err, totp.ErrAlreadyUsed, "both are burnt")
	}
	_, _, err = e.VerifyPair(noon, second, first, totp.Standard())
	require.ErrorIs(t, err, totp.ErrRejected, "in order")
	_, _, err = e.VerifyPair(noon, code(t, keyB, noon.Add(-30*time.Second)), second, totp.Standard())
	require.ErrorIs(t, err, totp.ErrRejected, "of one authenticator")
	_, _, err = next.VerifyPair(noon, second, code(t, keyA, noon.Add(30*time.Second)), totp.Standard())
	require.Equal(t, totp.ErrRejected, err, "both newer than the last one, and no word about the later")
	_, _, err = e.VerifyPair(noon, first, second, totp.Window{Past: 5})
	require.ErrorIs(t, err, totp.ErrWindow)
}

// If the clock has been set back to before a code that was accepted, nobody is let in,
// with another authenticator either: the time cannot be trusted.
func TestTheClockWentBack(t *testing.T) {
	e := enrolled(t, noon.Add(-24*time.Hour), keyA, keyB)
	e, _, err := e.Verify(noon, code(t, keyA, noon), totp.Standard())
	require.NoError(t, err)
	for _, c := range []struct {
		back time.Duration
		want error
	}{
		{0, nil},
		{10 * time.Second, nil},              // the same step
		{40 * time.Second, nil},              // one step back: inside the window
		{41 * time.Second, enroll.ErrClock},  // two
		{3 * time.Hour, enroll.ErrClock},     // a wrong time zone
		{20 * time.Hour, enroll.ErrClock},    // keyB is older than that
		{math.MaxInt64 / 8, enroll.ErrClock}, // 36 years
	} {
		at := noon.Add(-c.back)
		next, _, err := e.Verify(at, code(t, keyB, at), totp.Standard())
		require.ErrorIs(t, err, c.want, "%v", c.back)
		if c.want == nil {
			continue
		}
		require.Equal(t, e.Encode(), next.Encode())
		_, _, err = e.VerifyPair(at, code(t, keyB, at.Add(-30*time.Second)), code(t, keyB, at), totp.Standard())
		require.ErrorIs(t, err, enroll.ErrClock)

		// Nor is anything new bound under that clock, and no device is blamed for it.
		began, candidate, err := e.Begin(at, keyC, "", true)
		require.NoError(t, err)
		_, _, err = began.Confirm(at, candidate.ID, code(t, keyC, noon), totp.Standard())
		require.ErrorIs(t, err, enroll.ErrClock)

		// The way out after a clock that ran ahead is an administrator's reset.
		reset, err := e.Reset(at)
		require.NoError(t, err)
		require.Equal(t, enroll.Active, add(t, reset, at, keyC, "").State(at))
	}
	// An invalid window is the caller's fault, and never lets a code pass.
	_, _, err = e.Verify(noon, code(t, keyB, noon), totp.Window{Future: math.MaxInt})
	require.Error(t, err)
}

func TestDriftAtConfirmation(t *testing.T) {
	for _, k := range []totp.Key{keyA, key8} {
		period := k.Params().Period
		e, c, err := enroll.Enrollment{}.Begin(noon, k, "", false)
		require.NoError(t, err)
		for _, off := range []time.Duration{
			2 * period, -2 * period, time.Hour, -2 * time.Hour, 14 * time.Hour, -14 * time.Hour,
		} {
			next, done, err := e.Confirm(noon, c.ID, code(t, k, noon.Add(off)), totp.Standard())
			var drift *enroll.DriftError
			require.ErrorAs(t, err, &drift, "%v", off)
			require.Equal(t, off, drift.Off)
			require.ErrorIs(t, err, totp.ErrRejected)
			require.Equal(t, e.Encode(), next.Encode())
			require.Zero(t, done.Authenticator.ID)
			require.NotContains(t, err.Error(), "-")
			require.Equal(t, off > 0, strings.HasSuffix(err.Error(), "ahead"))
		}
		for _, off := range []time.Duration{14*time.Hour + period, -14*time.Hour - period, 24 * time.Hour} {
			_, _, err := e.Confirm(noon, c.ID, code(t, k, noon.Add(off)), totp.Standard())
			require.Equal(t, totp.ErrRejected, err, "%v", off)
		}
	}
}

// The device's code may also match a time on another day; the nearest is the truth.
func TestDriftIsTheNearest(t *testing.T) {
	e, c, err := enroll.Enrollment{}.Begin(noon, keyA, "", false)
	require.NoError(t, err)
	for steps := 2; steps < 200; steps++ {
		off := time.Duration(steps) * 30 * time.Second
		for _, off := range []time.Duration{off, -off} {
			_, _, err := e.Confirm(noon, c.ID, code(t, keyA, noon.Add(off)), totp.Standard())
			var drift *enroll.DriftError
			if errors.As(err, &drift) {
				require.LessOrEqual(t, drift.Off.Abs(), off.Abs())
			} else {
				require.NoError(t, err)
			}
		}
	}
}

// At a sign-in a code for another time is refused like any wrong one: saying more would
// tell a guesser which codes come next.
func TestNoDriftAtSignIn(t *testing.T) {
	e := enrolled(t, noon.Add(-48*time.Hour), keyA)
	for steps := -1500; steps <= 1500; steps++ {
		if steps >= -1 && steps <= 1 {
			continue
		}
		typed := code(t, keyA, noon.Add(time.Duration(steps)*30*time.Second))
		if typed == code(t, keyA, noon) || typed == code(t, keyA, noon.Add(30*time.Second)) || typed == code(t, keyA, noon.Add(-30*time.Second)) {
			continue
		}
		next, _, err := e.Verify(noon, typed, totp.Standard())
		require.Equal(t, totp.ErrRejected, err, "%d steps", steps)
		require.Equal(t, e.Encode(), next.Encode())
		if steps == -2 { // the pair of the slowest phone that the window accepts
			continue
		}
		_, _, err = e.VerifyPair(noon, typed, code(t, keyA, noon.Add(time.Duration(steps+1)*30*time.Second)), totp.Standard())
		require.Equal(t, totp.ErrRejected, err, "%d steps", steps)
	}
}

// A used code at the confirmation is not a drift.
func TestAUsedCodeIsNoDrift(t *testing.T) {
	e, err := enrolled(t, noon, keyA).Disable(noon)
	require.NoError(t, err)
	e, c, err := e.Begin(noon, keyA, "", false)
	require.NoError(t, err)
	_, _, err = e.Confirm(noon, c.ID, code(t, keyA, noon), totp.Standard())
	require.Equal(t, totp.ErrAlreadyUsed, err)
}

// Two codes are accepted if they belong to two consecutive steps, in their order, in any
// spelling; all others are refused.
func FuzzVerifyPair(f *testing.F) {
	e := enrolled(f, noon.Add(-time.Hour), keyA)
	window := totp.Standard()
	codes := []string{code(f, keyA, noon.Add(-time.Minute)), code(f, keyA, noon.Add(-30*time.Second)), code(f, keyA, noon), code(f, keyA, noon.Add(30*time.Second))}
	f.Add(codes[0], codes[1])
	f.Add(codes[1], codes[2])
	f.Add(codes[2], codes[3])
	f.Add(codes[1], codes[3])
	f.Add(codes[2], codes[1])
	f.Add(" "+codes[2][:3]+"-"+codes[2][3:], codes[3])
	f.Add("\t"+codes[1]+"\n", "\u201c"+codes[2]+"\u201d")
	f.Add("", "\xff")
	f.Fuzz(func(t *testing.T, first, second string) {
		next, _, err := e.VerifyPair(noon, first, second, window)
		one, err1 := typed.Digits(nil, first, 6)
		two, err2 := typed.Digits(nil, second, 6)
		good := false
		for i := range codes[1:] {
			good = good || err1 == nil && err2 == nil && string(one) == codes[i] && string(two) == codes[i+1]
		}
		require.Equal(t, good, err == nil, "%v", err)
		if !good {
			require.Equal(t, e, next)
			return
		}
		_, _, err = next.VerifyPair(noon, first, second, window)
		require.ErrorIs(t, err, totp.ErrAlreadyUsed)
	})
}
