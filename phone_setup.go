package totpflow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// Proofs about phones.
const (
	ActionAddPhone    Action = "add phone"    // BeginPhone
	ActionRemovePhone Action = "remove phone" // Account.RemovePhone
	ActionAssignPhone Action = "assign phone" // Admin.AssignPhone
)

// ErrNumberAssigned means that policy lets only administrators choose the numbers.
var ErrNumberAssigned = errors.New("totpflow: an administrator chooses the number")

// A PendingPhone is what a page shows that asks for the code of a new number.
type PendingPhone struct {
	Token   EnrollmentToken // for SendEnrollmentCode and ConfirmPhone
	Number  phone.Number    // masked when printed
	Expires time.Time       // when the number has to be added again
}

// BeginPhone adds a number, which signs nobody in until it has shown a code of
// its own ([Service.SendEnrollmentCode], [Service.ConfirmPhone]). It starts from what an enrollment starts from: the
// challenge of a decision that said Enroll, a proof of [ActionAddPhone], or where
// nothing is set up the proof of a sign-in. Where policy lets only
// administrators choose numbers, number is the one that they assigned, or zero
// for it. Errors: [ErrChallenge], [ErrProof], [ErrMethodNotAllowed], [ErrNumberAssigned],
// phone.ErrKnown, phone.ErrTooManyPhones, phone.ErrDestination.
func (s *Service) BeginPhone(ctx context.Context, by EnrollmentGrant, number phone.Number) (PendingPhone, error) {
	if by == nil {
		return PendingPhone{}, ErrProof
	}
	t, err := by.grant(s)
	if err != nil {
		return PendingPhone{}, err
	}
	p, err := s.policyOf(ctx, t.account())
	if err != nil {
		return PendingPhone{}, err
	}
	switch {
	case s.phones == nil:
		return PendingPhone{}, ErrNoPhone
	case !p.Methods.Has(policy.Phone):
		return PendingPhone{}, ErrMethodNotAllowed
	}
	var page PendingPhone
	err = s.book.Change(ctx, t.account(), func(r *account.Round) error {
		if err := begins(r, t, by, ActionAddPhone); err != nil {
			return err
		}
		n, err := chosen(r, p, number)
		if err != nil {
			return err
		}
		if err := s.phones.Destinations.Allow(n); err != nil {
			return err
		}
		phones, pending, err := r.Phones.Add(r.Now, n)
		if err != nil {
			return err
		}
		r.Phones = phones
		r.Save()
		page.Number, page.Expires = pending.Number, pending.Began.Add(phone.PendingLifetime)
		page.Token = EnrollmentToken(s.seal(enrollmentKind, r, ticket{
			Tenant: t.Tenant, User: t.User, Name: t.Name, Action: ActionAddPhone, Candidate: pending.ID,
		}))
		return nil
	})
	return answer(page, err)
}

// chosen is the number that may be added.
func chosen(r *account.Round, p policy.Policy, n phone.Number) (phone.Number, error) {
	if !p.AssignedPhones {
		if n.IsZero() {
			return n, phone.ErrNumber
		}
		return n, nil
	}
	assigned, err := phone.ParseNumber(r.Assigned)
	if err != nil || !n.IsZero() && !n.Same(assigned) {
		return phone.Number{}, ErrNumberAssigned
	}
	return assigned, nil
}

// SendEnrollmentCode sends the code for the number of the token, or another one, by
// either way. The one before is dead from then on. Errors: [ErrEnrollmentExpired],
// [ErrNumberAssigned], and as [Service.SendPhoneCode].
func (s *Service) SendEnrollmentCode(ctx context.Context, token EnrollmentToken, via phone.Via) (SentCode, error) {
	t, err := s.phoneTicket(token)
	if err != nil {
		return SentCode{}, err
	}
	p, err := s.policyOf(ctx, t.account())
	if err != nil {
		return SentCode{}, err
	}
	return s.sendCode(ctx, t, false, func(r *account.Round) (phone.Number, error) {
		x, err := pendingPhone(r, t, p)
		return x.Number, err
	}, func(r *account.Round) (phone.State, phone.Message, error) {
		return r.Phones.SendPending(r.Now, s.keys, t.Candidate, via, s.phones.Limits.Account...)
	})
}

// ConfirmPhone makes the number a phone, when its code is right, and lets the
// person in whose enrollment came before the session. Wrong codes are counted as at
// a sign-in. Errors: [ErrRejected], [ErrEnrollmentExpired], [ErrPhoneCode],
// [ErrMethodNotAllowed], [ErrNumberAssigned], [*throttle.Error].
func (s *Service) ConfirmPhone(ctx context.Context, token EnrollmentToken, code string) (Decision, error) {
	t, err := s.phoneTicket(token)
	if err != nil {
		return Decision{}, err
	}
	p, err := s.policyOf(ctx, t.account())
	if err != nil {
		return Decision{}, err
	}
	var d Decision
	err = s.book.Change(ctx, t.account(), func(r *account.Round) error {
		if _, err := pendingPhone(r, t, p); err != nil {
			return err
		}
		err := s.charged(r, t.ID, string(ReasonPhoneCode), 1, func() error {
			st, _, err := r.Phones.VerifyPending(r.Now, s.keys, t.Candidate, code)
			return phoneChecked(r, st, err)
		})
		if err != nil {
			return err
		}
		if r.Enrollment.State(r.Now) == enroll.ResetPending {
			r.Enrollment = enroll.Enrollment{} // the phone answers the reset: the password alone sets nothing up any more
		}
		r.Assigned, r.Issued, r.CodeOnly = "", account.Issued{}, false
		r.EndTickets() // browsers and sessions stay: nothing was taken away
		r.Log(event.Event{Kind: event.PhoneAdded})
		r.Save()
		d = s.pass(r, t, p, ReasonPhoneCode)
		return nil
	})
	return answer(d, err)
}

func (s *Service) phoneTicket(token EnrollmentToken) (ticket, error) {
	t, err := s.unseal(enrollmentKind, string(token))
	if err != nil || t.Action != ActionAddPhone {
		return ticket{}, ErrEnrollmentExpired
	}
	return t, nil
}

// pendingPhone is the number that the token speaks of, if it is still the one and
// policy still allows it: a number that was begun before it was forbidden must not
// become a factor after.
func pendingPhone(r *account.Round, t ticket, p policy.Policy) (phone.Pending, error) {
	x, ok := r.Phones.Pending(r.Now)
	switch {
	case !ok || x.ID != t.Candidate || !t.holds(r):
		return phone.Pending{}, ErrEnrollmentExpired
	case !p.Methods.Has(policy.Phone):
		return phone.Pending{}, ErrMethodNotAllowed
	}
	_, err := chosen(r, p, x.Number)
	return x, err
}

// RemovePhone takes a phone away, by a proof of [ActionRemovePhone]. Where there
// is no authenticator to show for it, the proof is that of a new sign-in by
// phone. Errors: [ErrProof], [ErrNoPhone], [ErrFactorRequired] for the last factor
// where policy requires one, [ErrNumberAssigned].
func (a Account) RemovePhone(ctx context.Context, p Proof, id string) error {
	pol, err := a.service.policyOf(ctx, a.user.account())
	if err != nil {
		return err
	}
	action := ActionRemovePhone
	if t, err := a.service.unseal(proofKind, string(p)); err == nil && t.Action == ActionEnroll && t.Reason == ReasonPhoneCode {
		action = ActionEnroll
	}
	return a.with(ctx, p, action, func(r *account.Round) error {
		active := len(r.Enrollment.Authenticators()) > 0
		switch {
		case action == ActionEnroll && active:
			return ErrProof
		case pol.AssignedPhones:
			return ErrNumberAssigned
		case pol.Mode == policy.Required && !active && len(r.Phones.Phones()) == 1:
			return ErrFactorRequired
		}
		st, err := r.Phones.Remove(id)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNoPhone, err)
		}
		r.Phones = st
		r.FactorsChanged(r.Now)
		r.Log(event.Event{Kind: event.PhoneRemoved})
		return nil
	})
}

// AssignPhone chooses the number of a person, where policy leaves that to
// administrators: their phones so far go, and at the next sign-in they verify
// this one by its own code. The zero number takes the phones away. Who is left
// with nothing has been reset ([Admin.Reset]).
func (a Admin) AssignPhone(ctx context.Context, by Leave, target store.AccountID, number phone.Number) error {
	who, err := a.act(ctx, by, ActionAssignPhone, target)
	if err != nil {
		return err
	}
	return a.service.book.Change(ctx, target, func(r *account.Round) error {
		if len(r.Phones.Phones()) > 0 && len(r.Enrollment.Authenticators()) == 0 {
			// Nothing is left: a reset like any other, not somebody who never enrolled.
			if err := forceSetUp(r); err != nil {
				return err
			}
		}
		r.Phones, r.Assigned = r.Phones.Clear(), number.E164()
		r.FactorsChanged(r.Now)
		who.log(r, event.Event{Kind: event.PhoneAssigned})
		r.Save()
		return nil
	})
}

// phoneAllowed reports whether a code by phone signs this account in. Beside an
// authenticator only where the policy says so; where the phones are all there
// is, a policy that has changed since does not turn them into no factor at all.
func phoneAllowed(r *account.Round, p policy.Policy) bool {
	if len(r.Phones.Phones()) == 0 {
		return false
	}
	return p.Methods.Has(policy.Phone) || len(r.Enrollment.Authenticators()) == 0
}
