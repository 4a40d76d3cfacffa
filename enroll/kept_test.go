package enroll_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/internal/wire/wiretest"
	"github.com/totpflow/totpflow/totp"
)

// replace replaces all live authenticators by a new key, as anyone with the session can.
func replace(t testing.TB, e enroll.Enrollment, at time.Time, k totp.Key, name string) enroll.Enrollment {
	e, c, err := e.Begin(at, k, name, false)
	require.NoError(t, err)
	e, _, err = e.Confirm(at, c.ID, code(t, k, at), totp.Standard())
	require.NoError(t, err)
	return e
}

// fresh returns a key that nobody has seen.
func fresh(t testing.TB) totp.Key {
	k, err := totp.NewKey(totp.Params{})
	require.NoError(t, err)
	return k
}

// takenAway lists the ways in which an authenticator is removed and kept, each with keyA
// removed by somebody in a stolen session.
var takenAway = map[string]func(testing.TB, enroll.Enrollment) enroll.Enrollment{
	"replaced": func(t testing.TB, e enroll.Enrollment) enroll.Enrollment { return replace(t, e, noon, keyF, "") },
	"disabled": func(t testing.TB, e enroll.Enrollment) enroll.Enrollment {
		e, err := e.Disable(noon)
		require.NoError(t, err)
		return e
	},
	"disabled, and a set-up begun": func(t testing.TB, e enroll.Enrollment) enroll.Enrollment {
		e, err := e.Disable(noon)
		require.NoError(t, err)
		return begin(t, e, noon, keyF)
	},
	"removed": func(t testing.TB, e enroll.Enrollment) enroll.Enrollment {
		e, err := add(t, e, noon, keyF, "").Remove(noon, e.Authenticators()[0].ID)
		require.NoError(t, err)
		return e
	},
	"removed, and a set-up begun": func(t testing.TB, e enroll.Enrollment) enroll.Enrollment {
		e, err := add(t, e, noon, keyF, "").Remove(noon, e.Authenticators()[0].ID)
		require.NoError(t, err)
		return begin(t, e, noon, keyD)
	},
}

func TestWhatIsTakenAwayCanBeRestored(t *testing.T) {
	for way, take := range takenAway {
		t.Run(way, func(t *testing.T) {
			owner := add(t, enroll.Enrollment{}, noon.Add(-time.Hour), keyA, "My phone")
			was := owner.Authenticators()[0]
			e := take(t, owner)
			require.Equal(t, []enroll.Recoverable{{
				ID: was.ID, Name: "My phone", Added: was.Added, Used: was.Used, Until: noon.Add(enroll.RecoverableLifetime),
			}}, e.Recoverable(noon))
			require.Empty(t, owner.Recoverable(noon))

			last := noon.Add(enroll.RecoverableLifetime - time.Millisecond)
			before := string(e.Encode())
			next, back, cleared, err := e.Restore(last, was.ID)
			require.NoError(t, err)
			require.Equal(t, before, string(e.Encode()), "the value itself never changes")
			require.Len(t, cleared, len(e.Authenticators()))
			for i, a := range e.Authenticators() {
				require.Equal(t, a.ID, cleared[i].ID)
			}
			require.True(t, back.Key.Equal(keyA))
			was.Key, back.Key = totp.Key{}, totp.Key{}
			require.Equal(t, was, back)
			require.Equal(t, enroll.Active, next.State(last))
			require.Equal(t, []string{"My phone"}, names(next))
			require.Empty(t, next.Recoverable(last))
			_, found := next.Candidate(last)
			require.False(t, found)
			for _, k := range []totp.Key{keyF, keyD} {
				_, _, err = next.Verify(last, code(t, k, last), totp.Standard())
				require.ErrorIs(t, err, totp.ErrRejected)
			}
			_, used, err := next.Verify(last, code(t, keyA, last), totp.Standard())
			require.NoError(t, err)
			require.Equal(t, was.ID, used.ID)

			over := noon.Add(enroll.RecoverableLifetime)
			require.Empty(t, e.Recoverable(over))
			same, _, _, err := e.Restore(over, was.ID)
			require.ErrorIs(t, err, enroll.ErrUnknown)
			require.Equal(t, before, string(same.Encode()))
		})
	}
}

// A kept authenticator is there for an administrator to restore, and for nothing else.
func TestWhatIsKeptVerifiesNothing(t *testing.T) {
	for way, take := range takenAway {
		e := take(t, enrolled(t, noon.Add(-time.Hour), keyA))
		for _, at := range []time.Time{noon, noon.Add(time.Hour), noon.Add(enroll.RecoverableLifetime - time.Second)} {
			e := e.Expire(at)
			require.Len(t, e.Recoverable(at), 1, way)
			for _, a := range e.Authenticators() {
				require.False(t, a.Key.Equal(keyA))
			}
			for step := -1; step <= 1; step++ {
				when := at.Add(time.Duration(step) * 30 * time.Second)
				_, _, err := e.Verify(at, code(t, keyA, when), totp.Standard())
				require.Error(t, err, way)
				_, _, err = e.VerifyPair(at, code(t, keyA, when), code(t, keyA, when.Add(30*time.Second)), totp.Standard())
				require.Error(t, err, way)
			}
			_, err := e.Rename(e.Recoverable(at)[0].ID, "Mine")
			require.Error(t, err)
			_, err = e.Remove(at, e.Recoverable(at)[0].ID)
			require.Error(t, err)
		}
	}
}

// When its time has passed, its secret disappears from the stored record, at the latest
// with the next change.
func TestWhatWasKeptLongEnoughIsForgotten(t *testing.T) {
	e := replace(t, enrolled(t, noon.Add(-time.Hour), keyA), noon, keyB, "")
	require.Contains(t, wiretest.View(t, &e), hexOf(keyA))
	at := noon.Add(enroll.RecoverableLifetime)
	require.NotContains(t, cutRetired(t, e.Expire(at)), hexOf(keyA))
	next, _, err := e.Verify(at, code(t, keyB, at), totp.Standard())
	require.NoError(t, err)
	require.NotContains(t, wiretest.View(t, &next), hexOf(keyA))
}

// cutRetired returns the stored form without the memory of used steps.
func cutRetired(t *testing.T, e enroll.Enrollment) string {
	before, _, _ := strings.Cut(wiretest.View(t, &e), `"retired"`)
	return before
}

// A thief who replaces again and again, or adds and removes, does not push the owner's
// authenticator out; and a restore leaves nothing of the thief's that could be restored
// or used.
func TestAThiefCannotPushTheOwnersOut(t *testing.T) {
	ways := map[string]func(e enroll.Enrollment, at time.Time, k totp.Key) enroll.Enrollment{
		"replacing": func(e enroll.Enrollment, at time.Time, k totp.Key) enroll.Enrollment {
			return replace(t, e, at, k, "My phone")
		},
		"adding and removing": func(e enroll.Enrollment, at time.Time, k totp.Key) enroll.Enrollment {
			e, err := add(t, e, at, k, "My phone").Remove(at, e.Authenticators()[0].ID)
			require.NoError(t, err)
			return e
		},
		"disabling and setting up": func(e enroll.Enrollment, at time.Time, k totp.Key) enroll.Enrollment {
			e, err := e.Disable(at)
			require.NoError(t, err)
			return replace(t, e, at, k, "My phone")
		},
		"disabling and importing": func(e enroll.Enrollment, at time.Time, k totp.Key) enroll.Enrollment {
			e, err := e.Disable(at)
			require.NoError(t, err)
			e, _, err = e.Import(at, k, "My phone", time.Time{})
			require.NoError(t, err)
			return e
		},
	}
	for way, take := range ways {
		for _, pause := range []time.Duration{0, time.Minute, 7 * time.Hour} {
			t.Run(fmt.Sprint(way, " every ", pause), func(t *testing.T) {
				e := add(t, enroll.Enrollment{}, noon.Add(-time.Hour), keyA, "My phone")
				e = add(t, e, noon.Add(-time.Hour), keyB, "My tablet")
				owners, at := e.Authenticators(), noon
				var thieves []totp.Key
				for range 10 {
					thieves = append(thieves, fresh(t))
					e = take(e, at, thieves[len(thieves)-1])
					at = at.Add(pause)
				}
				kept := e.Recoverable(at)
				require.Len(t, kept, enroll.MaxAuthenticators)
				require.Equal(t, owners[0].ID, kept[0].ID)
				require.Equal(t, owners[1].ID, kept[1].ID)
				for _, owner := range owners {
					next, back, cleared, err := e.Restore(at, owner.ID)
					require.NoError(t, err)
					require.True(t, back.Key.Equal(owner.Key))
					require.NotEmpty(t, cleared)
					require.Empty(t, next.Recoverable(at))
					for _, k := range thieves {
						require.NotContains(t, cutRetired(t, next), hexOf(k))
						_, _, err := next.Verify(at, code(t, k, at), totp.Standard())
						require.ErrorIs(t, err, totp.ErrRejected)
					}
					for _, k := range append(kept, enroll.Recoverable{ID: cleared[0].ID}) {
						_, _, _, err := next.Restore(at, k.ID)
						require.ErrorIs(t, err, enroll.ErrUnknown)
					}
				}
			})
		}
	}
}

// If there are more than there is room for, those added first are kept, whatever the
// order in which they were removed.
func TestTheOldestAreKept(t *testing.T) {
	at := noon.Add(-10 * time.Hour)
	var e enroll.Enrollment
	var ids []string
	for i, k := range []totp.Key{keyA, keyB, keyC, keyD, keyE} {
		e = add(t, e, at.Add(time.Duration(i)*time.Minute), k, "")
		ids = append(ids, e.Authenticators()[i].ID)
	}
	var err error
	for _, i := range []int{4, 2, 3, 1} {
		e, err = e.Remove(noon, ids[i])
		require.NoError(t, err)
	}
	e = add(t, e, noon, fresh(t), "")
	e = add(t, e, noon, fresh(t), "")
	e, err = e.Disable(noon)
	require.NoError(t, err)
	var kept []string
	for _, k := range e.Recoverable(noon) {
		kept = append(kept, k.ID)
	}
	require.Equal(t, ids, kept)
}

// A code that was used before the theft does not pass after the restore.
func TestUsedStepsStayUsedThroughRestore(t *testing.T) {
	ahead := noon.Add(30 * time.Second)
	for way, take := range takenAway {
		owner := enrolled(t, noon.Add(-time.Hour), keyA)
		owner, _, err := owner.Verify(noon, code(t, keyA, ahead), totp.Standard())
		require.NoError(t, err)
		e := take(t, owner)
		e, _, _, err = e.Restore(noon, e.Recoverable(noon)[0].ID)
		require.NoError(t, err)
		for _, used := range []time.Time{noon, ahead} {
			_, _, err = e.Verify(noon, code(t, keyA, used), totp.Standard())
			require.ErrorIs(t, err, totp.ErrAlreadyUsed, way)
		}
		_, _, err = e.Verify(ahead, code(t, keyA, ahead), totp.Standard())
		require.ErrorIs(t, err, totp.ErrAlreadyUsed, way)
		at := ahead.Add(30 * time.Second)
		_, _, err = e.Verify(at, code(t, keyA, at), totp.Standard())
		require.NoError(t, err, way)
	}
}

// Nor does one that was used while the same secret was enrolled a second time, even with
// other digits: the last six of eight are known then.
func TestUsedStepsOfTheSameSecretStayUsedThroughRestore(t *testing.T) {
	for _, again := range []totp.Key{keyA, mustKey(keyA.Secret(), totp.Params{Digits: 8})} {
		e, err := enrolled(t, noon.Add(-2*time.Hour), keyA).Disable(noon.Add(-time.Hour))
		require.NoError(t, err)
		id := e.Recoverable(noon)[0].ID
		e = replace(t, e, noon, again, "")
		e, _, _, err = e.Restore(noon, id)
		require.NoError(t, err)
		_, _, err = e.Verify(noon, code(t, keyA, noon), totp.Standard())
		require.ErrorIs(t, err, totp.ErrAlreadyUsed)
		at := noon.Add(time.Minute)
		_, _, err = e.Verify(at, code(t, keyA, at), totp.Standard())
		require.NoError(t, err)
	}
	// The steps of another period are other numbers: the step numbers of the shorter
	// period would lock the owner out until the year 2080.
	e, err := enrolled(t, noon.Add(-2*time.Hour), keyA).Disable(noon.Add(-time.Hour))
	require.NoError(t, err)
	e = replace(t, e, noon, mustKey(keyA.Secret(), totp.Params{Period: 15 * time.Second}), "")
	e, _, _, err = e.Restore(noon, e.Recoverable(noon)[0].ID)
	require.NoError(t, err)
	_, _, err = e.Verify(noon, code(t, keyA, noon), totp.Standard())
	require.NoError(t, err)
}

// A reset keeps nothing, and neither does a machine account.
func TestResetAndExemptKeepNothing(t *testing.T) {
	e := replace(t, enrolled(t, noon.Add(-time.Hour), keyA), noon, keyB, "")
	id := e.Recoverable(noon)[0].ID
	reset, err := e.Reset(noon)
	require.NoError(t, err)
	exempt, err := e.Exempt(noon)
	require.NoError(t, err)
	for _, next := range []enroll.Enrollment{reset, exempt} {
		require.Empty(t, next.Recoverable(noon))
		_, _, _, err = next.Restore(noon, id)
		require.ErrorIs(t, err, enroll.ErrTransition)
	}
	next := replace(t, reset, noon, keyC, "")
	_, _, _, err = next.Restore(noon, id)
	require.ErrorIs(t, err, enroll.ErrUnknown)
}

func TestRestoreRefuses(t *testing.T) {
	e := inState(t, enroll.Replacing)
	kept := e.Recoverable(noon)[0].ID
	for _, id := range []string{"", "nobody's", e.Authenticators()[0].ID} {
		next, back, cleared, err := e.Restore(noon, id)
		require.ErrorIs(t, err, enroll.ErrUnknown)
		require.Empty(t, cleared)
		require.Empty(t, back.ID)
		require.Equal(t, e.Encode(), next.Encode())
	}
	_, _, _, err := e.Restore(time.Time{}, kept)
	require.ErrorIs(t, err, totp.ErrTime)
	_, _, _, err = enroll.Enrollment{}.Restore(noon, "")
	require.ErrorIs(t, err, enroll.ErrUnknown)
}
