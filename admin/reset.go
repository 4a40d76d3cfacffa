package admin

import (
	"context"
	"errors"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
)

// A Scope is how much a reset clears. The zero Scope is invalid.
type Scope string

const (
	ScopeAll            Scope = "all"            // everything; the person enrolls again
	ScopeAuthenticators Scope = "authenticators" // the recovery codes stay valid
	ScopeBrowsers       Scope = "browsers"       // trusted browsers
	ScopeRecoveryCodes  Scope = "codes"          // recovery codes, issued ones too
)

// ErrScope means that the scope of a reset is unknown.
var ErrScope = errors.New("admin: unknown scope of a reset")

// Reset clears the factors in the scope. Sign-ins under way end with every scope,
// trusted browsers and sessions with the first two. After these two the person
// must enroll again, and no grace applies. For 24 hours the password is enough to
// enroll. Later, or where the policy says IssuedCode, an enrollment requires a code from
// [Admin.IssueRecoveryCode] or a recovery code that was left. Within the 24 hours an
// attacker who can reset the password by mail needs only the mailbox.
//
// With the first two scopes a freeze ends. After a freeze they clear the recovery
// codes, and the person needs an issued code to enroll, at this reset and at every
// later one: the password and the codes may be in other hands. Neither
// [Admin.Unlock] nor [Admin.RestoreAuthenticator] lifts this. It ends when the person
// has confirmed an authenticator after an issued code, or 24 hours after a new
// password ([totpflow.Account.PasswordChanged]). These scopes also end an
// exemption. Where the tenant's policy requires two administrators, resets beyond
// [MaxResets] in an hour become requests ([*ApprovalError]). Errors: [ErrScope],
// [ErrNoAccount], and the common errors of administrators' calls ([ErrNotAllowed],
// [ErrSelf], [totpflow.ErrProof]).
func (a Admin) Reset(ctx context.Context, by Actor, target store.AccountID, what Scope) (_ totpflow.Change, err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.reset")
	defer flow.End(&err)
	if !what.known() {
		return totpflow.Change{}, ErrScope
	}
	takes := what == ScopeAll || what == ScopeAuthenticators // the others take no factor away
	req := account.Request{Action: string(ActionResetAccount), Targets: []string{target.User}, Scope: string(what)}
	who, err := a.authoriseCounted(ctx, by, target, takes, req)
	if err != nil {
		return totpflow.Change{}, err
	}
	return a.reset(ctx, who, target, what)
}

// MaxResets is how many people one administrator may deprive of their factors in an hour,
// one by one, where two administrators are required: by [Admin.Reset],
// [Admin.RestoreAuthenticator], and an [Admin.AssignPhone] that leaves no factor. Each
// further call becomes a request, as resets of many accounts do. The count is the
// account's: the library does not know which accounts are one person's. Where a person
// administers from two accounts, let the [Rule] refuse resets by one of them.
const MaxResets = 5

// authoriseCounted is authoriseChange for a call that may take the factors of one account
// away: repeated for one person after the other, such calls reset a crowd too. Calls that
// do take them away are counted in the administrator's own record, by the write that
// consumes the proof. A call that exceeds the limit becomes the request, where two
// administrators are required.
func (a Admin) authoriseCounted(ctx context.Context, by Actor, target store.AccountID, takes bool, req account.Request) (author, error) {
	crowd := false
	who, err := a.authoriseAnd(ctx, by, Purpose(totpflow.Action(req.Action), target), target, func(tx *engine.Tx) {
		crowd = takes && !countReset(tx)
	})
	if err != nil || !crowd {
		return who, err
	}
	return who, a.requestIfTwo(ctx, who, target.Tenant, req)
}

// countReset notes a reset. It reports false if the limit is exceeded.
func countReset(tx *engine.Tx) bool {
	resets, err := tx.Resets.Take(tx.Now, MaxResets, time.Hour)
	if err == nil {
		tx.Resets = resets
	}
	return err == nil
}

func (a Admin) reset(ctx context.Context, who author, target store.AccountID, what Scope) (totpflow.Change, error) {
	return a.changeFound(ctx, target, func(tx *engine.Tx) error { return reset(tx, who, what) })
}

func (w Scope) known() bool {
	return w == ScopeAll || w == ScopeAuthenticators || w == ScopeBrowsers || w == ScopeRecoveryCodes
}

func reset(tx *engine.Tx, who author, what Scope) error {
	switch what {
	case ScopeBrowsers:
		tx.EndTickets() // a proof of a moment ago could trust a browser again
		tx.EndTrust()
		who.log(tx, event.Event{Kind: event.BrowsersRevoked})
	case ScopeRecoveryCodes:
		tx.EndTickets()
		tx.Recovery, tx.Issued = recovery.Set{}, account.Issued{}
		who.log(tx, event.Event{Kind: event.RecoveryCodesVoided})
	default:
		if err := forceEnrollment(tx); err != nil {
			return err
		}
		tx.Issued = account.Issued{}
		if what == ScopeAll || tx.Suspicion.CodeOnly { // the codes may be in other hands, too
			tx.Recovery = recovery.Set{}
		}
		tx.Thaw(tx.Now)
		tx.PutPasswordRight(tx.Now)
		tx.Machine, tx.Phones = "", tx.Phones.Clear()
		tx.EndSessions()
		who.log(tx, event.Event{Kind: event.Reset, Action: string(what)})
	}
	return nil
}

// forceEnrollment removes the authenticators and demands an enrollment. An issued code
// that was redeemed earlier stops leading to it.
func forceEnrollment(tx *engine.Tx) error {
	e, err := tx.Enrollment.Reset(tx.Now)
	if err != nil {
		return err
	}
	tx.Enrollment, tx.Suspicion.Redeemed = e, false
	return nil
}
