package enroll

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// State is the state of an account's authenticators. The words are
// stable: they are stored, and stores list records by them.
type State string

const (
	// Disabled: no authenticator and no candidate. A zero [Enrollment] is disabled.
	Disabled State = "disabled"
	// Pending: a first authenticator is offered and has not shown a code yet.
	Pending State = "pending"
	// Active: at least one authenticator is live.
	Active State = "active"
	// Replacing: at least one authenticator is live and a candidate is pending, to
	// replace it or to be added.
	Replacing State = "replacing"
	// ResetPending: an administrator cleared the authenticators, or the last one was
	// weak and has ended ([Enrollment.Lapsed]), and the person must enroll again. A
	// candidate may be pending; the state stays until it is confirmed.
	ResetPending State = "reset-pending"
	// Exempted: a machine account, which needs no second factor and cannot set one up.
	// Only a reset makes it a regular account again, which then must enroll.
	Exempted State = "exempt"
)

// Action names an edge between states. Each has a method of [Enrollment] of the
// same name; [Enrollment.VerifyPair] takes the edge of [Verify].
type Action string

const (
	Begin   Action = "begin"   // offer a candidate; an older one is dropped
	Confirm Action = "confirm" // the candidate showed a code and goes live
	Cancel  Action = "cancel"  // the person withdraws the candidate
	Expire  Action = "expire"  // the candidate is older than [CandidateLifetime]
	Verify  Action = "verify"  // a live authenticator shows a code
	Remove  Action = "remove"  // one live authenticator is removed, others stay
	Rename  Action = "rename"  // a live authenticator gets another name
	Disable Action = "disable" // the person turns the second factor off
	Reset   Action = "reset"   // an administrator clears everything
	Exempt  Action = "exempt"  // an administrator makes it a machine account
	Import  Action = "import"  // a secret of another system goes live at once
	Restore Action = "restore" // an administrator brings back a removed one
	Lapse   Action = "lapse"   // the last authenticator, a weak one, has expired
)

// Transition is one edge of the state machine.
type Transition struct {
	From   State
	Action Action
	To     State
}

// transitions is the whole state machine: an edge that is not listed is refused.
//
// Four things to notice here. Only Active and Replacing have a Verify edge: a candidate
// never signs anybody in. Begin leads from Active to Replacing, never to Pending: anyone
// who starts a new enrollment and walks away (or does so in a stolen session) has not
// weakened the authenticator that is live. Restore has an edge wherever an authenticator
// may be kept, Pending included: a thief who disables the second factor in a stolen
// session and begins an enrollment must not keep the owner's from being restored. And
// Exempted has one way out, which forces an enrollment. Import also leads from Active,
// for a person who has several authenticators in the other system; see
// [Enrollment.Import] for the condition.
var transitions = []Transition{
	{Disabled, Begin, Pending},
	{Disabled, Reset, ResetPending},
	{Disabled, Exempt, Exempted},
	{Disabled, Import, Active},
	{Disabled, Restore, Active},

	{Pending, Begin, Pending},
	{Pending, Confirm, Active},
	{Pending, Cancel, Disabled},
	{Pending, Expire, Disabled},
	{Pending, Reset, ResetPending},
	{Pending, Exempt, Exempted},
	{Pending, Import, Active},
	{Pending, Restore, Active},

	{Active, Begin, Replacing},
	{Active, Verify, Active},
	{Active, Remove, Active},
	{Active, Rename, Active},
	{Active, Disable, Disabled},
	{Active, Reset, ResetPending},
	{Active, Exempt, Exempted},
	{Active, Import, Active},
	{Active, Restore, Active},
	{Active, Lapse, ResetPending},

	{Replacing, Begin, Replacing},
	{Replacing, Confirm, Active},
	{Replacing, Cancel, Active},
	{Replacing, Expire, Active},
	{Replacing, Verify, Replacing},
	{Replacing, Remove, Replacing},
	{Replacing, Rename, Replacing},
	{Replacing, Disable, Disabled},
	{Replacing, Reset, ResetPending},
	{Replacing, Exempt, Exempted},
	{Replacing, Restore, Active},
	{Replacing, Lapse, ResetPending},

	{ResetPending, Begin, ResetPending},
	{ResetPending, Confirm, Active},
	{ResetPending, Cancel, ResetPending},
	{ResetPending, Expire, ResetPending},
	{ResetPending, Reset, ResetPending},
	{ResetPending, Exempt, Exempted},

	{Exempted, Reset, ResetPending},
}

// Transitions returns the edges of the state machine, in the order of the
// states. The slice is the caller's.
func Transitions() []Transition { return slices.Clone(transitions) }

// Next returns the state that action leads to from state from. For an edge that
// is not listed it returns from itself and a [*TransitionError].
func Next(from State, action Action) (State, error) {
	for _, t := range transitions {
		if t.From == from && t.Action == action {
			return t.To, nil
		}
	}
	return from, &TransitionError{From: from, Action: action}
}

// ErrTransition matches every [*TransitionError].
var ErrTransition = errors.New("enroll: not possible in this state")

// TransitionError reports an action that the state machine does not permit in the current
// state. Nothing was changed.
type TransitionError struct {
	From   State
	Action Action
}

func (e *TransitionError) Error() string {
	return fmt.Sprintf("enroll: cannot %s while %s", e.Action, e.From)
}

// Is makes a TransitionError match [ErrTransition].
func (e *TransitionError) Is(target error) bool { return target == ErrTransition }

// Diagram draws the state machine as a Mermaid stateDiagram-v2. It is generated
// from the table that decides, so that the picture in the documentation cannot differ
// from it.
func Diagram() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	fmt.Fprintf(&b, "    [*] --> %s\n", mermaidID(Disabled))
	for i, t := range transitions {
		if slices.ContainsFunc(transitions[:i], t.parallel) {
			continue // drawn with the first edge between the two
		}
		var actions []string
		for _, other := range transitions[i:] {
			if t.parallel(other) {
				actions = append(actions, string(other.Action))
			}
		}
		fmt.Fprintf(&b, "    %s --> %s: %s\n", mermaidID(t.From), mermaidID(t.To), strings.Join(actions, ", "))
	}
	return b.String()
}

// parallel reports whether two edges join the same states, so that the diagram
// draws them as one arrow.
func (t Transition) parallel(other Transition) bool {
	return t.From == other.From && t.To == other.To
}

// mermaidID spells a state as an identifier: Mermaid does not allow a hyphen in one.
func mermaidID(s State) string { return strings.ReplaceAll(string(s), "-", "_") }
