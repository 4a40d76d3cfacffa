package enroll_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/totp"
)

func TestExempt(t *testing.T) {
	for _, from := range allStates {
		if from == enroll.Exempted {
			continue
		}
		e := inState(t, from)
		next, err := e.Exempt(noon)
		require.NoError(t, err)
		require.Equal(t, enroll.Exempted, next.State(noon))
		require.Empty(t, next.Authenticators())
		require.Empty(t, next.Recoverable(noon))
		require.True(t, next.ResetAt().IsZero())
		_, found := next.Candidate(noon)
		require.False(t, found)

		// Nobody can make a factor for a machine, and no factor of a machine passes.
		_, _, err = next.Begin(noon, keyD, "", false)
		require.ErrorIs(t, err, enroll.ErrTransition)
		_, _, err = next.Import(noon, keyD, "", time.Time{})
		require.ErrorIs(t, err, enroll.ErrTransition)
		for _, k := range []totp.Key{keyA, keyB, keyC, keyE} {
			_, _, err = next.Verify(noon, code(t, k, noon), totp.Standard())
			require.ErrorIs(t, err, enroll.ErrNone)
		}

		// The only way back leads to an enrollment.
		back, err := next.Reset(noon)
		require.NoError(t, err)
		require.Equal(t, enroll.ResetPending, back.State(noon))
		require.Equal(t, noon, back.ResetAt())
	}
	_, err := enroll.Enrollment{}.Exempt(time.Unix(0, 0))
	require.ErrorIs(t, err, totp.ErrTime)
}

func TestImport(t *testing.T) {
	for _, from := range []enroll.State{enroll.Disabled, enroll.Pending} {
		e := inState(t, from)
		c, _ := e.Candidate(noon)
		next, a, err := e.Import(noon.Add(time.Microsecond), key8, "  Old\nsystem ", time.Time{})
		require.NoError(t, err)
		require.Equal(t, enroll.Active, next.State(noon))
		require.NotEmpty(t, a.ID)
		require.Equal(t, "Old system", a.Name)
		require.Zero(t, a.Last)
		require.Equal(t, noon, a.Added)
		require.True(t, a.Used.IsZero(), "it has shown no code here")
		require.Len(t, next.Authenticators(), 1)
		require.Len(t, next.Recoverable(noon), 1, "what was taken away before can still be restored")

		next, used, err := next.Verify(noon, code(t, key8, noon), totp.Standard())
		require.NoError(t, err)
		require.Equal(t, a.ID, used.ID)
		require.Equal(t, noon, used.Used)
		_, _, err = next.Confirm(noon, c.ID, code(t, keyC, noon), totp.Standard())
		require.ErrorIs(t, err, enroll.ErrStale, "the candidate is gone")
	}
}

func TestImportRefuses(t *testing.T) {
	_, _, err := enroll.Enrollment{}.Import(noon, totp.Key{}, "", time.Time{})
	require.ErrorIs(t, err, totp.ErrNoKey)
	_, _, err = enroll.Enrollment{}.Import(time.Time{}, keyA, "", time.Time{})
	require.ErrorIs(t, err, totp.ErrTime)

	// An import is for accounts without a factor. It must not take the place of a factor
	// that somebody has confirmed, or of the enrollment that a reset requires.
	for _, from := range []enroll.State{enroll.Active, enroll.Replacing, enroll.ResetPending} {
		e := inState(t, from)
		next, a, err := e.Import(noon, keyF, "", time.Time{})
		require.ErrorIs(t, err, enroll.ErrTransition)
		require.Empty(t, a.ID)
		require.Equal(t, e.Encode(), next.Encode())
	}
}

// Disabling the second factor and importing the same seed does not make used codes valid
// again.
func TestImportRemembersUsedSteps(t *testing.T) {
	gone, err := enrolled(t, noon, keyA).Disable(noon)
	require.NoError(t, err)
	again, a, err := gone.Import(noon, keyA, "", time.Time{})
	require.NoError(t, err)
	require.Equal(t, keyA.Step(noon), a.Last)
	_, _, err = again.Verify(noon, code(t, keyA, noon), totp.Standard())
	require.ErrorIs(t, err, totp.ErrAlreadyUsed)
	_, _, err = gone.Import(noon, mustKey(keyA.Secret(), totp.Params{Digits: 8}), "", time.Time{})
	require.ErrorIs(t, err, enroll.ErrSameSecret)
}

// After a database was restored from a copy, it does not know the codes that were used
// since. None of them passes: neither those of live authenticators, nor those of kept
// ones, nor those of a secret that comes back.
func TestBurn(t *testing.T) {
	e := enrolled(t, noon.Add(-time.Hour), keyE, keyA)
	e, err := e.Remove(noon.Add(-30*time.Minute), e.Authenticators()[0].ID)
	require.NoError(t, err)
	e = add(t, e, noon.Add(-10*time.Minute), key8, "") // here the copy was made
	for _, w := range []totp.Window{{}, {Past: 1, Future: 1}, {Past: 2, Future: 2}, {Future: 4}} {
		before := string(e.Encode())
		burnt := e.MarkUsed(noon, w)
		require.Equal(t, before, string(e.Encode()), "the value itself never changes")
		_, err := enroll.Decode(burnt.Encode())
		require.NoError(t, err)
		require.Equal(t, burnt.Encode(), burnt.MarkUsed(noon, w).Encode(), "twice is once")
		for i, a := range burnt.Authenticators() {
			require.Equal(t, a.Key.Step(noon)+totp.Step(w.Future), a.Last)
			require.Equal(t, e.Authenticators()[i].Used, a.Used, "nobody has shown a code")
		}
		restored, _, _, err := burnt.Restore(noon, burnt.Recoverable(noon)[0].ID)
		require.NoError(t, err)
		disabled, err := burnt.Disable(noon)
		require.NoError(t, err)
		again, _, err := disabled.Import(noon, keyA, "", time.Time{})
		require.NoError(t, err)
		for name, v := range map[string]struct {
			e enroll.Enrollment
			k totp.Key
		}{"live": {burnt, keyA}, "live, of eight digits": {burnt, key8}, "kept": {restored, keyE}, "imported": {again, keyA}} {
			period := v.k.Params().Period
			begun := v.k.Start(v.k.Step(noon))
			for step := -w.Past; step <= w.Future; step++ {
				_, _, err := v.e.Verify(noon, code(t, v.k, begun.Add(time.Duration(step)*period)), w)
				require.ErrorIs(t, err, totp.ErrAlreadyUsed, "%s %d of %v", name, step, w)
			}
			first := begun.Add(time.Duration(w.Future+1) * period)
			_, _, err := v.e.Verify(first, code(t, v.k, first), w)
			require.NoError(t, err, "%s %v", name, w)
		}
	}
}

// A secret that the copy had as removed may have come back since.
func TestBurnReachesRetiredSecrets(t *testing.T) {
	gone, err := enrolled(t, noon, keyA).Reset(noon) // a reset keeps nothing
	require.NoError(t, err)
	at := noon.Add(4 * time.Minute)
	burnt := gone.MarkUsed(at, totp.Standard())
	later := at.Add(2 * time.Minute) // when it would have been forgotten
	e, c, err := burnt.Begin(later, keyA, "", false)
	require.NoError(t, err)
	_, _, err = e.Confirm(later, c.ID, code(t, keyA, at.Add(30*time.Second)), totp.Window{Past: 4})
	require.ErrorIs(t, err, totp.ErrAlreadyUsed)
	require.Equal(t, enroll.ResetPending, burnt.State(at))
}

// The candidate in the copy may have been confirmed since, with a code that somebody saw.
func TestBurnDropsTheCandidate(t *testing.T) {
	for _, from := range allStates {
		e := inState(t, from)
		c, found := e.Candidate(noon)
		before := e.Encode()
		e.MarkUsed(noon.Add(time.Minute), totp.Standard())
		require.Equal(t, before, e.Encode(), "the value itself never changes")
		burnt := e.MarkUsed(noon, totp.Standard())
		_, left := burnt.Candidate(noon)
		require.False(t, left)
		if found {
			require.Equal(t, wanted(t, from, enroll.Expire), burnt.State(noon))
			_, _, err := burnt.Confirm(noon, c.ID, code(t, keyC, noon), totp.Standard())
			require.ErrorIs(t, err, enroll.ErrStale)
		} else {
			require.Equal(t, from, burnt.State(noon))
		}
		require.Equal(t, e.ResetAt(), burnt.ResetAt())
	}
}

// A step that was used stays used, whatever time and window follow.
func TestBurnNeverGoesBack(t *testing.T) {
	e := enrolled(t, noon, keyA)
	for _, at := range []time.Time{{}, time.Unix(-1, 0), time.Unix(0, 0), noon.Add(-time.Hour)} {
		require.Equal(t, keyA.Step(noon), e.MarkUsed(at, totp.Standard()).Authenticators()[0].Last)
	}
	for future, want := range map[int]totp.Step{-1: 0, math.MinInt: 0, 5: 4, math.MaxInt: 4} {
		burnt := e.MarkUsed(noon, totp.Window{Future: future})
		require.Equal(t, keyA.Step(noon)+want, burnt.Authenticators()[0].Last)
	}
}

// A weak key signs in until its date and is never made by an enrollment. After that date
// nothing verifies, and the account requires an enrollment that needs more than the
// password.
func TestWeakKeysLapse(t *testing.T) {
	until := noon.Add(30 * 24 * time.Hour)
	_, _, err := enroll.Enrollment{}.Begin(noon, weakKey, "", false)
	require.ErrorIs(t, err, enroll.ErrWeak)
	for _, bad := range []time.Time{{}, noon, noon.Add(-time.Hour), noon.Add(enroll.MaxWeak + time.Second)} {
		_, _, err = enroll.Enrollment{}.Import(noon, weakKey, "", bad)
		require.ErrorIs(t, err, enroll.ErrWeak, "%v", bad)
	}
	e, a, err := enroll.Enrollment{}.Import(noon, weakKey, "Old phone", until.Add(time.Microsecond))
	require.NoError(t, err)
	require.Equal(t, until, a.Until)
	require.Equal(t, until, e.WeakUntil())

	last := until.Add(-time.Millisecond)
	used, _, err := e.Verify(last, code(t, weakKey, last), totp.Standard())
	require.NoError(t, err)
	require.Equal(t, until, used.WeakUntil(), "a code does not prolong it")
	require.False(t, used.Lapsed())

	for _, e := range []enroll.Enrollment{e, used} {
		_, _, err = e.Verify(until, code(t, weakKey, until), totp.Standard())
		require.ErrorIs(t, err, enroll.ErrNone)
		require.Equal(t, enroll.ResetPending, e.State(until))
		require.Empty(t, e.Recoverable(until))
		after := e.Expire(until)
		require.True(t, after.Lapsed())
		require.Equal(t, until, after.ResetAt())
		require.Empty(t, after.Authenticators())
		require.Empty(t, after.Recoverable(until))
		reread, err := enroll.Decode(after.Encode())
		require.NoError(t, err)
		require.True(t, reread.Lapsed())

		// It is not imported again, and a clock that is set back does not revive it.
		_, _, err = after.Import(until, weakKey, "", until.Add(time.Hour))
		require.ErrorIs(t, err, enroll.ErrTransition)
		require.Equal(t, enroll.ResetPending, after.State(noon))

		confirmed := add(t, after, until, keyC, "")
		require.False(t, confirmed.Lapsed())
		require.Zero(t, confirmed.WeakUntil())
		reset, err := after.Reset(until)
		require.NoError(t, err)
		require.False(t, reset.Lapsed(), "an administrator has decided since")
	}
}

// A new authenticator replaces the weak one, which can be restored only until its date;
// one that is added beside it stays when the weak one lapses.
func TestWeakKeysBesideOthers(t *testing.T) {
	until := noon.Add(time.Hour)
	e, weak, err := enroll.Enrollment{}.Import(noon, weakKey, "", until)
	require.NoError(t, err)

	replaced, c, err := e.Begin(noon, keyC, "", false)
	require.NoError(t, err)
	replaced, _, err = replaced.Confirm(noon, c.ID, code(t, keyC, noon), totp.Standard())
	require.NoError(t, err)
	require.Zero(t, replaced.WeakUntil())
	back, _, _, err := replaced.Restore(noon.Add(time.Minute), weak.ID)
	require.NoError(t, err)
	require.Equal(t, until, back.WeakUntil())
	_, _, _, err = replaced.Restore(until, weak.ID)
	require.ErrorIs(t, err, enroll.ErrUnknown)

	both := add(t, e, noon, keyC, "")
	require.Zero(t, both.WeakUntil(), "one of them stays")
	require.Equal(t, enroll.Active, both.State(until))
	require.Len(t, both.Expire(until).Authenticators(), 1)
	_, _, err = both.Verify(until, code(t, weakKey, until), totp.Standard())
	require.ErrorIs(t, err, totp.ErrRejected)
	_, used, err := both.Verify(until, code(t, keyC, until), totp.Standard())
	require.NoError(t, err)
	require.True(t, used.Key.Equal(keyC))
}

// Two rows of one person are two authenticators, up to five; as soon as one of them has
// shown a code, or one was set up here, the import is over.
func TestImportSeveral(t *testing.T) {
	var e enroll.Enrollment
	var err error
	for i, k := range []totp.Key{keyA, keyC, weakKey, keyD, keyE} {
		e, _, err = e.Import(noon, k, "Token", noon.Add(time.Hour))
		require.NoError(t, err)
		require.Len(t, e.Authenticators(), i+1)
	}
	require.Equal(t, "Token 5", e.Authenticators()[4].Name)
	require.Zero(t, e.WeakUntil(), "not all of them are weak")
	_, _, err = e.Import(noon, keyF, "", time.Time{})
	require.ErrorIs(t, err, enroll.ErrTooManyAuthenticators)

	two, _, err := enroll.Enrollment{}.Import(noon, keyA, "", time.Time{})
	require.NoError(t, err)
	_, _, err = two.Import(noon, keyA, "", time.Time{})
	require.ErrorIs(t, err, enroll.ErrSameSecret)
	two, _, err = two.Verify(noon, code(t, keyA, noon), totp.Standard())
	require.NoError(t, err)
	_, _, err = two.Import(noon, keyC, "", time.Time{})
	require.ErrorIs(t, err, enroll.ErrTransition)
	var refused *enroll.TransitionError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, enroll.TransitionError{From: enroll.Active, Action: enroll.Import}, *refused)
	_, _, err = enrolled(t, noon, keyA).Import(noon, keyC, "", time.Time{})
	require.ErrorIs(t, err, enroll.ErrTransition)

	_, _, err = enroll.Enrollment{}.Import(noon, mustKey("HXDMVJECJJWSRB3HWIZR4IFUGFTMXBOZ", totp.Params{}), "", time.Time{})
	require.ErrorIs(t, err, totp.ErrSample)
}
