package totpflow

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// A Request waits for a second administrator.
type Request struct {
	ID      string
	Action  Action // ActionSetPolicy, ActionExemptAccount, ActionResetAccount or ActionForgetAccount
	By      store.AccountID
	Asked   time.Time
	Expires time.Time
	Policy  policy.Policy // of ActionSetPolicy
	Targets []string      // user ids, of the others
	Scope   Scope         // of ActionResetAccount
	Name    string        // of ActionExemptAccount
}

func request(q account.Request) Request {
	out := Request{
		ID: q.ID, Action: Action(q.Action), By: q.By, Asked: q.Asked, Expires: q.Asked.Add(account.RequestAge),
		Targets: q.Targets, Scope: Scope(q.Scope), Name: q.Name,
	}
	if q.Policy != nil {
		out.Policy = *q.Policy
	}
	return out
}

// ErrApproval is what every [*ApprovalError] is.
var ErrApproval = errors.New("totpflow: this waits for a second administrator")

// An ApprovalError says that nothing has changed yet: a second administrator has
// 24 hours to approve the request.
type ApprovalError struct{ Request string }

func (e *ApprovalError) Error() string { return ErrApproval.Error() + ": request " + e.Request }

// Is makes an ApprovalError match [ErrApproval].
func (e *ApprovalError) Is(target error) bool { return target == ErrApproval }

var (
	// ErrNoRequest means that no request waits under this id, or not any more.
	ErrNoRequest = errors.New("totpflow: no such request waits")

	// ErrRequests means that too much waits already for a second administrator.
	ErrRequests = account.ErrRequests
)

// second lets an operator pass, and anybody where one administrator is enough.
// Else it notes the request and returns the *ApprovalError.
func (a Admin) second(ctx context.Context, who actor, tenant string, q account.Request) error {
	p, err := a.service.tenantPolicy(ctx, tenant)
	if err != nil {
		return err
	}
	if !p.TwoAdministrators || who.operator() {
		return nil
	}
	for _, user := range q.Targets { // JSON would make another id of what is no text
		if err := account.Validate(store.AccountID{Tenant: tenant, User: user}); err != nil {
			return err
		}
	}
	var asked error
	err = a.service.book.ChangeTenant(ctx, tenant, func(r *account.Round) error {
		asked = ask(r, who, q)
		return nil
	})
	return cmp.Or(err, asked)
}

// ask notes what waits. Its error says that it does.
func ask(r *account.Round, who actor, q account.Request) error {
	q.ID, q.By, q.Asked = rand.Text()[:16], who.id, r.Now.Truncate(time.Millisecond)
	t, err := r.Tenant.Ask(q, r.Now)
	if err != nil {
		return err
	}
	r.Tenant = t
	who.log(r, event.Event{Kind: event.ApprovalRequested, Action: q.Action, Until: q.Asked.Add(account.RequestAge)})
	r.Save()
	return &ApprovalError{Request: q.ID}
}

// Approve does what another administrator has asked for. The approver must have
// the right to do it, and the one who asked must have it still, and not have said
// "it was not me" since. The [Rule] is asked about the one who asked, too: two
// accounts of one person are not two administrators. Where it concerns several
// accounts, the error joins those of the accounts that it failed for; the others
// are done. Errors: [ErrSelf], [ErrNoRequest].
func (a Admin) Approve(ctx context.Context, by Leave, tenant, id string) error {
	who, err := a.act(ctx, by, ActionApprove, store.AccountID{Tenant: tenant})
	if err != nil {
		return err
	}
	q, err := a.waiting(ctx, tenant, id)
	if err != nil {
		return err
	}
	if err := a.agree(ctx, by, tenant, q); err != nil {
		return err
	}
	// In this order: where ids are so long that an event cuts them, who asked
	// stands in an event of its own.
	who.name += ", asked by " + actorName(q.By, tenant)
	err = a.take(ctx, tenant, id, func(r *account.Round, q account.Request) {
		who.log(r, event.Event{Kind: event.ApprovalGranted, Action: q.Action})
		switch Action(q.Action) { // by the write that takes the request
		case ActionSetPolicy:
			setPolicy(r, who, *q.Policy)
		case ActionResetAccount:
			logBulk(r, who, q)
		}
	})
	if err != nil {
		return err
	}
	return a.carryOut(ctx, who, tenant, q)
}

// carryOut does what a request asks for beyond the tenant's own record.
func (a Admin) carryOut(ctx context.Context, who actor, tenant string, q account.Request) error {
	var failed []error
	for _, user := range q.Targets {
		target := store.AccountID{Tenant: tenant, User: user}
		var err error
		switch Action(q.Action) {
		case ActionExemptAccount:
			err = a.exempt(ctx, who, target, q.Name)
		case ActionResetAccount:
			err = a.reset(ctx, who, target, Scope(q.Scope))
		case ActionForgetAccount:
			err = a.forget(ctx, who, target)
		default:
			err = ErrNoRequest // unreachable: no other call asks
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", user, err))
		}
	}
	return errors.Join(failed...)
}

// agree checks that two people want it who both may.
func (a Admin) agree(ctx context.Context, by Leave, tenant string, q account.Request) error {
	admin, ok := by.(Administrator)
	if !ok {
		return nil
	}
	if admin.User.account() == q.By {
		return ErrSelf
	}
	// Only the host knows whether two accounts are one person's.
	if err := a.ask(ctx, admin.User, ActionApprove, q.By); err != nil {
		return err
	}
	asker, found, err := account.Read(ctx, a.service.store, a.service.keys, q.By)
	if err = cmp.Or(err, asker.Err); err != nil {
		return err
	}
	if !found || asker.Account.Frozen() { // who asked may not have been the administrator
		return fmt.Errorf("%w: the account that asked is closed", ErrNotAllowed)
	}
	targets := q.Targets
	if len(targets) == 0 {
		targets = []string{""}
	}
	for _, user := range targets {
		for _, u := range []User{admin.User, {ID: AccountID{Tenant: q.By.Tenant, User: q.By.User}}} {
			if err := a.permit(ctx, u, Action(q.Action), store.AccountID{Tenant: tenant, User: user}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Withdraw drops a request. Who has asked may do so, too. Errors: [ErrNoRequest].
func (a Admin) Withdraw(ctx context.Context, by Leave, tenant, id string) error {
	who, err := a.act(ctx, by, ActionApprove, store.AccountID{Tenant: tenant})
	if err != nil {
		return err
	}
	return a.take(ctx, tenant, id, func(r *account.Round, q account.Request) {
		who.log(r, event.Event{Kind: event.ApprovalWithdrawn, Action: q.Action})
	})
}

// waiting returns a request. What waits under an id never changes.
func (a Admin) waiting(ctx context.Context, tenant, id string) (q account.Request, err error) {
	err = a.service.book.ChangeTenant(ctx, tenant, func(r *account.Round) error {
		var ok bool
		if _, q, ok = r.Tenant.Take(id, r.Now); !ok {
			return ErrNoRequest
		}
		return nil
	})
	return answer(q, err)
}

// take removes a request, for the one call that comes first.
func (a Admin) take(ctx context.Context, tenant, id string, then func(*account.Round, account.Request)) error {
	return a.service.book.ChangeTenant(ctx, tenant, func(r *account.Round) error {
		t, q, ok := r.Tenant.Take(id, r.Now)
		if !ok {
			return ErrNoRequest
		}
		r.Tenant = t
		then(r, q)
		r.Save()
		return nil
	})
}
