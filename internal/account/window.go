package account

import (
	"crypto/subtle"
	"math/bits"
	"slices"
	"time"

	"github.com/totpflow/totpflow/internal/skew"
	"github.com/totpflow/totpflow/internal/wire"
	"github.com/totpflow/totpflow/store"
)

// A Window lists what an administrator may still do with one code: each of a few actions
// on each of a few people, once. It is in the administrator's own record, so that one
// write both checks and uses a part of it, and everything that ends the sessions ends it.
// The zero Window permits nothing.
type Window struct {
	Key     [16]byte // only the browser that opened it has it: another open session cannot use it
	Mark    string   // the mark of the sessions when it was opened
	Until   time.Time
	Actions []string
	Targets []WindowTarget
}

// A WindowTarget is a person in a window.
type WindowTarget struct {
	ID   store.AccountID
	Left uint64 // a bit for each of the window's actions that was not used yet
}

// Limits of a window. A thief of an open one can do no more than was named when the
// code was typed.
const (
	WindowAge  = 5 * time.Minute // as long as a proof is valid
	MaxTargets = 20
	MaxActions = 8
)

// NewWindow returns a window for each of the actions to each of the targets.
func NewWindow(key [16]byte, mark string, at time.Time, actions []string, targets []store.AccountID) Window {
	w := Window{Key: key, Mark: mark, Until: at.Add(WindowAge).Truncate(time.Millisecond), Actions: slices.Clone(actions)}
	for _, id := range targets {
		w.Targets = append(w.Targets, WindowTarget{ID: id, Left: 1<<len(actions) - 1})
	}
	return w
}

// Use returns the window without this action to this target. It reports false, with the
// window as it was, where the window does not, or no longer, permit it.
func (w Window) Use(key [16]byte, mark string, at time.Time, action string, target store.AccountID) (Window, bool) {
	if !w.opens(key, mark, at) {
		return w, false
	}
	i := slices.Index(w.Actions, action)
	j := slices.IndexFunc(w.Targets, func(t WindowTarget) bool { return t.ID == target })
	if i < 0 || j < 0 || w.Targets[j].Left&(1<<i) == 0 {
		return w, false
	}
	w.Targets = slices.Clone(w.Targets)
	w.Targets[j].Left &^= 1 << i
	return w, true
}

// Rest returns the targets for which the window still permits something.
func (w Window) Rest(key [16]byte, mark string, at time.Time) []WindowTarget {
	if !w.opens(key, mark, at) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(w.Targets), func(t WindowTarget) bool { return bits.OnesCount64(t.Left) == 0 })
}

// opens compares the key in constant time, since it is the browser's secret.
func (w Window) opens(key [16]byte, mark string, at time.Time) bool {
	return w.live(at) && w.Mark == mark && subtle.ConstantTimeCompare(w.Key[:], key[:]) == 1
}

// live reports whether the window is open. A window whose end is too far away was opened
// by a clock that was ahead.
func (w Window) live(at time.Time) bool {
	left := w.Until.Sub(at)
	return left > 0 && left <= WindowAge+skew.Tolerance
}

func (w Window) expire(at time.Time) Window {
	if w.live(at) {
		return w
	}
	return Window{}
}

// IsZero reports whether there is none.
func (w *Window) IsZero() bool {
	return w.Key == [16]byte{} && w.Mark == "" && w.Until.IsZero() && len(w.Actions) == 0 && len(w.Targets) == 0
}

// Fields describes the window.
func (w *Window) Fields(c *wire.Coder) {
	c.Fixed("key", w.Key[:])
	c.Text("mark", &w.Mark, maxMark)
	c.Millis("until", &w.Until)
	wire.List(c, "actions", &w.Actions, MaxActions, func(action *string, c *wire.Coder) { c.Text("action", action, maxScope) })
	wire.List(c, "targets", &w.Targets, MaxTargets, (*WindowTarget).fields)
}

func (t *WindowTarget) fields(c *wire.Coder) {
	c.Word("tenant", &t.ID.Tenant, store.MaxID)
	c.Text("user", &t.ID.User, store.MaxID)
	wire.Number(c, "left", &t.Left, 0, 1<<MaxActions-1)
}
