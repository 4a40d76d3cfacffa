package totpflow

import (
	"context"
	"time"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/internal/skew"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/recovery"
)

// An Account is a signed-in person's view of their own second factor, and what they may
// do with it. It is a cheap value that [Service.Account] makes for each request from the
// user of the session. It is safe for concurrent use.
type Account struct {
	service *Service
	user    User
}

// Account returns the account of a signed-in person. Pass the ID and the Tenant of the
// decision that started the session: another tenant means another account.
func (s *Service) Account(u User) Account { return Account{service: s, user: u} }

// VerifyCode checks another code of a signed-in person's authenticator app before an
// action (step-up). It returns a proof for this purpose and this account, valid once and
// for [ProofLifetime]. A trusted browser is not enough. The code counts against the same
// budget as at a sign-in. Errors: as [Service.VerifyCode]; [ErrNotEnrolled] for people who
// have no authenticator; [ErrWeakAuthenticator] for the code of a weak key, which proves
// nothing but [ActionReplaceAuthenticator]; [ErrProof] for a purpose without an action, and
// [ErrPurpose] for one that is too long, both before the code is used.
//
// Accept the password instead only if [Status].Enrolled is false. With ErrNotEnrolled, a
// person may still have a phone as the second factor, and must set up an app first:
// otherwise an open session and the password would be enough.
func (a Account) VerifyCode(ctx context.Context, p Purpose, code string) (_ Proof, err error) {
	ctx, flow := a.service.engine.Begin(ctx, "account.verify_code")
	defer flow.End(&err)
	return a.prove(ctx, p, ReasonCode, func(tx *engine.Tx) error {
		return a.service.checkCode(tx, noChallenge, code)
	})
}

// VerifyPair is [Account.VerifyCode] with two consecutive codes of one app, in
// their order, which are accepted while single codes are locked out.
func (a Account) VerifyPair(ctx context.Context, p Purpose, first, second string) (_ Proof, err error) {
	ctx, flow := a.service.engine.Begin(ctx, "account.verify_pair")
	defer flow.End(&err)
	return a.prove(ctx, p, ReasonCode, func(tx *engine.Tx) error {
		return a.service.checkPair(tx, noChallenge, first, second)
	})
}

// VerifyRecoveryCode is [Account.VerifyCode] with a recovery code, which it uses up.
// Store the generation of the change, since otherwise an attacker who puts back an older
// record makes the code usable again. Errors: also [ErrMethodNotAllowed] where policy
// allows no recovery codes.
func (a Account) VerifyRecoveryCode(ctx context.Context, p Purpose, code string) (_ Proof, _ Change, err error) {
	ctx, flow := a.service.engine.Begin(ctx, "account.verify_recovery_code")
	defer flow.End(&err)
	pol, err := a.service.engine.PolicyOf(ctx, a.user.ID)
	if err != nil {
		return "", Change{}, err
	}
	if !pol.Methods.Has(policy.RecoveryCodes) {
		return "", Change{}, ErrMethodNotAllowed
	}
	check := a.service.recoveryCheck(ctx, code)
	var change Change
	proof, err := a.prove(ctx, p, ReasonRecoveryCode, func(tx *engine.Tx) error {
		err := check(tx, noChallenge)
		change = changeOf(a.service.engine, tx)
		return err
	})
	change, err = engine.Acknowledged(change, err)
	return proof, change, err
}

// maxPurpose is the largest length of an action and its target together, in bytes. With
// it, a proof can be read back whatever the ids and names are.
const maxPurpose = 2000

// noChallenge names no sign-in: a wrong guess in a stolen session is not forgiven when
// the owner passes in another one.
const noChallenge = ""

// prove returns the proof that the check earns.
func (a Account) prove(ctx context.Context, p Purpose, by Reason, check func(*engine.Tx) error) (Proof, error) {
	if p.Action == "" { // two forgotten variables would match each other
		return "", ErrProof
	}
	if len(p.Action)+len(p.Target) > maxPurpose { // before the code is used
		return "", ErrPurpose
	}
	var proof Proof
	err := a.service.engine.Guess(ctx, a.user.ID, a.user.remembered(func(tx *engine.Tx) error {
		if err := unfrozen(tx); err != nil {
			return err
		}
		if len(tx.Enrollment.Authenticators()) == 0 {
			return ErrNotEnrolled
		}
		was, earned := tx.Enrollment.Authenticators(), by
		if err := check(tx); err != nil {
			return err
		}
		if by == ReasonCode && usedWeak(was, tx.Enrollment.Authenticators()) {
			if p.Action != ActionReplaceAuthenticator {
				return ErrWeakAuthenticator
			}
			earned = reasonWeakCode
		}
		tx.Log(event.Event{Kind: event.Reauthenticated, Method: string(by), Action: string(p.Action)})
		tx.Save()
		proof = a.service.proof(tx, a.user.ticket(), p, earned)
		return nil
	}))
	return engine.Acknowledged(proof, err)
}

// ConsumeProof uses up a proof that was made for an action of the host, such as the
// deletion of one backup. It refuses a proof for another action or another target.
// Errors: [ErrProof], also for [ActionEnroll], since people without a factor can earn
// that proof.
func (a Account) ConsumeProof(ctx context.Context, proof Proof, p Purpose) (err error) {
	ctx, flow := a.service.engine.Begin(ctx, "account.consume_proof")
	defer flow.End(&err)
	if p.Action == ActionEnroll {
		return ErrProof
	}
	_, err = a.with(ctx, proof, p, func(*engine.Tx) error { return nil })
	return err
}

// Disable removes every authenticator, the recovery codes and the trusted
// browsers, and ends all sessions ([Account.SessionValid]). It requires a proof of
// [ActionDisable]. Errors: [ErrProof], and [ErrFactorRequired] where policy requires
// the factor.
func (a Account) Disable(ctx context.Context, p Proof) (_ Change, err error) {
	ctx, flow := a.service.engine.Begin(ctx, "account.disable")
	defer flow.End(&err)
	pol, err := a.service.engine.PolicyOf(ctx, a.user.ID)
	if err != nil {
		return Change{}, err
	}
	return a.with(ctx, p, ActionDisable.On(""), func(tx *engine.Tx) error {
		if pol.Mode == policy.Required {
			return ErrFactorRequired
		}
		e, err := tx.Enrollment.Disable(tx.Now)
		if err != nil {
			return err
		}
		tx.Enrollment, tx.Recovery, tx.Phones = e, recovery.Set{}, tx.Phones.Clear()
		tx.EndSessions()
		tx.Log(event.Event{Kind: event.Disabled})
		return nil
	})
}

// RemoveAuthenticator removes one authenticator of several, and ends all sessions
// and trusted browsers. It requires a proof of [ActionRemoveAuthenticator] on this id.
// Errors: [ErrProof], [enroll.ErrUnknown], and [enroll.ErrLast]: use Disable for the last
// one.
func (a Account) RemoveAuthenticator(ctx context.Context, p Proof, id string) (_ Change, err error) {
	ctx, flow := a.service.engine.Begin(ctx, "account.remove_authenticator")
	defer flow.End(&err)
	return a.with(ctx, p, ActionRemoveAuthenticator.On(id), func(tx *engine.Tx) error {
		e, err := tx.Enrollment.Remove(tx.Now, id)
		if err != nil {
			return err
		}
		tx.Enrollment = e
		tx.EndSessions()
		tx.Log(event.Event{Kind: event.AuthenticatorRemoved, Authenticator: id})
		return nil
	})
}

// RenameAuthenticator gives an authenticator another name. Errors: [enroll.ErrUnknown]
// and the errors of [enroll.Enrollment.Rename] for names.
func (a Account) RenameAuthenticator(ctx context.Context, id, name string) (err error) {
	ctx, flow := a.service.engine.Begin(ctx, "account.rename_authenticator")
	defer flow.End(&err)
	return a.change(ctx, func(tx *engine.Tx) error {
		e, err := tx.Enrollment.Rename(id, name)
		if err != nil {
			return err
		}
		tx.Enrollment = e
		tx.Log(event.Event{Kind: event.AuthenticatorRenamed, Authenticator: id})
		tx.Save()
		return nil
	})
}

// NewRecoveryCodes makes a new set. It ends the old set, and pending sign-ins and proofs;
// sessions stay. It requires a proof of [ActionRecoveryCodes]. As long as the set is not
// marked as saved ([Account.RecoveryCodesSaved]), the proof of a sign-in by an app's code
// is also accepted for an hour: the page that showed the set may have been lost, and the set
// is never shown again. The only secrets on the sheet are the codes, which cannot be shown again.
// Errors: [ErrProof], and [ErrMethodNotAllowed] where policy allows no recovery codes.
func (a Account) NewRecoveryCodes(ctx context.Context, p Proof) (_ recovery.Sheet, _ Change, err error) {
	ctx, flow := a.service.engine.Begin(ctx, "account.new_recovery_codes")
	defer flow.End(&err)
	pol, err := a.service.engine.PolicyOf(ctx, a.user.ID)
	if err != nil {
		return recovery.Sheet{}, Change{}, err
	}
	if !pol.Methods.Has(policy.RecoveryCodes) {
		return recovery.Sheet{}, Change{}, ErrMethodNotAllowed
	}
	purpose := ActionRecoveryCodes.On("")
	if t, err := a.service.engine.UnsealTicket(proofKind, string(p)); err == nil && t.Action == string(ActionSignIn) && t.Reason == string(ReasonCode) {
		purpose = ActionSignIn.On("")
	}
	sheet := recovery.Sheet{Issuer: a.service.engine.Issuer, Account: a.user.ticket().Name}
	change, err := a.with(ctx, p, purpose, func(tx *engine.Tx) error {
		if purpose.Action == ActionSignIn && !lostWithItsPage(tx) {
			return ErrProof
		}
		codes, set := recovery.New(tx.Now)
		tx.Recovery = set
		tx.EndTickets() // a proof by one of the old codes among them
		sheet.Codes, sheet.Made = codes, tx.Now
		tx.Log(event.Event{Kind: event.RecoveryCodesMade, Remaining: set.Remaining()})
		return nil
	})
	sheet, err = engine.Acknowledged(sheet, err)
	return sheet, change, err
}

// lostWithItsPage reports whether the page with the recovery codes may have been lost a
// moment ago. Later, a code of an ordinary sign-in must not make new ones: they would lead
// a person who has tricked the owner out of that code to an authenticator of their own.
func lostWithItsPage(tx *engine.Tx) bool {
	age := tx.Now.Sub(tx.Recovery.Made())
	return !tx.Recovery.IsZero() && tx.Recovery.Saved().IsZero() && -skew.Tolerance <= age && age < time.Hour
}

// RecoveryCodesSaved notes that the person said "I have saved them".
func (a Account) RecoveryCodesSaved(ctx context.Context) (err error) {
	ctx, flow := a.service.engine.Begin(ctx, "account.recovery_codes_saved")
	defer flow.End(&err)
	return a.change(ctx, func(tx *engine.Tx) error {
		if tx.Recovery.IsZero() {
			return ErrNotEnrolled
		}
		if !tx.Recovery.Saved().IsZero() {
			return nil // logged once; repeated entries would push the last changes out of sight
		}
		tx.Recovery = tx.Recovery.MarkSaved(tx.Now)
		tx.Log(event.Event{Kind: event.RecoveryCodesSaved})
		tx.Save()
		return nil
	})
}

// RevokeBrowser ends the trust in one browser, at its next sign-in, and every pending
// proof that could trust it again. It requires no proof: it only takes trust away.
func (a Account) RevokeBrowser(ctx context.Context, id string) (err error) {
	ctx, flow := a.service.engine.Begin(ctx, "account.revoke_browser")
	defer flow.End(&err)
	return a.change(ctx, func(tx *engine.Tx) error {
		if !tx.RevokeBrowser(id) {
			return ErrNoBrowser
		}
		tx.Log(event.Event{Kind: event.BrowserRevoked, Browser: id})
		tx.Save()
		return nil
	})
}

// RevokeBrowsers ends the trust in every browser, and every pending proof that could
// trust one again.
func (a Account) RevokeBrowsers(ctx context.Context) (err error) {
	ctx, flow := a.service.engine.Begin(ctx, "account.revoke_browsers")
	defer flow.End(&err)
	return a.change(ctx, func(tx *engine.Tx) error {
		if !tx.Found {
			return nil
		}
		if len(tx.Browsers) > 0 { // otherwise an open session could push the last changes out of sight
			tx.Log(event.Event{Kind: event.BrowsersRevoked})
		}
		tx.EndTrust() // also without a browser: a pending proof must not trust one
		tx.Save()
		return nil
	})
}

// PasswordChanged must be called when the password was changed or reset. It ends sign-ins
// under way, trusted browsers and all sessions ([Account.SessionValid]): a person who
// knew the old password keeps nothing. An issued recovery code ends too, and for 24 hours
// no other can be sent.
//
// Call it after the new password is committed. After an error, it is possible that
// nothing has ended yet: leave a note in the same transaction as the password, and call
// it again until it returns nil. The person's own session ends, too: begin another one,
// under a new token, with the mark of the last call.
func (a Account) PasswordChanged(ctx context.Context) (_ Change, err error) {
	ctx, flow := a.service.engine.Begin(ctx, "account.password_changed")
	defer flow.End(&err)
	return a.changed(ctx, func(tx *engine.Tx) error {
		tx.EndSessions()
		tx.PasswordAt, tx.Issued = tx.Now.Truncate(time.Millisecond), account.Issued{}
		tx.Suspicion.NewPassword = tx.Suspicion.CodeOnly
		tx.Log(event.Event{Kind: event.PasswordChanged})
		tx.Save()
		return nil
	})
}

// change runs a flow of this account, and checks the host's generation against the
// record.
func (a Account) change(ctx context.Context, decide func(*engine.Tx) error) error {
	return a.service.engine.Change(ctx, a.user.ID, a.user.remembered(decide))
}

// look is change for a flow that seldom writes ([engine.Engine.Look]).
func (a Account) look(ctx context.Context, decide func(*engine.Tx) error) error {
	return a.service.engine.Look(ctx, a.user.ID, a.user.remembered(decide))
}

// with runs a flow that consumes a proof in its own write. A flow that fails leaves the
// proof as it was.
func (a Account) with(ctx context.Context, proof Proof, p Purpose, decide func(*engine.Tx) error) (Change, error) {
	t, err := a.service.engine.UnsealTicket(proofKind, string(proof))
	if err != nil || t.Action != string(p.Action) || t.Target != p.Target || t.Account() != a.user.ID {
		return Change{}, ErrProof
	}
	return a.changed(ctx, func(tx *engine.Tx) error {
		if !t.Valid(tx) {
			return refusal(tx, t, ErrProof)
		}
		if err := decide(tx); err != nil {
			return err
		}
		t.Consume(tx) // a no-op when the flow moved the epoch, which ends every proof anyway
		tx.Save()
		return nil
	})
}
