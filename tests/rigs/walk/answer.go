package walk

import (
	"errors"
	"fmt"
	"strings"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
)

// words are the answers that the model knows.
var words = []struct {
	is   error
	word string
}{
	{store.ErrUnavailable, "unavailable"}, {throttle.ErrThrottled, "throttled"},
	{totpflow.ErrAlreadyUsed, "used"}, {totpflow.ErrRejected, "rejected"},
	{totpflow.ErrChallenge, "challenge"}, {totpflow.ErrProof, "proof"}, {totpflow.ErrEnrollmentExpired, "enrollment"},
	{totpflow.ErrNotEnrolled, "not enrolled"}, {admin.ErrAlreadyEnrolled, "enrolled"}, {totpflow.ErrFactorRequired, "required"},
	{totpflow.ErrFrozen, "frozen"}, {totpflow.ErrExempt, "exempt"}, {totpflow.ErrNotExempt, "not exempt"}, {totpflow.ErrKeyEnded, "ended key"},
	{admin.ErrNoAccount, "no account"}, {totpflow.ErrPasswordRecent, "recent"}, {totpflow.ErrDisownToken, "disown"},
	{admin.ErrGrace, "grace"}, {admin.ErrNoGrace, "no grace"}, {enroll.ErrTransition, "transition"}, {enroll.ErrClock, "clock"},
	{enroll.ErrTooManyAuthenticators, "limit"}, {enroll.ErrLast, "last"}, {enroll.ErrUnknown, "unknown"},
}

// said returns an error as a word, "ok" for none.
func said(err error) string {
	for _, w := range words {
		if errors.Is(err, w.is) {
			return w.word
		}
	}
	if err != nil {
		return err.Error()
	}
	return "ok"
}

// word returns the answer to a step of a sign-in.
func word(step totpflow.Step, err error) string {
	if err != nil {
		return said(err)
	}
	return map[totpflow.Step]string{totpflow.Passed: "in", totpflow.AskCode: "ask", totpflow.Enroll: "set up"}[step]
}

// An expectation is an answer and the change that follows; nil if nothing changes.
type expectation struct {
	answer string
	then   func()
}

func only(answer string) expectation { return expectation{answer: answer} }

// Met is how often a walk has met an answer, such as "verify: rejected".
type Met map[string]int

// Add counts what another walk has met.
func (m Met) Add(other Met) {
	for answer, n := range other {
		m[answer] += n
	}
}

// String lists how many there were.
func (m Met) String() string {
	sum := 0
	for _, n := range m {
		sum += n
	}
	return fmt.Sprintf("%d answers of %d kinds", sum, len(m))
}

// expect compares an answer with the model's, and advances the model by it.
func (w *walker) expect(what string, e expectation, got string) bool {
	w.met[what+": "+got]++
	w.recall("%s: %s", what, got)
	if w.refusing && got == "unavailable" {
		return false
	}
	w.check(e.answer == got, "%s: the service says %q, the model %q", what, got, e.answer)
	if e.then != nil {
		w.check(!w.refusing, "%s: it went through although the store refused", what)
		e.then()
	}
	return true
}

// expectError does the same for a call that returns only an error.
func (w *walker) expectError(what string, err error, e func(got string) expectation) bool {
	got := said(err)
	return w.expect(what, e(got), got)
}

// expectChange does the same for a call that returns the new state of the account.
func (w *walker) expectChange(what string, user int, e func(got string) expectation) func(totpflow.Change, error) {
	return func(c totpflow.Change, err error) {
		if w.expectError(what, err, e) && err == nil {
			w.check(c.ID == w.id(user), "%s: the change is of %v", what, c.ID)
			w.sees(user, c.Mark)
		}
	}
}

// A difference ends the walk. The step that finds it panics, and Run recovers: later
// steps would rely on a wrong state.
type difference string

func (w *walker) check(ok bool, format string, a ...any) {
	if !ok {
		panic(difference(fmt.Sprintf(format, a...)))
	}
}

func (w *walker) need(err error, what string) { w.check(err == nil, "%s: %v", what, err) }

// recall keeps the latest events, for a person who has to find the cause.
func (w *walker) recall(format string, a ...any) {
	w.last = append(w.last[max(0, len(w.last)-15):], fmt.Sprintf(format, a...))
}

// tell returns the error of a difference.
func (w *walker) tell(d difference) error {
	return fmt.Errorf("walk: step %d, up to byte %d of %d of the script, at %v: %s (the last answers: %s)",
		w.steps, w.length-len(w.script), w.length, w.now(), string(d), strings.Join(w.last, ", "))
}
