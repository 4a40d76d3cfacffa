package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
)

// Unlock ends every lockout after wrong codes, those of the long windows too, the
// account's own limits of messages, and a freeze. If a clock that was ahead put the pause
// after a new password in the future, it lasts 24 hours from now. Called by an
// [Operator], Unlock also clears what counts toward [MaxResets]. It clears no factor: a
// thief's authenticator continues to work, so for a frozen account
// [Admin.RestoreAuthenticator] or [Admin.Reset] is usually right.
func (a Admin) Unlock(ctx context.Context, by Actor, target store.AccountID) (err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.unlock")
	defer flow.End(&err)
	_, err = a.change(ctx, by, ActionUnlockAccount, target, func(tx *engine.Tx, who author) error {
		tx.Budget, tx.RecoveryRate, tx.Phones = throttle.Budget{}, throttle.Rate{}, tx.Phones.Unlock()
		if who.operator() { // otherwise two accounts of one person could reset a crowd in turns, and unlock each other
			tx.Resets = throttle.Rate{}
		}
		tx.PutPasswordRight(tx.Now)
		tx.Thaw(tx.Now)
		who.log(tx, event.Event{Kind: event.Unlocked})
		return nil
	})
	return err
}

// RevokeBrowser ends the trust in one browser. Errors: [totpflow.ErrNoBrowser].
func (a Admin) RevokeBrowser(ctx context.Context, by Actor, target store.AccountID, browser string) (err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.revoke_browser")
	defer flow.End(&err)
	_, err = a.change(ctx, by, ActionRevokeBrowser, target, func(tx *engine.Tx, who author) error {
		if !tx.RevokeBrowser(browser) {
			return totpflow.ErrNoBrowser
		}
		who.log(tx, event.Event{Kind: event.BrowserRevoked, Browser: browser})
		return nil
	})
	return err
}

var (
	// ErrGrace means that a grace period would end in the past, after more than
	// policy.MaxGrace, or no later than it does already.
	ErrGrace = errors.New("admin: a grace period must end in the future, later than before, and within 90 days")

	// ErrNoGrace means that more time would change nothing: the account has a factor, was
	// reset, or belongs to a machine.
	ErrNoGrace = errors.New("admin: a grace period applies only to accounts without a factor that were never reset")
)

// ExtendGrace gives one person until then to enroll, whatever the tenant's policy says.
// The person need not have reached the second step before. Errors: [ErrGrace],
// [ErrNoGrace].
func (a Admin) ExtendGrace(ctx context.Context, by Actor, target store.AccountID, until time.Time) (err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.extend_grace")
	defer flow.End(&err)
	until = until.UTC().Truncate(time.Millisecond)
	who, err := a.authoriseChange(ctx, by, ActionExtendGrace, target)
	if err != nil {
		return err
	}
	p, err := a.engine.PolicyOf(ctx, target)
	if err != nil {
		return err
	}
	return a.engine.Change(ctx, target, func(tx *engine.Tx) error {
		now, _ := tx.GraceUntil(p)
		switch {
		case !tx.MayHaveGrace():
			return ErrNoGrace
		case !until.After(tx.Now), !until.After(now), until.Sub(tx.Now) > policy.MaxGrace:
			return ErrGrace
		}
		tx.Grace.Until = until
		who.log(tx, event.Event{Kind: event.GraceExtended, Until: until})
		tx.Save()
		return nil
	})
}

// Exempt makes the account a machine account, such as a backup agent's: it needs no
// second factor where machines sign in ([totpflow.Service.SignInMachine]), and can no
// longer sign in where people do. The name describes the machine. All factors are
// cleared, and all sessions and machine keys end: the change has the mark for the next
// key. Where the tenant's policy requires two administrators, the call becomes a request
// ([*ApprovalError]).
func (a Admin) Exempt(ctx context.Context, by Actor, target store.AccountID, name string) (_ totpflow.Change, err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.exempt")
	defer flow.End(&err)
	if name = cleanMachine(name); name == "" {
		return totpflow.Change{}, ErrMachineName
	}
	who, err := a.authoriseChange(ctx, by, ActionExemptAccount, target)
	if err != nil {
		return totpflow.Change{}, err
	}
	req := account.Request{Action: string(ActionExemptAccount), Targets: []string{target.User}, Name: name}
	if err := a.requestIfTwo(ctx, who, target.Tenant, req); err != nil {
		return totpflow.Change{}, err
	}
	return a.exempt(ctx, who, target, name)
}

func (a Admin) exempt(ctx context.Context, who author, target store.AccountID, name string) (totpflow.Change, error) {
	return a.changeAccount(ctx, target, func(tx *engine.Tx) error {
		e, err := tx.Enrollment.Exempt(tx.Now)
		if err != nil {
			return err
		}
		tx.Enrollment, tx.Recovery, tx.Issued, tx.Machine = e, recovery.Set{}, account.Issued{}, name
		tx.Phones, tx.Assigned = tx.Phones.Clear(), ""
		tx.EndSessions()
		who.log(tx, event.Event{Kind: event.Exempted})
		tx.Save()
		return nil
	})
}

// EndExemption makes the account a person's again. The person must enroll. All sessions
// and machine keys end.
func (a Admin) EndExemption(ctx context.Context, by Actor, target store.AccountID) (_ totpflow.Change, err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.end_exemption")
	defer flow.End(&err)
	return a.change(ctx, by, ActionExemptAccount, target, func(tx *engine.Tx, who author) error {
		if tx.Enrollment.State(tx.Now) != enroll.Exempted {
			return totpflow.ErrNotExempt
		}
		if err := forceEnrollment(tx); err != nil {
			return err
		}
		tx.Machine = ""
		tx.EndSessions()
		who.log(tx, event.Event{Kind: event.ExemptionEnded})
		return nil
	})
}

// RestoreAuthenticator brings back an authenticator that was replaced, removed or
// disabled in the last 72 hours ([Member].Recoverable), when the person says that it was
// not them. All others stop working for good, as do the recovery codes, browsers and
// sessions; a freeze ends. It counts toward [MaxResets]: where two administrators are
// required it may become a request ([*ApprovalError]). Errors: [enroll.ErrUnknown].
func (a Admin) RestoreAuthenticator(ctx context.Context, by Actor, target store.AccountID, authenticator string) (_ totpflow.Change, err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.restore_authenticator")
	defer flow.End(&err)
	req := account.Request{Action: string(ActionRestoreAuthenticator), Targets: []string{target.User}, Name: authenticator}
	who, err := a.authoriseCounted(ctx, by, target, true, req)
	if err != nil {
		return totpflow.Change{}, err
	}
	return a.restore(ctx, who, target, authenticator)
}

func (a Admin) restore(ctx context.Context, who author, target store.AccountID, authenticator string) (totpflow.Change, error) {
	return a.changeFound(ctx, target, func(tx *engine.Tx) error {
		e, back, _, err := tx.Enrollment.Restore(tx.Now, authenticator)
		if err != nil {
			return err
		}
		// The recovery codes may be those that were made with the thief's
		// authenticator, and the number the thief's.
		tx.Enrollment, tx.Recovery, tx.Issued = e, recovery.Set{}, account.Issued{}
		tx.Phones = tx.Phones.Clear()
		tx.Thaw(tx.Now)
		tx.EndSessions()
		who.log(tx, event.Event{Kind: event.AuthenticatorRestored, Authenticator: back.ID})
		return nil
	})
}

// Forget deletes everything that is kept about an account, for its erasure. It reports
// the event first. The host stops the person's sign-ins and deletes their sessions before,
// and the user and the generation after Forget. In between, the generation keeps everybody
// out ([totpflow.ErrRecordLost]). After a failure the host repeats all steps; [ErrNoAccount]
// then means that the record is deleted already. An account that continues under the same
// id begins without a factor. Nothing is kept that could tell old sessions from new ones,
// so a session from before the first enrollment would be valid again.
//
// Where the tenant's policy requires two administrators, the call becomes a request
// ([*ApprovalError]), since it removes a factor for good, and a freeze. An [Operator] can
// also erase a record that does not open, while the ring opens others.
func (a Admin) Forget(ctx context.Context, by Actor, target store.AccountID) (err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.forget")
	defer flow.End(&err)
	who, err := a.authoriseChange(ctx, by, ActionForgetAccount, target)
	if err != nil {
		return err
	}
	req := account.Request{Action: string(ActionForgetAccount), Targets: []string{target.User}}
	if err := a.requestIfTwo(ctx, who, target.Tenant, req); err != nil {
		return err
	}
	return a.forget(ctx, who, target)
}

// forget also deletes a record that does not open, if an operator asks for it: otherwise
// the person's data could never be erased. An administrator cannot: what the record says
// about its owner, such as a freeze, is unknown.
func (a Admin) forget(ctx context.Context, who author, target store.AccountID) error {
	err := a.engine.Erase(ctx, target, func(tx *engine.Tx) error {
		if !tx.Found {
			return ErrNoAccount
		}
		who.log(tx, event.Event{Kind: event.Forgotten})
		return nil
	})
	if err != nil && who.operator() {
		return a.engine.EraseUnopened(ctx, target, err, event.Event{Kind: event.Forgotten, Actor: who.name, Reason: who.reason})
	}
	return err
}

// An IssuedCode must be sent to the person, and to nobody else. Only its field REVEALS the
// code: printed or logged it is a placeholder, and it does not encode as text or JSON.
type IssuedCode struct {
	ID      store.AccountID
	Code    string // lets whoever has it and the password enroll
	Expires time.Time
}

// Format writes a placeholder for every verb.
func (c IssuedCode) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// String returns a placeholder.
func (c IssuedCode) String() string { return "admin.IssuedCode(redacted)" }

// LogValue returns a placeholder.
func (c IssuedCode) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText always returns an error: a log in JSON calls it for the fields of another
// value, and a queue must not keep the code.
func (c IssuedCode) MarshalText() ([]byte, error) {
	return nil, errors.New("admin: an issued code is not encoded; use its field")
}

// IssueRecoveryCode makes a code that lets the person enroll again, once, within
// 24 hours, after the password (NIST SP 800-63B-4 §4.2.1.2). Deliver sends it to the
// address that the host has for the person; the administrator never sees it. It replaces
// one that was issued before, and a new password ends it. When deliver fails, so does the
// call, and nobody learns the code: issue another one. The error wraps that of deliver,
// which must not contain the code. Errors: [totpflow.ErrPasswordRecent] within 24 hours
// after a new password, and where a clock that was ahead has set the password in the
// future, within 24 hours after the first call; [totpflow.ErrNotEnrolled] for an account
// without a factor.
func (a Admin) IssueRecoveryCode(ctx context.Context, by Actor, target store.AccountID, deliver func(context.Context, IssuedCode) error) (err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.issue_recovery_code")
	defer flow.End(&err)
	if deliver == nil {
		return errors.New("admin: the function that delivers the recovery code is nil")
	}
	code, set := recovery.Issue(a.engine.Now())
	var expires time.Time
	_, err = a.change(ctx, by, ActionIssueCode, target, func(tx *engine.Tx, who author) error {
		switch st := tx.Enrollment.State(tx.Now); {
		case tx.PasswordRecent(tx.Now):
			if tx.PutPasswordRight(tx.Now) {
				tx.Save()
			}
			return totpflow.ErrPasswordRecent
		case tx.Frozen():
			return totpflow.ErrFrozen // reset it first: a thief's authenticator must be removed
		case st != enroll.ResetPending && !tx.HasFactor():
			return totpflow.ErrNotEnrolled
		}
		tx.Issued = account.Issued{Set: set, At: tx.Now.Truncate(time.Millisecond)}
		expires = tx.Issued.At.Add(account.IssuedAge)
		who.log(tx, event.Event{Kind: event.RecoveryIssued, Until: expires})
		return nil
	})
	if err != nil {
		return err
	}
	if err := deliver(ctx, IssuedCode{ID: target, Code: code, Expires: expires}); err != nil {
		return engine.OfHost(fmt.Errorf("admin: the recovery code was not delivered: %w", err))
	}
	return nil
}

// cleanMachine returns the name of a machine account as lists show it.
func cleanMachine(name string) string {
	return strings.TrimSpace(event.Event{Actor: name}.Clean().Actor)
}

// ErrMachineName means that a machine account was given no name.
var ErrMachineName = errors.New("admin: a machine account needs a name")
