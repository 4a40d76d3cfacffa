package enroll_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/totp"
)

var (
	allStates  = []enroll.State{enroll.Disabled, enroll.Pending, enroll.Active, enroll.Replacing, enroll.ResetPending, enroll.Exempted}
	allActions = []enroll.Action{
		enroll.Begin, enroll.Confirm, enroll.Cancel, enroll.Expire, enroll.Verify,
		enroll.Remove, enroll.Rename, enroll.Disable, enroll.Reset,
		enroll.Exempt, enroll.Import, enroll.Restore, enroll.Lapse,
	}
)

// edges is the state machine written a second time, as a grid: the rows are the states,
// the columns the actions in the order of allActions, and "-" means refused.
const edges = `
               begin         confirm cancel        expire        verify    remove    rename    disable  reset         exempt import restore lapse
disabled       pending       -       -             -             -         -         -         -        reset-pending exempt active active  -
pending        pending       active  disabled      disabled      -         -         -         -        reset-pending exempt active active  -
active         replacing     -       -             -             active    active    active    disabled reset-pending exempt active active  reset-pending
replacing      replacing     active  active        active        replacing replacing replacing disabled reset-pending exempt -      active  reset-pending
reset-pending  reset-pending active  reset-pending reset-pending -         -         -         -        reset-pending exempt -      -       -
exempt         -             -       -             -             -         -         -         -        reset-pending -      -      -       -
`

// wanted looks up an edge in the grid; "" means refused.
func wanted(t testing.TB, from enroll.State, action enroll.Action) enroll.State {
	lines := strings.Split(strings.TrimSpace(edges), "\n")
	columns := strings.Fields(lines[0])
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		require.Len(t, cells, len(columns)+1)
		for i, column := range columns {
			if cells[0] == string(from) && column == string(action) {
				return enroll.State(strings.Trim(cells[i+1], "-"))
			}
		}
	}
	t.Fatalf("the grid lacks %s, %s", from, action)
	return ""
}

func TestNextFollowsTheGrid(t *testing.T) {
	listed := 0
	for _, from := range allStates {
		for _, action := range allActions {
			to, err := enroll.Next(from, action)
			if want := wanted(t, from, action); want != "" {
				listed++
				require.NoError(t, err, "%s %s", from, action)
				require.Equal(t, want, to, "%s %s", from, action)
				continue
			}
			require.Equal(t, from, to, "a refused action leaves the state as it was")
			require.ErrorIs(t, err, enroll.ErrTransition)
			var refused *enroll.TransitionError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, enroll.TransitionError{From: from, Action: action}, *refused)
			require.Contains(t, err.Error(), string(from))
			require.Contains(t, err.Error(), string(action))
		}
	}
	require.Equal(t, len(enroll.Transitions()), listed, "every edge is in the grid, and none twice")
	require.Greater(t, listed, 20)
}

func TestNextRefusesUnknownWords(t *testing.T) {
	for _, c := range []struct {
		from   enroll.State
		action enroll.Action
	}{{"", enroll.Begin}, {"ACTIVE", enroll.Verify}, {"active ", enroll.Verify}, {enroll.Active, ""}, {enroll.Active, "Verify"}} {
		to, err := enroll.Next(c.from, c.action)
		require.ErrorIs(t, err, enroll.ErrTransition)
		require.Equal(t, c.from, to)
	}
}

func TestTransitionsBelongToTheCaller(t *testing.T) {
	mine := enroll.Transitions()
	for i := range mine {
		mine[i] = enroll.Transition{From: enroll.Disabled, Action: enroll.Verify, To: enroll.Active}
	}
	_, err := enroll.Next(enroll.Disabled, enroll.Verify)
	require.ErrorIs(t, err, enroll.ErrTransition)
}

// inState returns an enrollment in each state, with two live authenticators where there
// are any (so that one can be removed), a candidate where one may be, and a kept one
// where one can be.
func inState(t testing.TB, s enroll.State) enroll.Enrollment {
	before := noon.Add(-time.Hour)
	e, err := enrolled(t, before, keyE).Disable(before)
	require.NoError(t, err)
	switch s {
	case enroll.Pending, enroll.Disabled:
	case enroll.Active, enroll.Replacing:
		e = add(t, add(t, e, before, keyA, ""), before, keyB, "")
	case enroll.ResetPending:
		e, err = e.Reset(noon)
	case enroll.Exempted:
		e, err = e.Exempt(noon)
	}
	require.NoError(t, err)
	switch s {
	case enroll.Pending, enroll.Replacing, enroll.ResetPending:
		e = begin(t, e, noon, keyC)
	case enroll.Disabled, enroll.Active, enroll.Exempted:
	}
	require.Equal(t, s, e.State(noon))
	return e
}

// fit is inState for an action that not every authenticator allows: an import goes on
// only beside imported ones, and only weak ones lapse.
func fit(t testing.TB, s enroll.State, action enroll.Action) enroll.Enrollment {
	e := inState(t, s)
	live := len(e.Authenticators()) > 0
	switch {
	case live && action == enroll.Import && s == enroll.Active:
		e = inState(t, enroll.Disabled)
		for _, k := range []totp.Key{keyA, keyF} {
			var err error
			e, _, err = e.Import(noon, k, "", time.Time{})
			require.NoError(t, err)
		}
	case live && action == enroll.Lapse:
		e = inState(t, enroll.Disabled)
		e, _, err := e.Import(noon, weakKey, "", noon.Add(30*time.Second))
		require.NoError(t, err)
		if s == enroll.Replacing {
			e = begin(t, e, noon, keyC)
		}
		return e
	}
	return e
}

// perform calls the method of an action in a way that only the state can refuse.
func perform(t testing.TB, e enroll.Enrollment, action enroll.Action) (enroll.Enrollment, error) {
	var (
		candidate, _ = e.Candidate(noon)
		next         enroll.Enrollment
		err          error
		id           string
	)
	if live := e.Authenticators(); len(live) > 0 {
		id = live[len(live)-1].ID
	}
	if kept := e.Recoverable(noon); action == enroll.Restore && len(kept) > 0 {
		id = kept[0].ID
	}
	switch action {
	case enroll.Begin:
		next, _, err = e.Begin(noon, keyD, "Fresh", false)
	case enroll.Confirm:
		next, _, err = e.Confirm(noon, candidate.ID, code(t, keyC, noon), totp.Standard())
	case enroll.Cancel:
		next, err = e.Cancel(noon, candidate.ID)
	case enroll.Expire:
		next = e.Expire(noon.Add(enroll.CandidateLifetime))
		if string(next.Encode()) == string(e.Encode()) {
			err = enroll.ErrTransition // Expire returns no error; an unchanged value is its refusal
		}
	case enroll.Verify:
		next, _, err = e.Verify(noon, code(t, keyA, noon), totp.Standard())
	case enroll.Remove:
		next, err = e.Remove(noon, id)
	case enroll.Rename:
		next, err = e.Rename(id, "Other")
	case enroll.Disable:
		next, err = e.Disable(noon)
	case enroll.Reset:
		next, err = e.Reset(noon)
	case enroll.Exempt:
		next, err = e.Exempt(noon)
	case enroll.Import:
		next, _, err = e.Import(noon, keyC, "Imported", time.Time{})
	case enroll.Restore:
		next, _, _, err = e.Restore(noon, id)
	case enroll.Lapse:
		next = e.Expire(noon.Add(30 * time.Second))
		if string(next.Encode()) == string(e.Encode()) {
			err = enroll.ErrTransition
		}
	default:
		t.Fatalf("no method for %s", action)
	}
	return next, err
}

// Each method follows its edge and no other, from each state.
func TestMethodsFollowTheGrid(t *testing.T) {
	for _, from := range allStates {
		for _, action := range allActions {
			t.Run(fmt.Sprintf("%s/%s", from, action), func(t *testing.T) {
				e := fit(t, from, action)
				before := string(e.Encode())
				next, err := perform(t, e, action)
				require.Equal(t, before, string(e.Encode()), "the value itself never changes")
				if want := wanted(t, from, action); want != "" {
					require.NoError(t, err)
					require.Equal(t, want, next.State(noon))
					require.NotEqual(t, before, string(next.Encode()))
					reread, err := enroll.Decode(next.Encode())
					require.NoError(t, err, "what a method returns can be stored")
					require.Equal(t, next.Encode(), reread.Encode())
					return
				}
				require.ErrorIs(t, err, enroll.ErrTransition)
				require.Equal(t, before, string(next.Encode()), "a refusal returns the value unchanged")
			})
		}
	}
}

// VerifyPair has the edge of Verify.
func TestVerifyPairNeedsALiveAuthenticator(t *testing.T) {
	for _, from := range allStates {
		e := inState(t, from)
		first, second := code(t, keyA, noon.Add(-30*time.Second)), code(t, keyA, noon)
		_, _, err := e.VerifyPair(noon, first, second, totp.Standard())
		if wanted(t, from, enroll.Verify) == "" {
			require.ErrorIs(t, err, enroll.ErrTransition)
			require.ErrorIs(t, err, enroll.ErrNone)
			continue
		}
		require.NoError(t, err)
	}
}

func TestTheZeroValueIsDisabled(t *testing.T) {
	var e enroll.Enrollment
	require.Equal(t, enroll.Disabled, e.State(noon))
	require.Empty(t, e.Authenticators())
	_, found := e.Candidate(noon)
	require.False(t, found)
	require.True(t, e.ResetAt().IsZero())
	_, _, err := e.Verify(noon, "123456", totp.Standard())
	require.ErrorIs(t, err, enroll.ErrNone)
	var refused *enroll.TransitionError
	require.True(t, errors.As(err, &refused))
	require.Equal(t, enroll.Disabled, refused.From)
}

// The diagram in the documentation is the one that the table draws.
func TestDiagramInTheDocumentation(t *testing.T) {
	page, err := os.ReadFile("../docs/enrollment.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(page), "```mermaid\n")
	require.True(t, found)
	drawn, _, found := strings.Cut(rest, "```")
	require.True(t, found)
	require.Equal(t, enroll.Diagram(), drawn, "docs/enrollment.md: replace the diagram by what Diagram() returns")
}

func TestDiagramHasEveryEdge(t *testing.T) {
	drawn := enroll.Diagram()
	require.True(t, strings.HasPrefix(drawn, "stateDiagram-v2\n    [*] --> disabled\n"))
	arrows := map[string]string{}
	for line := range strings.Lines(drawn) {
		if arrow, actions, labelled := strings.Cut(strings.TrimSpace(line), ": "); labelled {
			require.NotContains(t, arrows, arrow, "one arrow between two states")
			arrows[arrow] = actions
		}
	}
	edges := 0
	for arrow, actions := range arrows {
		from, to, _ := strings.Cut(strings.ReplaceAll(arrow, "_", "-"), " --> ")
		for action := range strings.SplitSeq(actions, ", ") {
			edges++
			got, err := enroll.Next(enroll.State(from), enroll.Action(action))
			require.NoError(t, err)
			require.Equal(t, enroll.State(to), got)
		}
	}
	require.Equal(t, len(enroll.Transitions()), edges)
}
