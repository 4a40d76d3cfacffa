package totpflow

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
)

// A PendingPhone is what the page for the code of a new number shows.
type PendingPhone struct {
	Token   EnrollmentToken // the token for SendEnrollmentCode and ConfirmPhone
	ID      AccountID       // the account that the phone is added to
	Name    string          // the name of the account, for the page to show
	Number  phone.Number    // masked when printed
	Expires time.Time       // when the number has to be added again
}

// BeginPhone adds a number, which signs nobody in until it has shown a code of
// its own ([Service.SendEnrollmentCode], [Service.ConfirmPhone]). It starts like an
// enrollment: from the challenge of a decision that said Enroll, from a proof of
// [ActionAddPhone], or, if nothing is set up, from the proof of a sign-in. Where policy
// lets only administrators choose numbers, number must be the one that they assigned, or
// zero, which stands for it. Errors: [ErrChallenge], [ErrProof], [ErrMethodNotAllowed],
// [ErrNumberAssigned], phone.ErrKnown, phone.ErrTooManyPhones, phone.ErrDestination.
func (s *Service) BeginPhone(ctx context.Context, by EnrollmentGrant, number phone.Number) (_ PendingPhone, err error) {
	ctx, flow := s.engine.Begin(ctx, "begin_phone")
	defer flow.End(&err)
	if by == nil {
		return PendingPhone{}, ErrProof
	}
	t, err := by.grant(s)
	if err != nil {
		return PendingPhone{}, err
	}
	p, err := s.engine.PolicyOf(ctx, t.Account())
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
	err = s.engine.Change(ctx, t.Account(), func(tx *engine.Tx) error {
		if err := checkGrant(tx, t, by, ActionAddPhone); err != nil {
			return err
		}
		consumeGrant(tx, t)
		n, err := chosen(tx, p, number)
		if err != nil {
			return err
		}
		if err := s.phones.Destinations.Allow(n); err != nil {
			return err
		}
		phones, pending, err := tx.Phones.Add(tx.Now, n)
		if err != nil {
			return err
		}
		tx.Phones = phones
		tx.Save()
		page.ID, page.Name = tx.ID(), t.Name
		page.Number, page.Expires = pending.Number, pending.Began.Add(phone.PendingLifetime)
		page.Token = EnrollmentToken(s.engine.SealTicket(enrollmentKind, tx, engine.Ticket{
			Tenant: t.Tenant, User: t.User, Name: t.Name, Action: string(ActionAddPhone), Candidate: pending.ID,
		}))
		return nil
	})
	return engine.Acknowledged(page, err)
}

// chosen returns the number that may be added.
func chosen(tx *engine.Tx, p policy.Policy, n phone.Number) (phone.Number, error) {
	if !p.AssignedPhones {
		if n.IsZero() {
			return n, phone.ErrNumber
		}
		return n, nil
	}
	assigned, err := phone.ParseNumber(tx.Assigned)
	if err != nil || !n.IsZero() && !n.Same(assigned) {
		return phone.Number{}, ErrNumberAssigned
	}
	return assigned, nil
}

// SendEnrollmentCode sends a code to the number of the token, the first or another one,
// by SMS or voice. It invalidates the previous one. Errors: [ErrEnrollmentExpired],
// [ErrNumberAssigned], and as [Service.SendPhoneCode].
func (s *Service) SendEnrollmentCode(ctx context.Context, token EnrollmentToken, via phone.Via) (_ phone.Sent, err error) {
	ctx, flow := s.engine.Begin(ctx, "send_enrollment_code")
	defer flow.End(&err)
	t, err := s.phoneTicket(token)
	if err != nil {
		return phone.Sent{}, err
	}
	p, err := s.engine.PolicyOf(ctx, t.Account())
	if err != nil {
		return phone.Sent{}, err
	}
	find := func(tx *engine.Tx) (phone.Number, error) {
		x, err := pendingPhone(tx, t, p)
		return x.Number, err
	}
	return s.sendCode(ctx, phoneCode{t, false, find, func(tx *engine.Tx) (phone.State, phone.Message, error) {
		return tx.Phones.SendPending(tx.Now, s.engine.Keys, t.Candidate, via, s.phones.Limits.Account...)
	}})
}

// ConfirmPhone makes the number a phone of the account when its code is right, and lets
// the person in if the enrollment was part of the sign-in. All sessions end when it is
// the first factor, and stay when there is another. Wrong codes are counted as at a
// sign-in. Errors: [ErrRejected], [ErrEnrollmentExpired], [ErrPhoneCode],
// [ErrMethodNotAllowed], [ErrNumberAssigned], [*throttle.Error].
func (s *Service) ConfirmPhone(ctx context.Context, token EnrollmentToken, code string) (_ Decision, err error) {
	ctx, flow := s.engine.Begin(ctx, "confirm_phone")
	defer flow.End(&err)
	t, err := s.phoneTicket(token)
	if err != nil {
		return Decision{}, err
	}
	p, err := s.engine.PolicyOf(ctx, t.Account())
	if err != nil {
		return Decision{}, err
	}
	var d Decision
	err = s.engine.Change(ctx, t.Account(), func(tx *engine.Tx) error {
		if _, err := pendingPhone(tx, t, p); err != nil {
			return err
		}
		first := !tx.HasFactor()
		err := s.charged(tx, t.ID, string(ReasonPhoneCode), 1, func() error {
			st, _, err := tx.Phones.VerifyPending(tx.Now, s.engine.Keys, t.Candidate, code)
			return phoneChecked(tx, st, err)
		})
		if err != nil {
			return err
		}
		if tx.Enrollment.State(tx.Now) == enroll.ResetPending {
			tx.Enrollment = enroll.Enrollment{} // the phone ends the reset: from now on the password alone is not enough to enroll
		}
		tx.Assigned = ""
		tx.FactorConfirmed()
		if first {
			tx.EndSessions() // earlier sessions began with the password alone
		} else {
			tx.EndTickets()
		}
		tx.Log(event.Event{Kind: event.PhoneAdded})
		tx.Save()
		d = s.pass(tx, t, p, ReasonPhoneCode)
		return nil
	})
	return engine.Acknowledged(d, err)
}

func (s *Service) phoneTicket(token EnrollmentToken) (engine.Ticket, error) {
	t, err := s.engine.UnsealTicket(enrollmentKind, string(token))
	if err != nil || t.Action != string(ActionAddPhone) {
		return engine.Ticket{}, ErrEnrollmentExpired
	}
	return t, nil
}

// pendingPhone returns the number that the token names, if it is still pending and policy
// still allows it: a number must not become a factor after policy has forbidden it.
func pendingPhone(tx *engine.Tx, t engine.Ticket, p policy.Policy) (phone.Pending, error) {
	x, ok := tx.Phones.Pending(tx.Now)
	switch {
	case !ok || x.ID != t.Candidate || !t.Valid(tx):
		bound := func(x phone.Phone) bool { return x.ID == t.Candidate }
		if !tx.Frozen() && slices.ContainsFunc(tx.Phones.Phones(), bound) {
			return phone.Pending{}, usedError{ErrEnrollmentExpired}
		}
		return phone.Pending{}, ErrEnrollmentExpired
	case !p.Methods.Has(policy.Phone):
		return phone.Pending{}, ErrMethodNotAllowed
	}
	_, err := chosen(tx, p, x.Number)
	return x, err
}

// RemovePhone removes a phone, and ends all sessions and trusted browsers. It requires a
// proof of [ActionRemovePhone] on this id. If the account has no authenticator, it
// requires the proof of a new sign-in by a code to this phone: a thief who has one number
// for an hour must not remove the owner's other phone. Errors: [ErrProof], [ErrNoPhone],
// [ErrFactorRequired] for the last factor where policy requires one, [ErrNumberAssigned].
func (a Account) RemovePhone(ctx context.Context, p Proof, id string) (_ Change, err error) {
	ctx, flow := a.service.engine.Begin(ctx, "account.remove_phone")
	defer flow.End(&err)
	pol, err := a.service.engine.PolicyOf(ctx, a.user.ID)
	if err != nil {
		return Change{}, err
	}
	purpose, shown := ActionRemovePhone.On(id), id
	if t, err := a.service.engine.UnsealTicket(proofKind, string(p)); err == nil && t.Action == string(ActionEnroll) && t.Reason == string(ReasonPhoneCode) {
		purpose, shown = ActionEnroll.On(""), t.Candidate
	}
	return a.with(ctx, p, purpose, func(tx *engine.Tx) error {
		active := len(tx.Enrollment.Authenticators()) > 0
		switch {
		case purpose.Action == ActionEnroll && active:
			return ErrProof
		case pol.AssignedPhones:
			return ErrNumberAssigned
		case pol.Mode == policy.Required && !active && len(tx.Phones.Phones()) == 1:
			return ErrFactorRequired
		}
		st, err := tx.Phones.Remove(id)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNoPhone, err)
		}
		if shown != id {
			return ErrProof
		}
		tx.Phones = st
		tx.EndSessions()
		tx.Log(event.Event{Kind: event.PhoneRemoved})
		return nil
	})
}

// phoneAllowed reports whether a code by phone signs this account in. If the account has
// an authenticator, the policy decides. If phones are its only factors, they stay allowed
// after the policy has changed: otherwise the account would be left without a factor.
func phoneAllowed(tx *engine.Tx, p policy.Policy) bool {
	if len(tx.Phones.Phones()) == 0 {
		return false
	}
	return p.Methods.Has(policy.Phone) || len(tx.Enrollment.Authenticators()) == 0
}
