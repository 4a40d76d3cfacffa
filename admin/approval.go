package admin

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// A Request is pending until a second administrator approves it.
type Request struct {
	ID      string
	Action  totpflow.Action // ActionSetPolicy, ActionExemptAccount, ActionForgetAccount, or one that counts into MaxResets
	By      store.AccountID
	Asked   time.Time
	Expires time.Time
	Before  policy.Policy // for ActionSetPolicy: the tenant's own policy now, or without one what applies to it
	Policy  policy.Policy // the policy as it will be, in every field, for ActionSetPolicy
	Targets []string      // user ids, for the other actions
	Scope   Scope         // for ActionResetAccount
	Name    string        // the machine of ActionExemptAccount, the authenticator of ActionRestoreAuthenticator, or the number of ActionAssignPhone

	// Approvable reports whether the actor of [Admin.Tenant] counts as a second person
	// for it: not the account that asked, nor one of the targets, nor one that the [Rule]
	// refuses for requests of that account. [Admin.Approve] also asks the rule for each
	// target.
	Approvable bool
}

func request(q account.Request) Request {
	out := Request{
		ID: q.ID, Action: totpflow.Action(q.Action), By: q.By, Asked: q.Asked, Expires: q.Asked.Add(account.RequestAge),
		Targets: q.Targets, Scope: Scope(q.Scope), Name: q.Name,
	}
	if q.Policy != nil && q.Before != nil {
		out.Before, out.Policy = *q.Before, *q.Policy
	}
	return out
}

// ErrApproval matches every [*ApprovalError].
var ErrApproval = errors.New("admin: a second administrator must approve this")

// An ApprovalError reports that nothing has changed yet: a second administrator has
// 24 hours to approve the request.
type ApprovalError struct{ Request string }

func (e *ApprovalError) Error() string { return ErrApproval.Error() + ": request " + e.Request }

// Is makes an ApprovalError match [ErrApproval].
func (e *ApprovalError) Is(target error) bool { return target == ErrApproval }

var (
	// ErrNoRequest means that no request with this id is pending: it was never made, or
	// it has ended.
	ErrNoRequest = errors.New("admin: no such request is pending")

	// ErrTooManyRequests means that too many requests are pending already.
	ErrTooManyRequests = account.ErrTooManyRequests
)

// requestIfTwo returns nil for an operator, and where one administrator is enough.
// Otherwise it adds the request and returns the *ApprovalError.
func (a Admin) requestIfTwo(ctx context.Context, who author, tenant string, q account.Request) error {
	p, err := a.engine.TenantPolicy(ctx, tenant)
	if err != nil {
		return err
	}
	if !p.TwoAdministrators || who.operator() {
		return nil
	}
	for _, user := range q.Targets { // no store accepts an invalid id, so it has no record
		if err := account.Validate(store.AccountID{Tenant: tenant, User: user}); err != nil {
			return err
		}
	}
	var asked error
	err = a.engine.ChangeTenant(ctx, tenant, func(tx *engine.Tx) error {
		asked = addRequest(tx, who, q)
		return nil
	})
	return cmp.Or(err, asked)
}

// addRequest adds a request. Its error, an *ApprovalError, says that it is pending.
func addRequest(tx *engine.Tx, who author, q account.Request) error {
	q.ID, q.By, q.Mark, q.Asked = rand.Text()[:16], who.id, string(who.mark), tx.Now.Truncate(time.Millisecond)
	t, err := tx.Tenant.AddRequest(q, tx.Now)
	if err != nil {
		return err
	}
	tx.Tenant = t
	who.log(tx, event.Event{Kind: event.ApprovalRequested, Action: q.Action, Until: q.Asked.Add(account.RequestAge)})
	tx.Save()
	return &ApprovalError{Request: q.ID}
}

const (
	askedBy  = ", asked by " // stands between the two administrators in the actor of an approved change
	maxActor = 190           // bytes, after which event.Event.Clean cuts an actor off
)

// Approved splits the actor of an event: into the administrator who approved the change, and
// the one who had asked for it. For other changes asked is empty, and by is the actor. An event
// keeps 190 bytes of both: asked may be cut off, or empty, and by is cut off only if it is
// longer on its own.
func Approved(actor string) (by, asked string) {
	by, asked, whole := strings.Cut(actor, askedBy)
	if !whole && len(actor) == maxActor {
		for n := len(askedBy) - 1; n > 0; n-- {
			if rest, cut := strings.CutSuffix(actor, askedBy[:n]); cut {
				return rest, ""
			}
		}
	}
	return by, asked
}

// Approve carries out the request of another administrator, as long as their sessions
// have not ended since: a thief's request ends when the owner says "it was not me" or
// changes the password, and when another administrator clears the owner's factors. Both
// must be allowed to do it now. The [Rule] is also asked about the administrator who made
// the request: two accounts of one person are not two administrators. For a request about
// accounts, each has its own outcome, and the error joins those of the accounts that
// failed; the others are done.
//
// The first write uses up the request. From then on all accounts are changed, even if ctx
// ends. After a crash of the process, or an error of this write, ask again for the accounts
// that have no event of the change. Errors: [ErrSelf], [ErrNoRequest].
func (a Admin) Approve(ctx context.Context, by Actor, tenant, id string) (_ []Outcome, err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.approve")
	defer flow.End(&err)
	who, err := a.authoriseFor(ctx, by, ActionApprove.On(id), store.AccountID{Tenant: tenant})
	if err != nil {
		return nil, err
	}
	q, err := a.pendingRequest(ctx, tenant, id)
	if err != nil {
		return nil, err
	}
	if err := a.checkBoth(ctx, by, tenant, q); err != nil {
		return nil, err
	}
	// In this order: if ids are so long that an event truncates them, the requester's
	// name is in an event of its own.
	who.name += askedBy + actorName(q.By, tenant)
	err = a.removeRequest(ctx, tenant, id, func(tx *engine.Tx, q account.Request) {
		who.log(tx, event.Event{Kind: event.ApprovalGranted, Action: q.Action, Until: q.Asked.Add(account.RequestAge)})
		switch totpflow.Action(q.Action) { // the change is part of the write that removes the request
		case ActionSetPolicy:
			setPolicy(tx, who, *q.Policy, true) // otherwise it would not have been a request
		case ActionResetAccount:
			logBulk(tx, who, q)
		}
	})
	if err != nil {
		return nil, err
	}
	// The request is used up: an approver's browser that hangs up must not leave most of
	// 800 people as they were.
	outcomes := a.carryOut(context.WithoutCancel(ctx), who, tenant, q)
	var failed []error
	for _, o := range outcomes {
		if o.Err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", o.ID.User, o.Err))
		}
	}
	return outcomes, errors.Join(failed...)
}

// carryOut performs the part of a request that is outside the tenant's own record.
func (a Admin) carryOut(ctx context.Context, who author, tenant string, q account.Request) []Outcome {
	return each(ctx, tenant, q.Targets, func(ctx context.Context, target store.AccountID) (totpflow.Change, error) {
		switch totpflow.Action(q.Action) {
		case ActionExemptAccount:
			return a.exempt(ctx, who, target, q.Name)
		case ActionResetAccount:
			return a.reset(ctx, who, target, Scope(q.Scope))
		case ActionForgetAccount:
			return totpflow.Change{}, a.forget(ctx, who, target)
		case ActionRestoreAuthenticator:
			return a.restore(ctx, who, target, q.Name)
		case ActionAssignPhone:
			return a.assignPhone(ctx, who, target, q.Name, true)
		default:
			return totpflow.Change{}, ErrNoRequest // unreachable: no other call asks
		}
	})
}

// checkBoth checks that two different people want the change, and that both may make it
// now.
func (a Admin) checkBoth(ctx context.Context, by Actor, tenant string, q account.Request) error {
	if err := a.checkAsker(ctx, q); err != nil {
		return err
	}
	admin, ok := by.(Administrator)
	if !ok {
		return nil
	}
	if admin.User.ID == q.By {
		return ErrSelf
	}
	// Only the host knows whether two accounts are one person's.
	if err := a.askRule(ctx, admin.User, ActionApprove, q.By); err != nil {
		return err
	}
	targets := q.Targets
	if len(targets) == 0 {
		targets = []string{""}
	}
	for _, user := range targets {
		for _, u := range []totpflow.User{admin.User, {ID: q.By}} {
			if err := a.permit(ctx, u, totpflow.Action(q.Action), store.AccountID{Tenant: tenant, User: user}); err != nil {
				return err
			}
		}
	}
	return nil
}

// approvable reports whether the actor may approve the request as far as the two people
// are concerned. It returns an error where the rule could not decide.
func (a Admin) approvable(ctx context.Context, by Actor, tenant string, q Request) (bool, error) {
	admin, ok := by.(Administrator)
	if !ok {
		return true, nil
	}
	if id := admin.User.ID; id == q.By || id.Tenant == tenant && slices.Contains(q.Targets, id.User) {
		return false, nil
	}
	err := a.permit(ctx, admin.User, ActionApprove, store.AccountID{Tenant: tenant})
	if err == nil {
		err = a.askRule(ctx, admin.User, ActionApprove, q.By)
	}
	if transient(err) {
		return false, err
	}
	return err == nil, nil
}

// checkAsker checks that nothing has ended the sessions of the account that asked:
// otherwise the request may have come from somebody else.
func (a Admin) checkAsker(ctx context.Context, q account.Request) error {
	asker, found, err := a.engine.Read(ctx, q.By)
	if err = cmp.Or(err, asker.Err); err != nil {
		return err
	}
	if tx := a.engine.View(asker); !found || tx.Frozen() || q.Mark != a.engine.SessionMark(tx) {
		return fmt.Errorf("%w: the sessions of the account that asked have ended since", ErrNotAllowed)
	}
	return nil
}

// Withdraw drops a request. The administrator who asked may do so, too. Errors: [ErrNoRequest].
func (a Admin) Withdraw(ctx context.Context, by Actor, tenant, id string) (err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.withdraw")
	defer flow.End(&err)
	who, err := a.authoriseFor(ctx, by, ActionApprove.On(id), store.AccountID{Tenant: tenant})
	if err != nil {
		return err
	}
	return a.removeRequest(ctx, tenant, id, func(tx *engine.Tx, q account.Request) {
		who.log(tx, event.Event{Kind: event.ApprovalWithdrawn, Action: q.Action, Until: q.Asked.Add(account.RequestAge)})
	})
}

// pendingRequest returns a request. A request never changes.
func (a Admin) pendingRequest(ctx context.Context, tenant, id string) (q account.Request, err error) {
	err = a.engine.ChangeTenant(ctx, tenant, func(tx *engine.Tx) error {
		var ok bool
		if _, q, ok = tx.Tenant.RemoveRequest(id, tx.Now); !ok {
			return ErrNoRequest
		}
		return nil
	})
	return engine.Acknowledged(q, err)
}

// removeRequest removes a request; only the first call succeeds.
func (a Admin) removeRequest(ctx context.Context, tenant, id string, then func(*engine.Tx, account.Request)) error {
	return a.engine.ChangeTenant(ctx, tenant, func(tx *engine.Tx) error {
		t, q, ok := tx.Tenant.RemoveRequest(id, tx.Now)
		if !ok {
			return ErrNoRequest
		}
		tx.Tenant = t
		then(tx, q)
		tx.Save()
		return nil
	})
}
