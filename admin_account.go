package totpflow

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/trust"
)

// A Scope is how much a reset clears. The zero Scope is none.
type Scope string

const (
	ScopeAll            Scope = "all"            // everything; the person sets up anew
	ScopeAuthenticators Scope = "authenticators" // the recovery codes stay good
	ScopeBrowsers       Scope = "browsers"       // trusted browsers
	ScopeRecoveryCodes  Scope = "codes"          // recovery codes, issued ones too
)

// ErrScope means that a reset named no known scope.
var ErrScope = errors.New("totpflow: unknown scope of a reset")

// Reset clears what the scope says. Sign-ins under way end with every scope,
// browsers and sessions begun before with the first two. After these the person
// sets up anew, and no grace leads past it: for 24 hours the password leads
// there, later or where the policy says IssuedCode a code from
// [Admin.IssueRecoveryCode], or a recovery code that was left. Within these hours
// whoever can have the password sent anew by mail needs the mailbox only.
//
// With the first two scopes a freeze ends, recovery codes are cleared with it, and
// it takes an issued code until an authenticator is set up: whoever froze the
// account suspects that the password and the codes are in other hands. They also
// end an exemption. Errors: [ErrScope], [ErrNoAccount], and those that every call
// of administrators has ([ErrNotAllowed], [ErrSelf], [ErrProof]).
func (a Admin) Reset(ctx context.Context, by Leave, target store.AccountID, what Scope) error {
	if !what.known() {
		return ErrScope
	}
	who, err := a.act(ctx, by, ActionResetAccount, target)
	if err != nil {
		return err
	}
	return a.reset(ctx, who, target, what)
}

func (a Admin) reset(ctx context.Context, who actor, target store.AccountID, what Scope) error {
	return a.service.book.Change(ctx, target, func(r *account.Round) error {
		if !r.Found {
			return ErrNoAccount
		}
		return saved(r, reset(r, who, what))
	})
}

func (w Scope) known() bool {
	return w == ScopeAll || w == ScopeAuthenticators || w == ScopeBrowsers || w == ScopeRecoveryCodes
}

func reset(r *account.Round, who actor, what Scope) error {
	switch what {
	case ScopeBrowsers:
		r.EndTickets() // a proof of a moment ago could trust a browser again
		r.EndTrust()
		who.log(r, event.Event{Kind: event.BrowsersRevoked})
	case ScopeRecoveryCodes:
		r.EndTickets()
		r.Recovery, r.Issued = recovery.Set{}, account.Issued{}
		who.log(r, event.Event{Kind: event.RecoveryCodesVoided})
	default:
		if err := forceSetUp(r); err != nil {
			return err
		}
		r.Issued = account.Issued{}
		if what == ScopeAll || r.Frozen() {
			r.Recovery = recovery.Set{}
		}
		r.Thaw(r.Now)
		r.Machine, r.Phones = "", r.Phones.Clear()
		r.FactorsChanged(r.Now)
		who.log(r, event.Event{Kind: event.Reset, Action: string(what)})
	}
	return nil
}

// forceSetUp takes the authenticators and has the person set up anew. Of a frozen
// account, or one that was reset when it was, it takes an issued code: a second
// reset, or a detour, is no way round the first.
func forceSetUp(r *account.Round) error {
	e, err := r.Enrollment.Reset(r.Now)
	if err != nil {
		return err
	}
	r.Enrollment, r.CodeOnly = e, r.CodeOnly || r.Frozen()
	return nil
}

// Unlock ends every wait after wrong codes, also of the long windows, and a
// freeze. It clears no factor: what a thief may have set up goes on working, so
// that for a frozen account [Admin.Restore] or [Admin.Reset] is usually right.
func (a Admin) Unlock(ctx context.Context, by Leave, target store.AccountID) error {
	return a.change(ctx, by, ActionUnlockAccount, target, func(r *account.Round, who actor) error {
		r.Budget, r.RecoveryRate = throttle.Budget{}, throttle.Rate{}
		r.Thaw(r.Now)
		who.log(r, event.Event{Kind: event.Unlocked})
		return nil
	})
}

// RevokeBrowser ends the trust in one browser. Errors: [ErrNoBrowser].
func (a Admin) RevokeBrowser(ctx context.Context, by Leave, target store.AccountID, browser string) error {
	return a.change(ctx, by, ActionRevokeBrowser, target, func(r *account.Round, who actor) error {
		rest, ok := trust.Revoke(r.Browsers, browser)
		if !ok {
			return ErrNoBrowser
		}
		r.Browsers = rest
		who.log(r, event.Event{Kind: event.BrowserRevoked, Browser: browser})
		return nil
	})
}

var (
	// ErrGrace means that a grace would end in the past, after more than
	// policy.MaxGrace, or no later than it does anyway.
	ErrGrace = errors.New("totpflow: grace ends in the future, later than before, and within 90 days")

	// ErrNoGrace means that more time would help nobody: the account has a factor,
	// was reset, or is a machine's.
	ErrNoGrace = errors.New("totpflow: grace is for who has nothing set up, and was not reset")
)

// ExtendGrace gives one person until then to set up, whatever the tenant's
// policy says, also who was never seen. Errors: [ErrGrace], [ErrNoGrace].
func (a Admin) ExtendGrace(ctx context.Context, by Leave, target store.AccountID, until time.Time) error {
	until = until.UTC().Truncate(time.Millisecond)
	who, err := a.act(ctx, by, ActionExtendGrace, target)
	if err != nil {
		return err
	}
	p, err := a.service.policyOf(ctx, target)
	if err != nil {
		return err
	}
	return a.service.book.Change(ctx, target, func(r *account.Round) error {
		now, _ := graceUntil(r, p)
		switch {
		case !mayHaveGrace(r):
			return ErrNoGrace
		case !until.After(r.Now), !until.After(now), until.Sub(r.Now) > policy.MaxGrace:
			return ErrGrace
		}
		r.Grace.Until = until
		who.log(r, event.Event{Kind: event.GraceExtended, Until: until})
		r.Save()
		return nil
	})
}

// Exempt makes the account a machine's, such as a backup agent's: it is asked
// for no second factor where machines sign in ([Service.SignInMachine]), and no
// longer gets in where people do. The name says what it is. What was set up is
// cleared, and sessions begun before end. Where the tenant's policy wants two
// administrators, it waits for the second ([*ApprovalError]).
func (a Admin) Exempt(ctx context.Context, by Leave, target store.AccountID, name string) error {
	if name = cleanMachine(name); name == "" {
		return ErrMachineName
	}
	who, err := a.act(ctx, by, ActionExemptAccount, target)
	if err != nil {
		return err
	}
	ask := account.Request{Action: string(ActionExemptAccount), Targets: []string{target.User}, Name: name}
	if err := a.second(ctx, who, target.Tenant, ask); err != nil {
		return err
	}
	return a.exempt(ctx, who, target, name)
}

func (a Admin) exempt(ctx context.Context, who actor, target store.AccountID, name string) error {
	return a.service.book.Change(ctx, target, func(r *account.Round) error {
		e, err := r.Enrollment.Exempt(r.Now)
		if err != nil {
			return err
		}
		r.Enrollment, r.Recovery, r.Issued, r.Machine = e, recovery.Set{}, account.Issued{}, name
		r.Phones, r.Assigned = r.Phones.Clear(), ""
		r.FactorsChanged(r.Now)
		who.log(r, event.Event{Kind: event.Exempted})
		r.Save()
		return nil
	})
}

// EndExemption makes the account a person's again, who has to set up.
func (a Admin) EndExemption(ctx context.Context, by Leave, target store.AccountID) error {
	return a.change(ctx, by, ActionExemptAccount, target, func(r *account.Round, who actor) error {
		if r.Enrollment.State(r.Now) != enroll.Exempted {
			return ErrNotExempt
		}
		if err := forceSetUp(r); err != nil {
			return err
		}
		r.Machine = ""
		r.FactorsChanged(r.Now)
		who.log(r, event.Event{Kind: event.ExemptionEnded})
		return nil
	})
}

// Restore brings back an authenticator that was replaced, removed or disabled in
// the last 72 hours ([Member].Recoverable), when the person says that it was not them.
// All others stop working for good, and with them the recovery codes, browsers
// and sessions; a freeze ends. Errors: [enroll.ErrUnknown].
func (a Admin) Restore(ctx context.Context, by Leave, target store.AccountID, authenticator string) error {
	return a.change(ctx, by, ActionRestoreAuthenticator, target, func(r *account.Round, who actor) error {
		e, back, _, err := r.Enrollment.Restore(r.Now, authenticator)
		if err != nil {
			return err
		}
		// The recovery codes may be those that were made with the thief's
		// authenticator, and the number the thief's.
		r.Enrollment, r.Recovery, r.Issued = e, recovery.Set{}, account.Issued{}
		r.Phones = r.Phones.Clear()
		r.Thaw(r.Now)
		r.FactorsChanged(r.Now)
		who.log(r, event.Event{Kind: event.AuthenticatorRestored, Authenticator: back.ID})
		return nil
	})
}

// Forget deletes all that is kept of an account, for its erasure. The event of it
// is told before. The host then forgets its generation too, and the user: one that
// goes on under the same id begins as somebody who never enrolled. Where the
// tenant's policy wants two administrators, it waits for the second
// ([*ApprovalError]): it takes a factor away for good, and a freeze.
func (a Admin) Forget(ctx context.Context, by Leave, target store.AccountID) error {
	who, err := a.act(ctx, by, ActionForgetAccount, target)
	if err != nil {
		return err
	}
	ask := account.Request{Action: string(ActionForgetAccount), Targets: []string{target.User}}
	if err := a.second(ctx, who, target.Tenant, ask); err != nil {
		return err
	}
	return a.forget(ctx, who, target)
}

func (a Admin) forget(ctx context.Context, who actor, target store.AccountID) error {
	return a.service.book.Forget(ctx, target, func(r *account.Round) error {
		if !r.Found {
			return ErrNoAccount
		}
		who.log(r, event.Event{Kind: event.Forgotten})
		return nil
	})
}

// An IssuedCode is to be sent to the person, and to nobody else.
type IssuedCode struct {
	ID      store.AccountID
	Code    string // REVEALS: whoever has it and the password sets up anew
	Expires time.Time
}

// IssueRecoveryCode makes a code that lets the person set up anew, once, within
// 24 hours, after the password (NIST SP 800-63B-4 §4.2.1.2). Deliver sends it to
// the address that the host has of the person; the administrator never sees it.
// It replaces one that was issued before, and ends with a new password. When
// deliver fails, so does the call, and the code stays unknown to everybody:
// issue another one. What deliver says of the failure comes with the error; it
// must not repeat the code. Errors: [ErrPasswordRecent] within 24 hours after a new
// password; [ErrNotEnrolled] for who has nothing to be locked out of.
func (a Admin) IssueRecoveryCode(ctx context.Context, by Leave, target store.AccountID, deliver func(context.Context, IssuedCode) error) error {
	if deliver == nil {
		return errors.New("totpflow: there is nothing to deliver the recovery code by")
	}
	code, set := recovery.Issue(a.service.now())
	var expires time.Time
	err := a.change(ctx, by, ActionIssueCode, target, func(r *account.Round, who actor) error {
		switch st := r.Enrollment.State(r.Now); {
		case passwordRecent(r):
			return ErrPasswordRecent
		case r.Frozen():
			return ErrFrozen // reset it first: what a thief has set up must go
		case st != enroll.ResetPending && !hasFactor(r):
			return ErrNotEnrolled
		}
		r.Issued = account.Issued{Set: set, At: r.Now.Truncate(time.Millisecond)}
		expires = r.Issued.At.Add(account.IssuedAge)
		who.log(r, event.Event{Kind: event.RecoveryIssued, Until: expires})
		return nil
	})
	if err != nil {
		return err
	}
	if err := deliver(ctx, IssuedCode{ID: target, Code: code, Expires: expires}); err != nil {
		return fmt.Errorf("totpflow: the recovery code was not delivered: %w", err)
	}
	return nil
}

// cleanMachine is the name of a machine account, as it is listed.
func cleanMachine(name string) string {
	return strings.TrimSpace(event.Event{Actor: name}.Clean().Actor)
}

// ErrMachineName means that a machine account was given no name.
var ErrMachineName = errors.New("totpflow: a machine account needs a name")
