package enroll_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/internal/transitions"
	"github.com/totpflow/totpflow/internal/wire/wiretest"
	"github.com/totpflow/totpflow/totp"
)

// Of two weak authenticators one ends at a time, and the account lapses with the last.
func TestWeakOnesEndOneByOne(t *testing.T) {
	other := mustWeak("NRXW4Z3FOJTWK3TF")
	long, short := noon.Add(2*time.Hour), noon.Add(time.Hour)
	e, _, err := enroll.Enrollment{}.Import(noon, weakKey, "", long)
	require.NoError(t, err)
	e, _, err = e.Import(noon, other, "", short)
	require.NoError(t, err)
	require.Equal(t, long, e.WeakUntil())

	one := e.Expire(short)
	require.Len(t, one.Authenticators(), 1)
	require.Equal(t, long, one.WeakUntil())
	view := wiretest.View(t, &one)
	require.Equal(t, 1, strings.Count(view, hexOf(weakKey)), "live, and not retired")
	require.Equal(t, 1, strings.Count(view, hexOf(other)))
	for _, e := range []enroll.Enrollment{e, one} {
		e = e.Expire(long)
		require.True(t, e.Lapsed())
		require.Equal(t, long, e.ResetAt())
	}
}

// With an error each call returns the enrollment that it was given, whatever the state
// and the error: a host that stores the result loses nothing.
func TestErrorsKeepTheEnrollment(t *testing.T) {
	std := totp.Standard()
	calls := map[string]func(e enroll.Enrollment, at time.Time, id, typed string) (enroll.Enrollment, error){
		"Enrollment.Begin": func(e enroll.Enrollment, at time.Time, _, _ string) (enroll.Enrollment, error) {
			if next, _, err := e.Begin(at, totp.Key{}, "", true); err == nil {
				return next, nil
			}
			next, _, err := e.Begin(at, keyA, "", true)
			return next, err
		},
		"Enrollment.Cancel": func(e enroll.Enrollment, at time.Time, id, _ string) (enroll.Enrollment, error) {
			return e.Cancel(at, id)
		},
		"Enrollment.Confirm": func(e enroll.Enrollment, at time.Time, id, typed string) (enroll.Enrollment, error) {
			next, _, err := e.Confirm(at, id, typed, std)
			return next, err
		},
		"Enrollment.Disable": func(e enroll.Enrollment, at time.Time, _, _ string) (enroll.Enrollment, error) {
			return e.Disable(at)
		},
		"Enrollment.Exempt": func(e enroll.Enrollment, at time.Time, _, _ string) (enroll.Enrollment, error) {
			return e.Exempt(at)
		},
		"Enrollment.Import": func(e enroll.Enrollment, at time.Time, _, _ string) (enroll.Enrollment, error) {
			next, _, err := e.Import(at, keyA, "", time.Time{})
			return next, err
		},
		"Enrollment.Remove": func(e enroll.Enrollment, at time.Time, id, _ string) (enroll.Enrollment, error) {
			return e.Remove(at, id)
		},
		"Enrollment.Rename": func(e enroll.Enrollment, _ time.Time, id, _ string) (enroll.Enrollment, error) {
			return e.Rename(id, "Phone")
		},
		"Enrollment.Reset": func(e enroll.Enrollment, at time.Time, _, _ string) (enroll.Enrollment, error) {
			return e.Reset(at)
		},
		"Enrollment.Restore": func(e enroll.Enrollment, at time.Time, id, _ string) (enroll.Enrollment, error) {
			next, _, _, err := e.Restore(at, id)
			return next, err
		},
		"Enrollment.Verify": func(e enroll.Enrollment, at time.Time, _, typed string) (enroll.Enrollment, error) {
			next, _, err := e.Verify(at, typed, std)
			return next, err
		},
		"Enrollment.VerifyPair": func(e enroll.Enrollment, at time.Time, _, typed string) (enroll.Enrollment, error) {
			next, _, err := e.VerifyPair(at, typed, typed, std)
			return next, err
		},
		"Next": func(e enroll.Enrollment, at time.Time, _, _ string) (enroll.Enrollment, error) {
			was := e.State(at)
			now, err := enroll.Next(was, enroll.Action("no such action"))
			require.Equal(t, was, now)
			return e, err
		},
	}
	names, err := transitions.Of(".")
	require.NoError(t, err)
	require.ElementsMatch(t, names, slices.Collect(maps.Keys(calls)), "a call that replaces a state is missing here")

	for name, call := range calls {
		refused := 0
		for state, e := range everyState(t) {
			ids := []string{"", "unknown"}
			for _, a := range e.Authenticators() {
				ids = append(ids, a.ID)
			}
			if c, ok := e.Candidate(noon); ok {
				ids = append(ids, c.ID)
			}
			for _, at := range []time.Time{noon, noon.Add(time.Minute), noon.Add(time.Hour), noon.Add(-time.Hour), time.Unix(-1, 0)} {
				for _, id := range ids {
					for _, typed := range []string{"", "12345", "000000", code(t, keyA, noon)} {
						was := string(e.Encode())
						next, err := call(e, at, id, typed)
						require.Equal(t, was, string(e.Encode()), "%s changed its receiver in %s", name, state)
						if err != nil {
							refused++
							require.Equal(t, was, string(next.Encode()), "%s in %s: %v", name, state, err)
						}
					}
				}
			}
		}
		require.Positive(t, refused, name)
	}
}

// everyState returns an enrollment in each state, with kept and retired authenticators
// where the state allows them.
func everyState(t *testing.T) map[string]enroll.Enrollment {
	must := func(e enroll.Enrollment, err error) enroll.Enrollment {
		require.NoError(t, err)
		return e
	}
	two := enrolled(t, noon, keyA, keyB)
	disabled := must(two.Disable(noon))
	return map[string]enroll.Enrollment{
		"zero":            {},
		"disabled":        disabled,
		"pending":         begin(t, disabled, noon, keyC),
		"active":          enrolled(t, noon, keyA),
		"active with two": two,
		"full":            enrolled(t, noon, keyA, keyB, keyC, keyD, keyE),
		"replacing":       begin(t, two, noon, keyC),
		"reset":           must(two.Reset(noon)),
		"exempt":          must(two.Exempt(noon)),
	}
}
