package totpflow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/trust"
)

// A Service is what happens after the password. It is safe for concurrent use
// by any number of goroutines, and any number of processes over one store.
type Service struct {
	book     *account.Book
	store    store.Store
	keys     *keyring.Ring
	policy   policy.Source
	above    func(context.Context, string) ([]string, error)
	issuer   string
	audience string
	params   totp.Params
	window   totp.Window
	limits   throttle.Profile
	phones   *Phones
	strict   bool
	now      func() time.Time
}

// SignIn is called when the password is right, for every kind of first step
// (form, API, single sign-on, password reset), and answers what is next.
// The tokens are those of the browsers that the request carries
// (totphttp.TrustTokens); tokens of others are passed over.
//
// It reads the record once, and where Config.Policy is nil one record for each
// tenant of the chain. It writes only to note, at most once a day, that a
// trusted browser was seen, and before the first challenge or proof since the
// account was new or its factors changed: the key that signs them lies in the
// record. A grace that begins is written, too.
func (s *Service) SignIn(ctx context.Context, u User, tokens ...trust.Token) (Decision, error) {
	p, err := s.policyOf(ctx, u.account())
	if err != nil {
		return Decision{}, err
	}
	var d Decision
	err = s.book.Change(ctx, u.account(), func(r *account.Round) (err error) {
		d, err = s.signIn(r, u, p, tokens)
		return err
	})
	return answer(d, err)
}

func (s *Service) signIn(r *account.Round, u User, p policy.Policy, tokens []trust.Token) (Decision, error) {
	if err := u.remembering(r); err != nil {
		return Decision{}, err
	}
	if err := unfrozen(r); err != nil {
		return Decision{}, err
	}
	who := u.ticket()
	switch state := r.Enrollment.State(r.Now); state {
	case enroll.Active, enroll.Replacing:
		// Whatever the policy says: "off" never skips an active authenticator.
		if b, ok := s.trusted(r, p, tokens); ok {
			r.Log(event.Event{Kind: event.SignedIn, Method: string(ReasonTrustedBrowser), Browser: b.ID})
			return s.pass(r, who, p, ReasonTrustedBrowser), nil
		}
		return s.ask(r, p, s.challenge(r, who, ActionSignIn)), nil
	case enroll.ResetPending:
		if s.passwordSuffices(r, p) {
			return s.demandSetUp(r, p, s.challenge(r, who, ActionEnroll)), nil
		}
		return s.ask(r, p, s.challenge(r, who, ActionSignIn)), nil
	case enroll.Exempted:
		r.Log(event.Event{Kind: event.SignInRefused, Reason: string(ReasonMachine)})
		return Decision{}, ErrExempt
	case enroll.Disabled, enroll.Pending:
		if phoneAllowed(r, p) {
			return s.ask(r, p, s.challenge(r, who, ActionSignIn)), nil
		}
		reason := s.without(r, p)
		if reason == "" {
			return s.demandSetUp(r, p, s.challenge(r, who, ActionEnroll)), nil
		}
		r.Log(event.Event{Kind: event.SignedIn, Method: string(reason)})
		return s.pass(r, who, p, reason), nil
	default:
		return Decision{}, fmt.Errorf("totpflow: unknown enrollment state %q", state)
	}
}

// without is why somebody who has nothing set up passes, or empty.
func (s *Service) without(r *account.Round, p policy.Policy) Reason {
	switch p.Mode {
	case policy.Optional:
		return ReasonNotEnrolled
	case policy.Off:
		return ReasonPolicyOff
	}
	if beginGrace(r, p) {
		return ReasonGrace
	}
	return ""
}

// SignInMachine is [Service.SignIn] for a machine account, such as a backup
// agent with an API key, where its credential is right. It passes, by Exempt,
// only for accounts that an administrator exempted ([Admin.Exempt]); others get
// [ErrNotExempt]. It is a call of its own so that a machine's credential, which
// lies in some script, opens nothing where people sign in: call it only for what
// a machine may do.
func (s *Service) SignInMachine(ctx context.Context, u User) (Decision, error) {
	var d Decision
	err := s.book.Change(ctx, u.account(), func(r *account.Round) error {
		if err := u.remembering(r); err != nil {
			return err
		}
		if err := unfrozen(r); err != nil {
			return err
		}
		if r.Enrollment.State(r.Now) != enroll.Exempted {
			return ErrNotExempt
		}
		r.Log(event.Event{Kind: event.SignedIn, Method: string(ReasonMachine)})
		d = Decision{Step: Passed, Reason: ReasonMachine, ID: u.ID, Generation: r.Generation}
		return nil
	})
	return answer(d, err)
}

// ContinueSignIn answers again what SignIn answered, for a page that is reloaded. It
// changes nothing.
func (s *Service) ContinueSignIn(ctx context.Context, c Challenge) (Decision, error) {
	t, err := s.unseal(challengeKind, string(c))
	if err != nil {
		return Decision{}, ErrChallenge
	}
	p, err := s.policyOf(ctx, t.account())
	if err != nil {
		return Decision{}, err
	}
	var d Decision
	err = s.book.Change(ctx, t.account(), func(r *account.Round) error {
		switch { // with the same challenge: reloading does not prolong it
		case !t.holds(r):
			return ErrChallenge
		case t.Action == ActionEnroll:
			d = s.demandSetUp(r, p, c)
		default:
			d = s.ask(r, p, c)
		}
		return nil
	})
	return answer(d, err)
}

// ask is the decision that a code is needed.
func (s *Service) ask(r *account.Round, p policy.Policy, c Challenge) Decision {
	d := Decision{Step: AskCode, Challenge: c, Methods: s.methods(r, p), Generation: r.Generation}
	if slices.Contains(d.Methods, MethodPhoneCode) {
		d.Phones = phonesOf(r)
	}
	if len(r.Enrollment.Authenticators()) == 0 {
		return d
	}
	d.TrustFor = s.trustFor(p)
	var waiting *throttle.Error
	if errors.As(r.Budget.Allow(r.Now, s.limits, s.chances(r)), &waiting) {
		d.Throttled = waiting
	}
	return d
}

// methods are the ways to pass that the account has and policy allows.
func (s *Service) methods(r *account.Round, p policy.Policy) (ms []Method) {
	active := len(r.Enrollment.Authenticators()) > 0
	if active {
		ms = append(ms, MethodCode)
	}
	if r.Recovery.Remaining() > 0 && p.Methods.Has(policy.RecoveryCodes) {
		ms = append(ms, MethodRecoveryCode)
	}
	if s.phones != nil && phoneAllowed(r, p) {
		ms = append(ms, MethodPhoneCode)
	}
	if r.Issued.Live(r.Now) || r.Enrollment.State(r.Now) == enroll.ResetPending { // after a reset it is named even before it was sent: ask for it
		ms = append(ms, MethodIssuedCode)
	}
	return ms
}

// demandSetUp is the decision that an authenticator must be set up first.
func (s *Service) demandSetUp(r *account.Round, p policy.Policy, c Challenge) Decision {
	d := Decision{Step: Enroll, Challenge: c, Methods: []Method{MethodCode}, Generation: r.Generation}
	if s.phones != nil && p.Methods.Has(policy.Phone) && (!p.AssignedPhones || r.Assigned != "") {
		d.Methods = append(d.Methods, MethodPhoneCode)
		if assigned, err := phone.ParseNumber(r.Assigned); err == nil && p.AssignedPhones {
			d.Phones = []Phone{{Number: assigned}}
		}
	}
	return d
}

// pass is the decision that lets the person in, with the proof that this way of
// passing earns.
func (s *Service) pass(r *account.Round, who ticket, p policy.Policy, by Reason) Decision {
	d := Decision{Step: Passed, Reason: by, ID: AccountID{Tenant: who.Tenant, User: who.User}, Generation: r.Generation}
	var action Action
	switch by {
	case ReasonCode, ReasonExternal:
		action, d.TrustFor = ActionSignIn, s.trustFor(p)
	case ReasonRecoveryCode:
		action, d.RecoveryCodesLeft = ActionReplaceAuthenticator, r.Recovery.Remaining()
	case ReasonPhoneCode:
		// Never enough to trust a browser or to replace an authenticator: a number
		// that is stolen for an hour would be stolen for good.
		if len(r.Enrollment.Authenticators()) > 0 {
			return d
		}
		action = ActionEnroll
	case ReasonNotEnrolled, ReasonGrace:
		action = ActionEnroll
		if by == ReasonGrace {
			d.GraceUntil, _ = graceUntil(r, p)
		}
	default: // a trusted browser proves nothing, and neither does "off"
		return d
	}
	d.Proof = s.proof(r, who, action, by)
	return d
}

// challenge asks for what the action says.
func (s *Service) challenge(r *account.Round, who ticket, a Action) Challenge {
	return Challenge(s.seal(challengeKind, r, ticket{Tenant: who.Tenant, User: who.User, Name: who.Name, Action: a}))
}

// proof allows the action, for what was passed.
func (s *Service) proof(r *account.Round, who ticket, a Action, by Reason) Proof {
	return Proof(s.seal(proofKind, r, ticket{Tenant: who.Tenant, User: who.User, Name: who.Name, Action: a, Reason: by}))
}

// answer makes sure that nothing is granted together with an error: a round
// that was decided but not acknowledged has left its result behind.
func answer[T any](result T, err error) (T, error) {
	if err != nil {
		var nothing T
		return nothing, err
	}
	return result, nil
}

// policyOf asks for the account's policy. What is no mode becomes Required, so
// that nothing below can take it for something milder.
func (s *Service) policyOf(ctx context.Context, id store.AccountID) (policy.Policy, error) {
	p, err := s.policy.Policy(ctx, id)
	if err != nil {
		return policy.Policy{}, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	return policy.Strictest(p), nil
}

func (u User) account() store.AccountID { return u.ID }

// ticket carries who the user is into what follows.
func (u User) ticket() ticket {
	// A name that an app cannot show is no reason to keep a person out.
	name := func(s string) string { return totp.Label{Account: s}.Clean().Account }
	return ticket{Tenant: u.ID.Tenant, User: u.ID.User, Name: cmp.Or(name(u.Name), name(u.ID.User), "account")}
}

// remembering refuses a record that is gone or older than the host remembers:
// else deleting a row, or restoring one from before the enrollment, would switch
// the second factor off.
func (u User) remembering(r *account.Round) error {
	if r.Generation < u.Generation {
		r.Log(event.Event{Kind: event.RecordLost})
		return ErrRecordLost
	}
	return nil
}
