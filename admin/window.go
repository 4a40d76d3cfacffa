package admin

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/store"
)

// ActionOpenWindow is the action of the proof for [Admin.OpenWindow]; see
// [WindowPurpose].
const ActionOpenWindow totpflow.Action = "open window"

// Limits of a window.
const (
	// WindowLifetime is how long a window is open: as long as a proof is valid.
	WindowLifetime = account.WindowAge
	// MaxTargets is how many people a window may name.
	MaxTargets = account.MaxTargets
)

// A Window names a window that [Admin.OpenWindow] has opened, for
// [Administrator].Window. Keep it in a cookie of the browser that opened it: another
// session of the administrator cannot use the window without it. Printing it shows
// nothing; string(w) is the value.
type Window string

// LogValue implements [slog.LogValuer].
func (w Window) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(w)) }

// Format implements [fmt.Formatter].
func (w Window) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[window]") }

// WindowActions returns the actions that a window may be for. Policies, exemptions, erasures,
// approvals, imports, numbers and reminders require a code each.
func WindowActions() []totpflow.Action { return slices.Clone(windowActions) }

var windowActions = []totpflow.Action{
	ActionResetAccount, ActionUnlockAccount, ActionRevokeBrowser, ActionExtendGrace, ActionIssueCode, ActionRestoreAuthenticator,
}

// ErrWindow means that a window names no people, more than [MaxTargets], a whole tenant,
// or an action that requires a code each time (one that is not in [WindowActions]).
var ErrWindow = fmt.Errorf("admin: a window is for 1 to %d people, and for some actions only", MaxTargets)

// WindowPurpose returns the purpose of the proof for [Admin.OpenWindow]: these actions on
// these people, in any order. A proof for other people opens nothing.
func WindowPurpose(actions []totpflow.Action, targets []store.AccountID) totpflow.Purpose {
	var parts []string
	for _, a := range actions {
		parts = append(parts, "a"+strconv.Quote(string(a)))
	}
	for _, id := range targets {
		parts = append(parts, "t"+strconv.Quote(id.Tenant)+"/"+strconv.Quote(id.User))
	}
	slices.Sort(parts)
	sum := sha256.Sum256([]byte(strings.Join(slices.Compact(parts), "\n")))
	return ActionOpenWindow.On(base64.RawURLEncoding.EncodeToString(sum[:]))
}

// OpenWindow lets an administrator perform each of the actions on each of the people,
// once, by one code, within [WindowLifetime]: helping three people does not require four
// codes. The window is state in the administrator's own record and replaces the one
// before. A call names it in [Administrator].Window instead of a proof. Each call is
// authorized at the time of the call, and uses up its part of the window even if it then
// fails. Resets count toward [MaxResets] like any others. The window ends with everything
// that ends the administrator's sessions, proofs or account, and by [Admin.CloseWindow].
// Errors: [ErrWindow], [ErrSelf], [ErrNotAllowed], [totpflow.ErrProof].
func (a Admin) OpenWindow(ctx context.Context, by Administrator, actions []totpflow.Action, targets []store.AccountID) (_ Window, err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.open_window")
	defer flow.End(&err)
	actions, targets = distinct(actions), distinct(targets)
	if len(actions) == 0 || len(targets) == 0 || len(targets) > MaxTargets {
		return "", ErrWindow
	}
	var words []string
	for _, action := range actions {
		if !slices.Contains(windowActions, action) {
			return "", fmt.Errorf("%w: %s", ErrWindow, action)
		}
		words = append(words, string(action))
		for _, id := range targets { // before the proof is consumed
			if id.User == "" {
				return "", fmt.Errorf("%w: a whole tenant", ErrWindow)
			}
			if err := cmp.Or(account.Validate(id), a.permit(ctx, by.User, action, id)); err != nil {
				return "", err
			}
		}
	}
	var key [16]byte
	// By a proof only: a window cannot open another.
	_, err = a.consume(ctx, by, WindowPurpose(actions, targets), func(tx *engine.Tx) {
		rand.Read(key[:]) // never fails, by its contract
		tx.Window = account.NewWindow(key, a.engine.SessionMark(tx), tx.Now, words, targets)
	})
	return engine.Acknowledged(Window(base64.RawURLEncoding.EncodeToString(key[:])), err)
}

// distinct returns the values without repeated ones.
func distinct[T comparable](all []T) (once []T) {
	for _, v := range all {
		if !slices.Contains(once, v) {
			once = append(once, v)
		}
	}
	return once
}

// CloseWindow closes the administrator's window, whichever browser it was opened in. It
// requires no proof: it only takes permission away. Call it at sign-out.
func (a Admin) CloseWindow(ctx context.Context, user totpflow.User) (err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.close_window")
	defer flow.End(&err)
	return a.engine.Change(ctx, user.ID, func(tx *engine.Tx) error {
		if !tx.Window.IsZero() {
			tx.Window = account.Window{}
			tx.Save()
		}
		return nil
	})
}

// A WindowRest lists the actions that a window still permits.
type WindowRest struct {
	Until   time.Time // zero: nothing, and no window is open
	Targets []WindowTarget
}

// A WindowTarget lists the actions that a window still permits for one person.
type WindowTarget struct {
	ID      store.AccountID
	Actions []totpflow.Action
}

// Permits reports whether the window permits the action to the person.
func (r WindowRest) Permits(action totpflow.Action, target store.AccountID) bool {
	return slices.ContainsFunc(r.Targets, func(t WindowTarget) bool { return t.ID == target && slices.Contains(t.Actions, action) })
}

// WindowRest returns what the actor's window still permits. It is for display only: the
// call that uses the window decides. It requires no proof.
func (a Admin) WindowRest(ctx context.Context, by Administrator) (_ WindowRest, err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.window_rest")
	defer flow.End(&err)
	key, err := by.Window.key()
	if err != nil {
		return WindowRest{}, nil
	}
	var rest WindowRest
	err = a.engine.Look(ctx, by.User.ID, func(tx *engine.Tx) error {
		rest = WindowRest{}
		if tx.Frozen() {
			return nil
		}
		for _, t := range tx.Window.Rest(key, a.engine.SessionMark(tx), tx.Now) {
			target := WindowTarget{ID: t.ID}
			for i, action := range tx.Window.Actions {
				if t.Left&(1<<i) != 0 {
					target.Actions = append(target.Actions, totpflow.Action(action))
				}
			}
			rest.Targets, rest.Until = append(rest.Targets, target), tx.Window.Until
		}
		return nil
	})
	return engine.Acknowledged(rest, err)
}

var errNoWindow = errors.New("admin: no window")

// key returns the key that the window is named by.
func (w Window) key() (key [16]byte, err error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(string(w))
	if err != nil || len(raw) != len(key) || len(w) != base64.RawURLEncoding.EncodedLen(len(key)) {
		return key, errNoWindow
	}
	return [16]byte(raw), nil
}

// useWindow uses the administrator's window for the action on the target, by one write
// of the administrator's own record.
func (a Admin) useWindow(ctx context.Context, by Administrator, action totpflow.Action, target store.AccountID, note func(*engine.Tx)) (totpflow.SessionMark, error) {
	key, err := by.Window.key()
	if err != nil {
		return "", totpflow.ErrProof
	}
	c, err := a.changeAccount(ctx, by.User.ID, func(tx *engine.Tx) error {
		if tx.Generation < by.User.Generation {
			tx.Log(event.Event{Kind: event.RecordLost})
			return totpflow.ErrRecordLost
		}
		w, ok := tx.Window.Use(key, a.engine.SessionMark(tx), tx.Now, string(action), target)
		if !ok || tx.Frozen() {
			return totpflow.ErrProof
		}
		tx.Window = w
		tx.Save()
		note(tx)
		return nil
	})
	return c.Mark, err
}
