package totpflow

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/trust"
)

// A Service runs the second step, after the password. It is safe for concurrent use by
// any number of goroutines, and any number of processes may share one store.
type Service struct {
	engine *engine.Engine
	phones *phone.Delivery
}

// Handle gives package admin access to the service. It is of no use to other packages.
func (s *Service) Handle() engine.Handle { return s.engine.Handle() }

// SignIn decides what comes next after the right password. Call it for every kind of
// first step (form, API, single sign-on, password reset). The tokens are the request's
// tokens of trusted browsers (totphttp.TrustTokens); those of other accounts are ignored.
//
// It reads the record once, and where Config.Policy is nil one record for each tenant of
// the chain. It writes in three cases only: to note, at most once a day, that a trusted
// browser was seen; before the first challenge or proof of a new account or after a
// change of factors, since the key that signs them is in the record; and when a grace
// period begins.
func (s *Service) SignIn(ctx context.Context, u User, tokens ...trust.Token) (_ Decision, err error) {
	ctx, flow := s.engine.Begin(ctx, "sign_in")
	defer flow.End(&err)
	p, err := s.engine.PolicyOf(ctx, u.ID)
	if err != nil {
		return Decision{}, err
	}
	var d Decision
	err = s.engine.Guess(ctx, u.ID, func(tx *engine.Tx) (err error) {
		d, err = s.signIn(tx, u, p, tokens)
		return err
	})
	return engine.Acknowledged(d, err)
}

func (s *Service) signIn(tx *engine.Tx, u User, p policy.Policy, tokens []trust.Token) (Decision, error) {
	if err := u.remembering(tx); err != nil {
		return Decision{}, err
	}
	if err := unfrozen(tx); err != nil {
		return Decision{}, err
	}
	who := u.ticket()
	switch state := tx.Enrollment.State(tx.Now); state {
	case enroll.Active, enroll.Replacing:
		// Whatever the policy says: "off" never skips an active authenticator.
		if b, ok := s.trusted(tx, p, tokens); ok {
			return s.passTrusted(tx, who, p, b), nil
		}
		return s.askForCode(tx, p, s.challenge(tx, who, ActionSignIn)), nil
	case enroll.ResetPending:
		if tx.PasswordSuffices(p) {
			return s.demandSetUp(tx, p, s.challenge(tx, who, ActionEnroll)), nil
		}
		return s.askForCode(tx, p, s.challenge(tx, who, ActionSignIn)), nil
	case enroll.Exempted:
		tx.Log(event.Event{Kind: event.SignInRefused, Reason: string(ReasonMachine)})
		return Decision{}, ErrExempt
	case enroll.Disabled, enroll.Pending:
		if phoneAllowed(tx, p) {
			return s.askForCode(tx, p, s.challenge(tx, who, ActionSignIn)), nil
		}
		reason := s.without(tx, p)
		if reason == "" {
			return s.demandSetUp(tx, p, s.challenge(tx, who, ActionEnroll)), nil
		}
		tx.Log(event.Event{Kind: event.SignedIn, Method: string(reason)})
		return s.pass(tx, who, p, reason), nil
	default:
		return Decision{}, fmt.Errorf("totpflow: unknown enrollment state %q", state)
	}
}

// without returns the reason why a person who has nothing set up passes, or empty.
func (s *Service) without(tx *engine.Tx, p policy.Policy) Reason {
	switch p.Mode {
	case policy.Optional:
		return ReasonNotEnrolled
	case policy.Off:
		return ReasonPolicyOff
	}
	if tx.BeginGrace(p) {
		return ReasonGrace
	}
	return ""
}

// SignInMachine is [Service.SignIn] for a machine account, such as a backup agent with an
// API key, after its credential was right. It passes only accounts that an administrator
// exempted (admin.Admin.Exempt); others get [ErrNotExempt]. It is a separate call so that
// a machine's credential, which is stored in some script, is useless where people sign
// in: call it only for actions that a machine may perform.
//
// The mark is the one that the host keeps with the credential: that of the [Change] that
// exempted the account, or [Status].Mark if the credential was made later. Everything
// that ends the account's sessions ends its credentials too ([ErrKeyEnded]), so that an
// old key does not work again after one exemption has ended and another has begun.
func (s *Service) SignInMachine(ctx context.Context, u User, mark SessionMark) (_ Decision, err error) {
	ctx, flow := s.engine.Begin(ctx, "sign_in_machine")
	defer flow.End(&err)
	var d Decision
	err = s.engine.Change(ctx, u.ID, func(tx *engine.Tx) error {
		if err := u.remembering(tx); err != nil {
			return err
		}
		if err := unfrozen(tx); err != nil {
			return err
		}
		if tx.Enrollment.State(tx.Now) != enroll.Exempted {
			return ErrNotExempt
		}
		if mark != markOf(s.engine, tx) {
			tx.Log(event.Event{Kind: event.SignInRefused, Reason: "ended key"})
			return ErrKeyEnded
		}
		tx.Log(event.Event{Kind: event.SignedIn, Method: string(ReasonMachine)})
		d = s.passed(tx, ReasonMachine)
		return nil
	})
	return engine.Acknowledged(d, err)
}

// ContinueSignIn repeats the answer of SignIn, for a page that is reloaded. It does not
// prolong the challenge. With the tokens of a trusted browser (totphttp.TrustTokens) it
// may let the person in and use up the challenge. This is for single sign-on: a response
// that another site posts arrives without the browser's cookies, so call SignIn there,
// keep the challenge, and redirect to a page that calls ContinueSignIn.
func (s *Service) ContinueSignIn(ctx context.Context, c Challenge, tokens ...trust.Token) (_ Decision, err error) {
	ctx, flow := s.engine.Begin(ctx, "continue_sign_in")
	defer flow.End(&err)
	t, err := s.engine.UnsealTicket(challengeKind, string(c))
	if err != nil {
		return Decision{}, ErrChallenge
	}
	p, err := s.engine.PolicyOf(ctx, t.Account())
	if err != nil {
		return Decision{}, err
	}
	var d Decision
	err = s.engine.Change(ctx, t.Account(), func(tx *engine.Tx) error {
		if !t.Valid(tx) {
			return refusal(tx, t, ErrChallenge)
		}
		if t.Action == string(ActionEnroll) {
			d = s.demandSetUp(tx, p, c)
			return nil
		}
		if b, ok := s.trusted(tx, p, tokens); ok && t.Action == string(ActionSignIn) && len(tx.Enrollment.Authenticators()) > 0 {
			t.Consume(tx)
			d = s.passTrusted(tx, t, p, b)
			return nil
		}
		d = s.askForCode(tx, p, c)
		d.Action = Action(t.Action)
		return nil
	})
	return engine.Acknowledged(d, err)
}

// ask returns the decision that a code is needed.
func (s *Service) askForCode(tx *engine.Tx, p policy.Policy, c Challenge) Decision {
	d := Decision{Step: AskCode, Challenge: c, Action: ActionSignIn, Methods: s.methods(tx, p), Generation: tx.Generation}
	if slices.Contains(d.Methods, MethodPhoneCode) {
		d.Phones = tx.Phones.Phones()
	}
	if len(tx.Enrollment.Authenticators()) == 0 {
		return d
	}
	d.TrustFor = s.engine.TrustFor(p)
	d.Throttled = s.engine.Throttled(tx)
	return d
}

// methods returns the methods that the account has and policy allows.
func (s *Service) methods(tx *engine.Tx, p policy.Policy) (ms []Method) {
	active := len(tx.Enrollment.Authenticators()) > 0
	if active {
		ms = append(ms, MethodCode)
	}
	if tx.Recovery.Remaining() > 0 && p.Methods.Has(policy.RecoveryCodes) {
		ms = append(ms, MethodRecoveryCode)
	}
	if s.phones != nil && phoneAllowed(tx, p) {
		ms = append(ms, MethodPhoneCode)
	}
	if tx.Issued.Live(tx.Now) || tx.Enrollment.State(tx.Now) == enroll.ResetPending { // after a reset the page offers it even before it was sent: the person can ask for it
		ms = append(ms, MethodIssuedCode)
	}
	return ms
}

// demandSetUp returns the decision that an authenticator must be set up first.
func (s *Service) demandSetUp(tx *engine.Tx, p policy.Policy, c Challenge) Decision {
	d := Decision{Step: Enroll, Challenge: c, Action: ActionEnroll, Methods: []Method{MethodCode}, Generation: tx.Generation}
	if s.phones != nil && p.Methods.Has(policy.Phone) && (!p.AssignedPhones || tx.Assigned != "") {
		d.Methods = append(d.Methods, MethodPhoneCode)
		if assigned, err := phone.ParseNumber(tx.Assigned); err == nil && p.AssignedPhones {
			d.Phones = []phone.Phone{{Number: assigned}}
		}
	}
	return d
}

// passTrusted returns the decision that lets in a person with a trusted browser.
func (s *Service) passTrusted(tx *engine.Tx, who engine.Ticket, p policy.Policy, b trust.Browser) Decision {
	tx.Log(event.Event{Kind: event.SignedIn, Method: string(ReasonTrustedBrowser), Browser: b.ID})
	return s.pass(tx, who, p, ReasonTrustedBrowser)
}

// pass returns the decision that lets the person in, with the proof that this way of
// passing earns.
func (s *Service) pass(tx *engine.Tx, who engine.Ticket, p policy.Policy, by Reason) Decision {
	d := s.passed(tx, by)
	var action Action
	switch by {
	case ReasonCode, ReasonExternal:
		action, d.TrustFor = ActionSignIn, s.engine.TrustFor(p)
		if by == ReasonCode && who.Action == string(ActionReplaceAuthenticator) && who.Kind == challengeKind.Name {
			action, d.TrustFor = ActionReplaceAuthenticator, 0
		}
	case ReasonRecoveryCode:
		action, d.RecoveryCodesLeft = ActionReplaceAuthenticator, tx.Recovery.Remaining()
	case ReasonPhoneCode:
		// A code by phone must not trust a browser or replace an authenticator: otherwise a
		// thief who controls the number for an hour would keep the account for good.
		if len(tx.Enrollment.Authenticators()) > 0 {
			return d
		}
		action = ActionEnroll
	case ReasonNotEnrolled, ReasonGrace:
		action = ActionEnroll
		if by == ReasonGrace {
			d.GraceUntil, _ = tx.GraceUntil(p)
		}
	default: // a trusted browser proves nothing, and neither does "off"
		return d
	}
	d.Action, d.Proof = action, s.proof(tx, who, action.On(""), by)
	return d
}

func (s *Service) passed(tx *engine.Tx, by Reason) Decision {
	return Decision{Step: Passed, Reason: by, ID: tx.ID(), Generation: tx.Generation, Mark: markOf(s.engine, tx)}
}

// challenge returns a challenge for the action.
func (s *Service) challenge(tx *engine.Tx, who engine.Ticket, a Action) Challenge {
	return Challenge(s.engine.SealTicket(challengeKind, tx, engine.Ticket{Tenant: who.Tenant, User: who.User, Name: who.Name, Action: string(a)}))
}

// proof returns a proof for the purpose, after a check was passed.
func (s *Service) proof(tx *engine.Tx, who engine.Ticket, p Purpose, by Reason) Proof {
	var phone string
	if by == ReasonPhoneCode {
		phone = who.Candidate
	}
	return Proof(s.engine.SealTicket(proofKind, tx, engine.Ticket{
		Candidate: phone, Tenant: who.Tenant, User: who.User, Name: who.Name, Action: string(p.Action), Target: p.Target, Reason: string(by),
	}))
}

// ticket carries the user's identity into the next steps.
func (u User) ticket() engine.Ticket {
	// A name that an app cannot show is no reason to keep a person out.
	name := func(s string) string { return totp.Label{Account: s}.Clean().Account }
	return engine.Ticket{Tenant: u.ID.Tenant, User: u.ID.User, Name: cmp.Or(name(u.Name), name(u.ID.User), "account")}
}

// remembering refuses a record that is missing or older than the host remembers:
// otherwise an attacker could switch the second factor off by deleting the row, or by
// restoring one from before the enrollment.
func (u User) remembering(tx *engine.Tx) error {
	if tx.Generation < u.Generation {
		tx.Log(event.Event{Kind: event.RecordLost})
		return ErrRecordLost
	}
	return nil
}

// remembered is decide for a record that is not older than the host remembers.
func (u User) remembered(decide func(*engine.Tx) error) func(*engine.Tx) error {
	return func(tx *engine.Tx) error {
		if err := u.remembering(tx); err != nil {
			return err
		}
		return decide(tx)
	}
}
