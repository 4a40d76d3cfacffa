package totpflow

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/store"
)

// An Admin is what administrators may see and do of other people's second
// factor. It never shows a secret; what is set up without the person is what they
// had already ([Admin.Import], [Admin.Restore]). A host that keeps generations takes the
// new one from [Account.Status] after each change, else whoever can write to the
// database could put the record back to before it. It is a cheap value, made by
// [Service.Admin], and safe for concurrent use.
type Admin struct {
	service *Service
	rule    Rule
}

// A Rule is the host's: whether the actor, a signed-in person, may do the action
// to the target. A nil error lets them. For what concerns a whole tenant,
// target.User is empty. The rule is asked after the library's own checks: the
// target is in the actor's tenant or in one below it ([Config].ParentTenants), and is
// not the actor.
//
// With ActionApprove the target is also the account that asked, which may be of a
// tenant above: where one person has several accounts, refuse who is the same
// person. The error may be [ErrSelf].
type Rule func(ctx context.Context, actor User, action Action, target store.AccountID) error

// Admin returns the administrators' calls under the host's rule. A nil rule
// refuses every [Administrator]; an [Operator] goes past it.
func (s *Service) Admin(rule Rule) Admin { return Admin{service: s, rule: rule} }

// The actions of administrators, for [Account.Reauthenticate] and for a [Rule].
const (
	ActionViewAccounts         Action = "view accounts" // takes no proof
	ActionSetPolicy            Action = "set policy"
	ActionResetAccount         Action = "reset account"
	ActionUnlockAccount        Action = "unlock account"
	ActionRevokeBrowser        Action = "revoke browser"
	ActionExtendGrace          Action = "extend grace"
	ActionExemptAccount        Action = "exempt account" // and to end it
	ActionIssueCode            Action = "issue recovery code"
	ActionRestoreAuthenticator Action = "restore authenticator"
	ActionForgetAccount        Action = "forget account"
	ActionImport               Action = "import accounts"
	ActionApprove              Action = "approve request" // and to withdraw one
)

// A Leave is by whose leave an administrator's call acts: an [Administrator] or
// an [Operator].
type Leave interface{ leave() }

// An Administrator is a signed-in person. Every call but those that only look
// consumes a proof of its own action, from the administrator's
// [Account.Reauthenticate]: a session left open resets nobody, and whoever has no
// second factor cannot require one of others. The proof is consumed also when the
// call then fails: refuse before you ask for the code what you can see will not
// do, such as somebody's own account.
type Administrator struct {
	User  User
	Proof Proof
}

// An Operator is whoever has the database and the keys anyway: for the command
// on the server when the last administrator is locked out, and for jobs. There
// is no proof; name and reason stand in every event. Never make one from what a
// request says.
type Operator struct {
	Name   string // who, such as the login name on the server
	Reason string // why, such as a ticket's number
}

func (Administrator) leave() {}
func (Operator) leave()      {}

// Errors of administrators' calls.
var (
	// ErrNotAllowed means that the host's [Rule] refused, that there is none,
	// that the target is in another tenant, or that an [Operator] gave no name
	// or no reason.
	ErrNotAllowed = errors.New("totpflow: not allowed")

	// ErrSelf means that administrators tried it on themselves: their own
	// factor they look after with their own code, through [Account], and their
	// own request somebody else approves.
	ErrSelf = errors.New("totpflow: administrators cannot do this to themselves")

	// ErrNoAccount means that the target has no record: the person has never
	// come to the second step, or the id is wrong.
	ErrNoAccount = errors.New("totpflow: there is nothing kept of this account")
)

// An actor is who acts, as events tell it.
type actor struct {
	id     store.AccountID // zero for an operator
	name   string
	reason string
}

func (w actor) operator() bool { return w.id.User == "" }

// log adds an event with who did it.
func (w actor) log(r *account.Round, e event.Event) {
	e.Actor = w.name
	if e.Reason == "" {
		e.Reason = w.reason
	}
	r.Log(e)
}

// see authorises a call that only looks.
func (a Admin) see(ctx context.Context, by Leave, target store.AccountID) error {
	_, err := a.authorise(ctx, by, ActionViewAccounts, target)
	return err
}

// act authorises a call that changes something, and consumes its proof. The
// proof is gone also when the call then fails: an administrator shows another
// code, and nothing is done twice.
func (a Admin) act(ctx context.Context, by Leave, action Action, target store.AccountID) (actor, error) {
	who, err := a.authorise(ctx, by, action, target)
	if err != nil {
		return actor{}, err
	}
	if admin, ok := by.(Administrator); ok {
		if err := a.service.Account(admin.User).ConsumeProof(ctx, admin.Proof, action); err != nil {
			return actor{}, err
		}
	}
	return who, nil
}

func (a Admin) authorise(ctx context.Context, by Leave, action Action, target store.AccountID) (actor, error) {
	switch by := by.(type) {
	case Operator:
		if by.Name == "" || by.Reason == "" {
			return actor{}, fmt.Errorf("%w: an operator gives a name and a reason", ErrNotAllowed)
		}
		return actor{name: "operator " + by.Name, reason: by.Reason}, nil
	case Administrator:
		if err := a.permit(ctx, by.User, action, target); err != nil {
			return actor{}, err
		}
		return actor{id: by.User.account(), name: actorName(by.User.account(), target.Tenant)}, nil
	default: // nil
		return actor{}, ErrNotAllowed
	}
}

// permit asks whether an administrator may do the action to the target.
func (a Admin) permit(ctx context.Context, u User, action Action, target store.AccountID) error {
	if err := u.account().Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrNotAllowed, err)
	}
	if u.account() == target && action != ActionViewAccounts {
		return ErrSelf
	}
	if ok, err := a.service.over(ctx, u.ID.Tenant, target.Tenant); err != nil {
		return err
	} else if !ok {
		return fmt.Errorf("%w: the account is of another tenant", ErrNotAllowed)
	}
	return a.ask(ctx, u, action, target)
}

// ask asks the host's rule.
func (a Admin) ask(ctx context.Context, u User, action Action, target store.AccountID) error {
	if a.rule == nil {
		return ErrNotAllowed
	}
	if err := a.rule(ctx, u, action, target); err != nil {
		return fmt.Errorf("%w: %w", ErrNotAllowed, err)
	}
	return nil
}

// over reports whether the tenant upper is the tenant itself or above it.
func (s *Service) over(ctx context.Context, upper, tenant string) (bool, error) {
	if upper == tenant {
		return true, nil
	}
	if s.above == nil {
		return false, nil
	}
	chain, err := s.above(ctx, tenant)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	return slices.Contains(chain, upper), nil
}

// actorName tells administrators of a tenant above from those of the target's.
func actorName(id store.AccountID, tenant string) string {
	if id.Tenant == tenant {
		return id.User
	}
	return id.Tenant + "/" + id.User
}

// change runs an administrator's flow on an account that has a record.
func (a Admin) change(ctx context.Context, by Leave, action Action, target store.AccountID, decide func(*account.Round, actor) error) error {
	who, err := a.act(ctx, by, action, target)
	if err != nil {
		return err
	}
	return a.service.book.Change(ctx, target, func(r *account.Round) error {
		if !r.Found {
			return ErrNoAccount
		}
		return saved(r, decide(r, who))
	})
}

// saved writes the round unless its decision failed.
func saved(r *account.Round, err error) error {
	if err == nil {
		r.Save()
	}
	return err
}
