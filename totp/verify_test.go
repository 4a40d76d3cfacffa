package totp_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/transitions"
	"github.com/totpflow/totpflow/totp"
)

const now = 1111111111 // 2005-03-18 01:58:31 UTC, one second into its step

func code(t testing.TB, key totp.Key, s totp.Step) string {
	text, err := key.Code(key.Start(s))
	require.NoError(t, err)
	return text
}

// The window is exactly [now-Past, now+Future]: every offset from -10 to +10 steps, a millisecond before, at and after
// each edge, for all algorithms and the extreme periods.
func TestVerifyBoundaries(t *testing.T) {
	windows := []totp.Window{{}, totp.Standard(), {Past: 2}, {Future: 2}, {Past: 2, Future: 2}, {Past: 4}, {Future: 4}}
	edges := []time.Duration{0, time.Nanosecond, time.Millisecond, -time.Millisecond, -time.Nanosecond}
	for _, p := range []totp.Params{{}, {Algorithm: totp.SHA256, Period: 15 * time.Second}, {Algorithm: totp.SHA512, Digits: 8, Period: 120 * time.Second}} {
		key := parse(t, seed32, p)
		s := key.Step(time.Unix(now, 0))
		for _, w := range windows {
			for off := totp.Step(-10); off <= 10; off++ {
				typed := code(t, key, s+off)
				for _, edge := range edges {
					at, shift := key.Start(s).Add(edge), totp.Step(0)
					if edge < 0 {
						shift = -1
					}
					require.Equal(t, s+shift, key.Step(at))
					step, err := key.Verify(typed, at, 0, w)
					if from := off - shift; -totp.Step(w.Past) <= from && from <= totp.Step(w.Future) {
						require.NoError(t, err, "%v off %d edge %v", w, off, edge)
						require.Equal(t, s+off, step)
					} else {
						require.ErrorIs(t, err, totp.ErrRejected, "%v off %d edge %v", w, off, edge)
						require.Zero(t, step, "what was given")
					}
				}
			}
		}
	}
}

func TestStep(t *testing.T) {
	key := parse(t, seed20, totp.Params{})
	for _, c := range []struct {
		at   time.Time
		step totp.Step
	}{
		{time.Unix(0, 0), 0}, {time.Unix(29, 999_999_999), 0}, {time.Unix(30, 0), 1},
		{time.Unix(-1, 0), -1}, {time.Unix(0, -1), -1}, {time.Unix(-30, 0), -1}, {time.Unix(-31, 0), -2}, // rounds down
		{time.Date(2038, 1, 19, 3, 14, 8, 0, time.UTC), 71582788},
		{time.Date(2005, 3, 18, 2, 58, 31, 0, time.FixedZone("CET", 3600)), 37037037}, // zones do not matter
	} {
		require.Equal(t, c.step, key.Step(c.at), "%v", c.at)
		require.False(t, key.Start(c.step).After(c.at))
		require.True(t, key.Start(c.step+1).After(c.at))
		require.Equal(t, c.step, key.Step(key.Start(c.step)))
	}
}

// Accepted steps strictly increase: an older code of the window becomes invalid once a
// newer one is used, and so does A after A, B.
func TestVerifyReplay(t *testing.T) {
	key, at, w := parse(t, seed20, totp.Params{}), time.Unix(now, 0), totp.Standard()
	s := key.Step(at)
	a, b, c := code(t, key, s-1), code(t, key, s), code(t, key, s+1)
	last, err := key.Verify(a, at, 0, w)
	require.NoError(t, err)
	require.Equal(t, s-1, last)
	last, err = key.Verify(b, at, last, w)
	require.NoError(t, err)
	for _, used := range []string{a, b} {
		_, err = key.Verify(used, at, last, w)
		require.ErrorIs(t, err, totp.ErrAlreadyUsed)
	}
	last, err = key.Verify(c, at, last, w)
	require.NoError(t, err)
	require.Equal(t, s+1, last)
	for _, used := range []string{a, b, c} {
		_, err = key.Verify(used, at, last, w)
		require.ErrorIs(t, err, totp.ErrAlreadyUsed)
	}
}

// With an error each call returns what it was given. Otherwise a host that writes `last,
// err = key.Verify(…)` and stores last in any case would forget the used codes with the
// first wrong one.
func TestErrorsKeepTheStep(t *testing.T) {
	key, at, w := parse(t, seed20, totp.Params{}), time.Unix(now, 0), totp.Standard()
	s := key.Step(at)
	calls := map[string]func(key totp.Key, typed string, at time.Time, after totp.Step, w totp.Window) (totp.Step, error){
		"Key.Verify": totp.Key.Verify,
		"Key.VerifyPair": func(key totp.Key, typed string, at time.Time, after totp.Step, w totp.Window) (totp.Step, error) {
			return key.VerifyPair(code(t, parse(t, seed20, totp.Params{}), s-1), typed, at, after, w)
		},
		"Key.AppendCode": func(key totp.Key, _ string, at time.Time, after totp.Step, _ totp.Window) (totp.Step, error) {
			given := strconv.AppendInt(nil, int64(after), 10)
			dst, err := key.AppendCode(given, at)
			if err != nil {
				require.Equal(t, given, dst)
			}
			return after, err
		},
	}
	names, err := transitions.Of(".")
	require.NoError(t, err)
	require.ElementsMatch(t, names, slices.Collect(maps.Keys(calls)), "a call that replaces a state is missing here")
	for name, call := range calls {
		refused := 0
		for _, v := range []struct {
			key   totp.Key
			typed string
			at    time.Time
			after totp.Step
			w     totp.Window
		}{
			{key, "000000", at, s - 9, w},
			{key, "000000", at, s, w},
			{key, code(t, key, s), at, s, w},
			{key, code(t, key, s), at, s + 1000, w},
			{key, "12345", at, s, w},
			{key, code(t, key, s), at, s, totp.Window{Past: 5}},
			{key, code(t, key, s), time.Unix(-1, 0), s, w},
			{key, code(t, key, s), at, -7, w},
			{totp.Key{}, code(t, key, s), at, s, w},
		} {
			step, err := call(v.key, v.typed, v.at, v.after, v.w)
			if err != nil {
				refused++
			}
			require.Equal(t, v.after, step, "%s: %+v: %v", name, v, err)
		}
		require.GreaterOrEqual(t, refused, 2, name)
	}

	// The host of the package's example, with a wrong code between a code and its replay.
	last, err := key.Verify(code(t, key, s), at, 0, w)
	require.NoError(t, err)
	last, err = key.Verify("000000", at, last, w)
	require.ErrorIs(t, err, totp.ErrRejected)
	_, err = key.Verify(code(t, key, s), at, last, w)
	require.ErrorIs(t, err, totp.ErrAlreadyUsed)
}

// Codes as people type and paste them (K is the seed of RFC 6238, and 050471 its code at
// 1111111111). A text that is read is one step in every spelling, and afterwards a replay
// in every other one; a refusal says why and is not a guess.
func TestSpellingsOfACode(t *testing.T) {
	key, at := parse(t, seed20, totp.Params{}), time.Unix(now, 0)
	read := []string{
		"050471", "050 471", "050-471",
		"050\u00a0471", "050\u2009471", "050\u202f471", "\u200b050471", "\ufeff050471",
		"050471\n", "050471\r\n", "\t050471",
		"050\u2013471", "050\u2011471",
		"\uff10\uff15\uff10\uff14\uff17\uff11", "\u0660\u0665\u0660\u0664\u0667\u0661",
		"\u201c050471\u201d", "'050 471'", "050471.", "\u2022 050471",
	}
	for _, first := range read {
		step, err := key.Verify(first, at, 0, totp.Standard())
		require.NoError(t, err, "%q", first)
		require.Equal(t, key.Step(at), step)
		for _, second := range read {
			_, err := key.Verify(second, at, step, totp.Standard())
			require.Equal(t, totp.ErrAlreadyUsed, err, "%q after %q", second, first)
		}
	}
	for typed, why := range map[string]string{
		"50471": "too few digits", "0504711": "too many digits", "050471 050471": "too many digits", "": "too few digits",
		"o50471": "a character that is not a digit", "050,471": "a character that is not a digit", "+50471": "a character that is not a digit",
		"\u0660\u0665\u0660471": "digits of two scripts", "\uff1050471": "digits of two scripts",
		"05047\u00b9": "a character that does not belong there", "050471\x00": "a character that does not belong there",
		"050471" + strings.Repeat(" ", 200): "too long",
	} {
		step, err := key.Verify(typed, at, 7, totp.Standard())
		require.ErrorIs(t, err, totp.ErrMalformedCode, "%q", typed)
		require.EqualError(t, err, "totp: malformed code: "+why, "%q", typed)
		require.Equal(t, totp.Step(7), step)
		_, pair := key.VerifyPair(code(t, key, key.Step(at)-1), typed, at, 7, totp.Standard())
		require.Equal(t, err, pair)
		_, pair = key.VerifyPair(typed, "000000", at, 7, totp.Standard())
		require.Equal(t, err, pair)
	}
}

// The last step may come from a record that somebody damaged, or from before the clock
// was set back.
func TestVerifyHostileLast(t *testing.T) {
	key, at := parse(t, seed20, totp.Params{}), time.Unix(now, 0)
	typed := code(t, key, key.Step(at))
	for after, want := range map[totp.Step]error{
		-1: totp.ErrTime, math.MinInt64: totp.ErrTime, math.MaxInt64: totp.ErrAlreadyUsed,
		key.Step(at) + 1000: totp.ErrAlreadyUsed, key.Step(at): totp.ErrAlreadyUsed,
	} {
		_, err := key.Verify(typed, at, after, totp.Standard())
		require.ErrorIs(t, err, want, "%d", after)
		_, err = key.VerifyPair(code(t, key, key.Step(at)-1), typed, at, after, totp.Standard())
		require.ErrorIs(t, err, want, "%d", after)
	}
}

// Two neighbouring steps with the same code, found by search. The digits must pass once
// only, and the next code must still be valid.
func TestVerifyCoincidence(t *testing.T) {
	key := parse(t, seed20, totp.Params{})
	s := totp.Step(now / 30)
	for code(t, key, s) != code(t, key, s+1) {
		s++
		require.Less(t, s, totp.Step(now/30+20_000_000), "no coincidence found")
	}
	same, w := code(t, key, s), totp.Standard()
	for _, at := range []time.Time{key.Start(s), key.Start(s + 1)} {
		step, err := key.Verify(same, at, 0, w)
		require.NoError(t, err)
		require.Equal(t, s+1, step, "the later one")
		_, err = key.Verify(same, at, step, w)
		require.ErrorIs(t, err, totp.ErrAlreadyUsed)
		step, err = key.Verify(code(t, key, s+2), key.Start(s+1), step, w)
		require.NoError(t, err)
		require.Equal(t, s+2, step)
	}
	// A person who used the earlier step while the later one was out of the window may
	// still use the later one.
	step, err := key.Verify(same, key.Start(s), 0, totp.Window{Past: 1})
	require.NoError(t, err)
	require.Equal(t, s, step)
	step, err = key.Verify(same, key.Start(s+1), step, w)
	require.NoError(t, err)
	require.Equal(t, s+1, step)
	// As a pair, both halves look the same.
	step, err = key.VerifyPair(same, same, key.Start(s+1), 0, w)
	require.NoError(t, err)
	require.Equal(t, s+1, step)
}

func TestVerifyPair(t *testing.T) {
	key, at := parse(t, seed20, totp.Params{}), time.Unix(now, 0)
	s := key.Step(at)
	c := func(off totp.Step) string { return code(t, key, s+off) }
	std := totp.Standard()
	for name, v := range map[string]struct {
		first, second string
		after         totp.Step
		w             totp.Window
		step          totp.Step
		err           error
	}{
		"past and present":             {c(-1), c(0), 0, std, s, nil},
		"present and future":           {c(0), c(1), 0, std, s + 1, nil},
		"spelled":                      {c(0)[:3] + " " + c(0)[3:], c(1)[:3] + "-" + c(1)[3:], 0, std, s + 1, nil},
		"just newer":                   {c(0), c(1), s - 1, std, s + 1, nil},
		"wide window":                  {c(-4), c(-3), 0, totp.Window{Past: 4}, s - 3, nil},
		"both used":                    {c(-1), c(0), s, std, 0, totp.ErrAlreadyUsed},
		"both long ago":                {c(-1), c(0), s + 9, std, 0, totp.ErrAlreadyUsed},
		"first used":                   {c(-1), c(0), s - 1, std, 0, totp.ErrRejected},
		"first used, second wrong":     {c(-1), "000000", s - 1, std, 0, totp.ErrRejected},
		"first wrong, second used":     {"000000", c(0), s, std, 0, totp.ErrRejected},
		"wrong order":                  {c(1), c(0), 0, std, 0, totp.ErrRejected},
		"not consecutive":              {c(-1), c(1), 0, std, 0, totp.ErrRejected},
		"the same twice":               {c(0), c(0), 0, std, 0, totp.ErrRejected},
		"first wrong":                  {"000000", c(0), 0, std, 0, totp.ErrRejected},
		"second wrong":                 {c(0), "000000", 0, std, 0, totp.ErrRejected},
		"first before the window":      {c(-2), c(-1), 0, std, s - 1, nil},
		"both before the window":       {c(-3), c(-2), 0, std, 0, totp.ErrRejected},
		"second after the window":      {c(1), c(2), 0, std, 0, totp.ErrRejected},
		"first malformed":              {"", c(0), 0, std, 0, totp.ErrMalformedCode},
		"second malformed":             {c(0), "12345a", 0, std, 0, totp.ErrMalformedCode},
		"both in one field":            {c(0) + c(1), "", 0, std, 0, totp.ErrMalformedCode},
		"window of one step":           {c(-1), c(0), 0, totp.Window{}, s, nil},
		"after a window of one step":   {c(0), c(1), 0, totp.Window{}, 0, totp.ErrRejected},
		"wide window, one before it":   {c(-5), c(-4), 0, totp.Window{Past: 4}, s - 4, nil},
		"wide window, two before it":   {c(-6), c(-5), 0, totp.Window{Past: 4}, 0, totp.ErrRejected},
		"window too wide":              {c(0), c(1), 0, totp.Window{Past: 3, Future: 3}, 0, totp.ErrWindow},
		"two steps":                    {c(-1), c(0), 0, totp.Window{Past: 1}, s, nil},
		"two steps, pair outside them": {c(0), c(1), 0, totp.Window{Past: 1}, 0, totp.ErrRejected},
	} {
		step, err := key.VerifyPair(v.first, v.second, at, v.after, v.w)
		require.ErrorIs(t, err, v.err, name)
		if err != nil {
			v.step = v.after
		}
		require.Equal(t, v.step, step, name)
	}
}

// Somebody who has seen a used code learns nothing about the next one from pairs:
// whatever they type as the later code, right or wrong, they get the same answer.
func TestPairIsNoOracle(t *testing.T) {
	key, at := parse(t, seed20, totp.Params{}), time.Unix(now, 0)
	s, w := key.Step(at), totp.Window{Past: 2, Future: 2}
	for used := s - 3; used <= s+2; used++ {
		for off := totp.Step(-8); off <= 8; off++ {
			for _, guess := range []string{code(t, key, s+off), "000000"} {
				after, err := key.VerifyPair(code(t, key, used), guess, at, used, w)
				require.ErrorIs(t, err, totp.ErrRejected, "used %d, guessed the code of %d", used-s, off)
				require.Equal(t, used, after)
			}
		}
		// The answer to a pair in which both codes are worthless reveals nothing useful.
		if used >= s-2 {
			_, err := key.VerifyPair(code(t, key, used-1), code(t, key, used), at, used, w)
			require.ErrorIs(t, err, totp.ErrAlreadyUsed)
		}
	}
}

// Of all pairs of codes near the present, as many pass as the window has steps: that is
// what one try is worth, out of 10^12 for six digits (three with Standard). Package
// throttle relies on this number.
func TestPairsThatPass(t *testing.T) {
	key, at := parse(t, seed20, totp.Params{}), time.Unix(now, 0)
	s := key.Step(at)
	for _, w := range []totp.Window{{}, totp.Standard(), {Past: 2}, {Past: 1, Future: 3}, {Past: 4}} {
		passed := 0
		for one := s - 9; one <= s+9; one++ {
			for two := s - 9; two <= s+9; two++ {
				if _, err := key.VerifyPair(code(t, key, one), code(t, key, two), at, 0, w); err == nil {
					passed++
				}
			}
		}
		require.Equal(t, w.Past+1+w.Future, passed, "%+v", w)
	}
}

// A person who passes with single codes passes with the pair that the device showed last,
// at every second and with every clock that is wrong by at most one period. The pair is
// the owner's way in precisely when single codes are locked.
func TestSlowPhonesHaveAPair(t *testing.T) {
	key, w := parse(t, seed20, totp.Params{}), totp.Standard()
	const period = 30 * time.Second
	for second := range 60 {
		at := time.Unix(now+int64(second), 0)
		for wrong := -period; wrong <= period; wrong += time.Second {
			shown := key.Step(at.Add(wrong))
			if _, err := key.Verify(code(t, key, shown), at, 0, w); err != nil {
				require.ErrorIs(t, err, totp.ErrRejected)
				require.Fail(t, "a single code does not pass", "%v wrong", wrong)
			}
			step, err := key.VerifyPair(code(t, key, shown-1), code(t, key, shown), at, 0, w)
			require.NoError(t, err, "%v wrong", wrong)
			require.Equal(t, shown, step)
		}
	}
}

func TestZeroKey(t *testing.T) {
	var key totp.Key
	at := time.Unix(now, 0)
	require.True(t, key.IsZero())
	require.Zero(t, key.Params())
	require.Zero(t, key.Step(at))
	require.Zero(t, key.Start(1))
	require.Empty(t, key.Secret())
	require.False(t, key.Equal(totp.Key{}), "two missing keys are no match")
	_, err := key.Code(at)
	require.ErrorIs(t, err, totp.ErrNoKey)
	_, err = key.URI(totp.Label{Account: "x"})
	require.ErrorIs(t, err, totp.ErrNoKey)
	// 812658 is the code of the empty secret for step 1: a library without this rule
	// would accept it.
	for _, typed := range []string{"812658", "000000", "", "x"} {
		_, err = key.Verify(typed, time.Unix(59, 0), 0, totp.Standard())
		require.ErrorIs(t, err, totp.ErrNoKey)
		_, err = key.VerifyPair(typed, typed, at, 0, totp.Standard())
		require.ErrorIs(t, err, totp.ErrNoKey)
	}
}

func TestCodeBefore1970(t *testing.T) {
	key := parse(t, seed20, totp.Params{})
	for _, at := range []time.Time{{}, time.Unix(-1, 0), time.Unix(0, -1), time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)} {
		text, err := key.Code(at)
		require.ErrorIs(t, err, totp.ErrTime)
		require.Empty(t, text)
		dst, err := key.AppendCode([]byte("as it was"), at)
		require.ErrorIs(t, err, totp.ErrTime)
		require.Equal(t, "as it was", string(dst))
	}
	dst, err := key.AppendCode([]byte("code "), time.Unix(59, 0))
	require.NoError(t, err)
	require.Equal(t, "code 287082", string(dst))
}

// Ten megabytes in any field cost no more than a check of their length.
func TestHugeInput(t *testing.T) {
	key, at := parse(t, seed20, totp.Params{}), time.Unix(now, 0)
	for _, unit := range []string{"1", " ", "-", "A", "=", "%41", "&secret=A", "\x00", "\xff", "🙂"} {
		huge := strings.Repeat(unit, 10<<20/len(unit))
		for name, try := range map[string]func() error{
			"code":    func() error { _, err := key.Verify(huge, at, 0, totp.Standard()); return err },
			"pair":    func() error { _, err := key.VerifyPair(huge, huge, at, 0, totp.Standard()); return err },
			"secret":  func() error { _, err := totp.ParseSecret(huge, totp.Params{}); return err },
			"uri":     func() error { _, _, err := totp.ParseURI(huge); return err },
			"issuer":  func() error { _, err := key.URI(totp.Label{Issuer: huge, Account: "x"}); return err },
			"account": func() error { _, err := key.URI(totp.Label{Account: huge}); return err },
			"name":    func() error { _, err := totp.ParseAlgorithm(huge); return err },
		} {
			err := try()
			require.Error(t, err, name)
			require.Less(t, len(err.Error()), 200)
			require.Less(t, allocated(func() { _ = try() }), uint64(1024), "%s of %q", name, unit)
		}
	}
}

// Of the million codes three are right at a time, so one guess in 333,333 is right.
func TestOneGuess(t *testing.T) {
	key, at := parse(t, seed20, totp.Params{}), time.Unix(now, 0)
	right := 0
	for guess := range 1_000_000 {
		if _, err := key.Verify(fmt.Sprintf("%06d", guess), at, 0, totp.Standard()); err == nil {
			right++
		}
	}
	require.Equal(t, 3, right)
	require.Equal(t, 333_333, 1_000_000/right)
}
