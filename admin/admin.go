// Package admin lets administrators and operators manage other people's second factor.
// Begin with [New], from the service and the host's [Rule]. It stores policies and
// approval requests in the same store as the accounts. It defends against open sessions
// of administrators and against a single administrator, by a code for each call or for
// each window of a few minutes. Permissions are left to you, in the Rule.
//
// It lists who has enrolled, sets a tenant's policy, helps people who lost their phone,
// imports and erases accounts, and looks after the database.
//
// Every call names its [Actor]: an [Administrator] with a proof of their own second
// factor, or an [Operator] with a reason.
//
//	office := admin.New(mfa, rule)
//	err := office.Reset(ctx, admin.Administrator{User: user, Proof: proof}, target, admin.ScopeAll)
//
// Calls that only read return iterators. When one fails, it yields a zero value with the
// error last. Calls that change many records ([Admin.Reseal],
// [Admin.AfterDatabaseRestore]) report their progress, and an interrupted run continues
// from there.
//
// Nothing here shows a secret. Administrators cannot set up a factor for a person, except
// one that the person already had ([Admin.Import], [Admin.RestoreAuthenticator]).
package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/store"
)

// An Admin has the calls of administrators and operators. A host that stores generations
// takes the new one from the [totpflow.Change] that a call returns; otherwise an attacker
// who can write to the database could put back the record from before the call. It is a
// cheap value, and safe for concurrent use.
type Admin struct {
	engine *engine.Engine
	rule   Rule
}

// A Rule is a function of the host. It decides whether the actor, a signed-in person, may
// do the action to the target; a nil error permits it. For an action on a whole tenant,
// target.User is empty. The rule is asked after the library's own checks: the
// target is in the actor's tenant or in one below it ([totpflow.Config].ParentTenants), and
// is not the actor.
//
// With ActionApprove the rule is also asked about the account that made the request,
// which may be in a tenant above: where one person has several accounts, refuse the same
// person. The error may be [ErrSelf].
type Rule func(ctx context.Context, actor totpflow.User, action totpflow.Action, target store.AccountID) error

// New returns the administrators' calls under the host's rule. A nil rule
// refuses every [Administrator]; it is not asked about an [Operator].
func New(service *totpflow.Service, rule Rule) Admin {
	return Admin{engine: engine.Open(service.Handle()), rule: rule}
}

// The actions of administrators, for [Purpose] and for a [Rule].
const (
	ActionViewAccounts         totpflow.Action = "view accounts" // requires no proof
	ActionSetPolicy            totpflow.Action = "set policy"
	ActionResetAccount         totpflow.Action = "reset account"
	ActionUnlockAccount        totpflow.Action = "unlock account"
	ActionRevokeBrowser        totpflow.Action = "revoke browser"
	ActionExtendGrace          totpflow.Action = "extend grace"
	ActionExemptAccount        totpflow.Action = "exempt account" // or end its exemption
	ActionIssueCode            totpflow.Action = "issue recovery code"
	ActionRestoreAuthenticator totpflow.Action = "restore authenticator"
	ActionExportAccount        totpflow.Action = "export account" // requires no proof
	ActionForgetAccount        totpflow.Action = "forget account"
	ActionImport               totpflow.Action = "import accounts"
	ActionApprove              totpflow.Action = "approve request" // or withdraw it
	ActionAssignPhone          totpflow.Action = "assign phone"
	ActionRemind               totpflow.Action = "remind"
)

// An Actor is the person or program that performs an administrative call: an
// [Administrator] or an [Operator].
type Actor interface{ isActor() }

// Purpose returns what an administrator's proof must be for: the action on one
// account, or on a whole tenant where target.User is empty ([Admin.SetPolicy],
// [Admin.ResetMany]). [ActionApprove] is on the request's id instead, by
// ActionApprove.On(id), and [ActionImport] has no target.
func Purpose(action totpflow.Action, target store.AccountID) totpflow.Purpose {
	return action.On(strconv.Quote(target.Tenant) + "/" + strconv.Quote(target.User))
}

// An Administrator is a signed-in person. Every call except those that only read consumes
// a proof for its own [Purpose], from the administrator's [totpflow.Account.VerifyCode],
// or its part of a window ([Admin.OpenWindow]): a session left open cannot reset anybody,
// and a person without a second factor cannot require one of others. The proof is
// consumed even if the call then fails, so before you ask for the code, refuse calls that
// you know will fail, such as one on the administrator's own account.
type Administrator struct {
	User   totpflow.User
	Proof  totpflow.Proof
	Window Window // instead of a proof: a window that [Admin.OpenWindow] has opened for this action
}

// An Operator is a person or program that has access to the database and the keys anyway:
// someone who runs the command on the server because the last administrator is locked
// out, or a job. It needs no proof; name and reason are in every event. Never make one
// from the content of a request.
type Operator struct {
	Name   string // such as the login name on the server
	Reason string // such as the number of a support ticket
}

func (Administrator) isActor() {}
func (Operator) isActor()      {}

// LogValue implements [slog.LogValuer]. It shows no proof.
func (a Administrator) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("%+v", a)) }

// Errors of administrators' calls.
var (
	// ErrNotAllowed means that the host's [Rule] refused or is nil, that the target is in
	// another tenant, or that an [Operator] gave no name or no reason.
	ErrNotAllowed = errors.New("admin: not allowed")

	// ErrSelf means that an administrator named their own account or request: they manage
	// their own factor with their own code, through [totpflow.Account], and another
	// administrator approves their request.
	ErrSelf = errors.New("admin: administrators cannot do this to themselves")

	// ErrNoAccount means that the target has no record: the person has never reached the
	// second step, or the id is wrong.
	ErrNoAccount = errors.New("admin: this account has no record")
)

// An author is the actor as events name it.
type author struct {
	id     store.AccountID // zero for an operator
	name   string
	reason string
	mark   totpflow.SessionMark // the mark of the sessions when the proof was consumed
}

func (w author) operator() bool { return w.id.User == "" }

// log adds an event with the name of its author.
func (w author) log(tx *engine.Tx, e event.Event) {
	e.Actor, e.Reason = w.name, w.reason
	tx.Log(e)
}

// authoriseView authorises a call that only reads.
func (a Admin) authoriseView(ctx context.Context, by Actor, target store.AccountID) error {
	_, err := a.authorise(ctx, by, ActionViewAccounts, target)
	return err
}

// authoriseChange authorises a call that changes something, and consumes its
// proof. The proof is used up even if the call then fails: the administrator shows
// another code, and nothing is done twice.
func (a Admin) authoriseChange(ctx context.Context, by Actor, action totpflow.Action, target store.AccountID) (author, error) {
	return a.authoriseFor(ctx, by, Purpose(action, target), target)
}

// authoriseFor is authoriseChange where the proof is for something other than the target.
func (a Admin) authoriseFor(ctx context.Context, by Actor, p totpflow.Purpose, target store.AccountID) (author, error) {
	return a.authoriseAnd(ctx, by, p, target, func(*engine.Tx) {})
}

// authoriseAnd is authoriseFor where the write that consumes the proof also changes the
// administrator's own record.
func (a Admin) authoriseAnd(ctx context.Context, by Actor, p totpflow.Purpose, target store.AccountID, note func(*engine.Tx)) (author, error) {
	who, err := a.authorise(ctx, by, p.Action, target)
	if err != nil {
		return author{}, err
	}
	if admin, ok := by.(Administrator); ok {
		if admin.Proof == "" && admin.Window != "" && p == Purpose(p.Action, target) {
			who.mark, err = a.useWindow(ctx, admin, p.Action, target, note)
		} else {
			who.mark, err = a.consume(ctx, admin, p, note)
		}
		if err != nil {
			return author{}, err
		}
	}
	return who, nil
}

// consume consumes an administrator's proof, and returns the mark of their sessions at
// that moment.
func (a Admin) consume(ctx context.Context, by Administrator, p totpflow.Purpose, note func(*engine.Tx)) (totpflow.SessionMark, error) {
	t, err := a.engine.UnsealTicket(engine.ProofKind, string(by.Proof))
	if err != nil || p.Action == totpflow.ActionEnroll || t.Action != string(p.Action) || t.Target != p.Target || t.Account() != by.User.ID {
		return "", totpflow.ErrProof
	}
	c, err := a.changeAccount(ctx, by.User.ID, func(tx *engine.Tx) error {
		if tx.Generation < by.User.Generation {
			tx.Log(event.Event{Kind: event.RecordLost})
			return totpflow.ErrRecordLost
		}
		if !t.Consume(tx) {
			if t.Used(tx) {
				return fmt.Errorf("%w; %w", totpflow.ErrUsed, totpflow.ErrProof)
			}
			return totpflow.ErrProof
		}
		note(tx)
		return nil
	})
	return c.Mark, err
}

func (a Admin) authorise(ctx context.Context, by Actor, action totpflow.Action, target store.AccountID) (author, error) {
	switch by := by.(type) {
	case Operator:
		if by.Name == "" || by.Reason == "" {
			return author{}, fmt.Errorf("%w: an operator must give a name and a reason", ErrNotAllowed)
		}
		return author{name: "operator " + by.Name, reason: by.Reason}, nil
	case Administrator:
		if err := a.permit(ctx, by.User, action, target); err != nil {
			return author{}, err
		}
		return author{id: by.User.ID, name: actorName(by.User.ID, target.Tenant)}, nil
	default: // nil
		return author{}, ErrNotAllowed
	}
}

// permit asks whether an administrator may do the action to the target.
func (a Admin) permit(ctx context.Context, u totpflow.User, action totpflow.Action, target store.AccountID) error {
	if err := account.Validate(u.ID); err != nil {
		return fmt.Errorf("%w: %w", ErrNotAllowed, err)
	}
	if u.ID == target && action != ActionViewAccounts {
		return ErrSelf
	}
	if ok, err := a.isAbove(ctx, u.ID.Tenant, target.Tenant); err != nil {
		return err
	} else if !ok {
		return fmt.Errorf("%w: the account belongs to another tenant", ErrNotAllowed)
	}
	return a.askRule(ctx, u, action, target)
}

// askRule asks the host's rule.
func (a Admin) askRule(ctx context.Context, u totpflow.User, action totpflow.Action, target store.AccountID) error {
	if a.rule == nil {
		return ErrNotAllowed
	}
	if err := a.rule(ctx, u, action, target); err != nil {
		return fmt.Errorf("%w: %w", ErrNotAllowed, err)
	}
	return nil
}

// isAbove reports whether the tenant upper is the tenant itself or above it.
func (a Admin) isAbove(ctx context.Context, upper, tenant string) (bool, error) {
	if upper == tenant {
		return true, nil
	}
	chain, err := a.parents(ctx, tenant)
	return slices.Contains(chain, upper), err
}

// parents returns the tenants above a tenant, nearest first.
func (a Admin) parents(ctx context.Context, tenant string) ([]string, error) {
	if a.engine.ParentTenants == nil {
		return nil, nil
	}
	chain, err := a.engine.ParentTenants(ctx, tenant)
	if err != nil {
		return nil, a.engine.PolicyFailed(ctx, tenant, err)
	}
	return chain, nil
}

// actorName distinguishes administrators of a tenant above from those of the target's own
// tenant.
func actorName(id store.AccountID, tenant string) string {
	if id.Tenant == tenant {
		return id.User
	}
	return id.Tenant + "/" + id.User
}

// change runs an administrator's call on an account that has a record.
func (a Admin) change(ctx context.Context, by Actor, action totpflow.Action, target store.AccountID, decide func(*engine.Tx, author) error) (totpflow.Change, error) {
	who, err := a.authoriseChange(ctx, by, action, target)
	if err != nil {
		return totpflow.Change{}, err
	}
	return a.changeFound(ctx, target, func(tx *engine.Tx) error { return decide(tx, who) })
}

// changeFound changes an account that has a record, and saves it unless decide
// fails.
func (a Admin) changeFound(ctx context.Context, target store.AccountID, decide func(*engine.Tx) error) (totpflow.Change, error) {
	return a.changeAccount(ctx, target, func(tx *engine.Tx) error {
		if !tx.Found {
			return ErrNoAccount
		}
		if err := decide(tx); err != nil {
			return err
		}
		tx.Save()
		return nil
	})
}

// changeAccount changes an account and returns how it then stands.
func (a Admin) changeAccount(ctx context.Context, target store.AccountID, decide func(*engine.Tx) error) (totpflow.Change, error) {
	var c totpflow.Change
	err := a.engine.Change(ctx, target, func(tx *engine.Tx) error {
		if err := decide(tx); err != nil {
			return err
		}
		c = totpflow.Change{ID: target, Generation: tx.Generation, Mark: a.mark(tx)}
		return nil
	})
	return engine.Acknowledged(c, err)
}

func (a Admin) mark(tx *engine.Tx) totpflow.SessionMark {
	return totpflow.SessionMark(a.engine.SessionMark(tx))
}
