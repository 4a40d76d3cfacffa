package totpflow

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totp"
)

// checkPhones fills in defaults, and finds mistakes at start.
func checkPhones(p *phone.Delivery) (*phone.Delivery, error) {
	if p == nil {
		return nil, nil
	}
	c := *p
	if c.Limits.Account == nil && c.Limits.Number == nil && c.Limits.Prefix == nil && c.Limits.Tenant == nil {
		c.Limits = phone.DefaultLimits()
	}
	if c.Sender == nil {
		return nil, fmt.Errorf("%w: Phones.Sender is missing", ErrConfig)
	}
	if err := errors.Join(c.Limits.Validate(), c.Destinations.Validate()); err != nil {
		return nil, fmt.Errorf("%w: Phones: %w", ErrConfig, err)
	}
	return &c, nil
}

// SendPhoneCode sends a code for the sign-in under way, by SMS or voice, to one
// of the decision's Phones. It invalidates a code that was sent before; wrong codes stay
// counted. The message is counted, for the account, the number, its prefix and the
// tenant, before the provider is asked. Errors: [*throttle.Error] after five wrong codes
// by phone in a row or too many messages of this account, [ErrPhoneLimit], [ErrNoPhone],
// [ErrMethodNotAllowed], [ErrChallenge], and those of package phone when the provider
// refuses. It sends while wrong codes have locked the account, too: the person can type
// the code as soon as the lockout ends, before somebody's next guess.
func (s *Service) SendPhoneCode(ctx context.Context, c Challenge, id string, via phone.Via) (_ phone.Sent, err error) {
	ctx, flow := s.engine.Begin(ctx, "send_phone_code")
	defer flow.End(&err)
	t, err := s.engine.UnsealTicket(challengeKind, string(c))
	if err != nil || t.Action != string(ActionSignIn) {
		return phone.Sent{}, ErrChallenge
	}
	p, err := s.engine.PolicyOf(ctx, t.Account())
	if err != nil {
		return phone.Sent{}, err
	}
	find := func(tx *engine.Tx) (phone.Number, error) {
		if !t.Valid(tx) {
			return phone.Number{}, refusal(tx, t, ErrChallenge)
		}
		if !phoneAllowed(tx, p) {
			return phone.Number{}, ErrMethodNotAllowed
		}
		for _, x := range tx.Phones.Phones() {
			if x.ID == id {
				return x.Number, nil
			}
		}
		return phone.Number{}, ErrNoPhone
	}
	return s.sendCode(ctx, phoneCode{t, true, find, func(tx *engine.Tx) (phone.State, phone.Message, error) {
		return tx.Phones.Send(tx.Now, s.engine.Keys, id, via, t.ID, s.phones.Limits.Account...)
	}})
}

// A phoneCode is a code to be sent: its account, and how to find the number and make the
// message from the record.
type phoneCode struct {
	ticket   engine.Ticket
	verified bool // the number has shown a code in this account
	find     func(*engine.Tx) (phone.Number, error)
	message  func(*engine.Tx) (phone.State, phone.Message, error)
}

// sendCode sends in an order that leaves nothing uncounted: look at all counts and write
// nothing, count for the account and write the code, count for the number, and only then
// ask the provider. The account comes first: if several requests come at once, one is
// counted there, and only that one counts for the number, which may be a stranger's.
func (s *Service) sendCode(ctx context.Context, c phoneCode) (phone.Sent, error) {
	if s.phones == nil {
		return phone.Sent{}, ErrNoPhone
	}
	number, err := s.checkSend(ctx, c)
	if err != nil {
		return phone.Sent{}, err
	}
	if err := s.phones.Destinations.Allow(number); err != nil {
		return phone.Sent{}, err
	}
	if err := s.countSend(ctx, c, number, false); err != nil {
		return phone.Sent{}, err
	}
	m, again, err := s.writeCode(ctx, c, number)
	if err != nil {
		return phone.Sent{}, err
	}
	if err := s.countSend(ctx, c, number, true); err != nil {
		return phone.Sent{}, err
	}
	sent, err := s.handOver(ctx, m)
	if err != nil {
		return phone.Sent{}, err
	}
	sent.NextAt = again
	return sent, nil
}

// checkSend returns the number, if a code can be sent to it. A message that cannot be
// sent must not count anywhere: otherwise one person could use up the limits of a prefix
// and of a tenant.
func (s *Service) checkSend(ctx context.Context, c phoneCode) (number phone.Number, err error) {
	err = s.engine.Change(ctx, c.ticket.Account(), func(tx *engine.Tx) (err error) {
		if number, err = c.find(tx); err != nil {
			return err
		}
		_, _, err = c.message(tx)
		return asThrottled(err)
	})
	return number, err
}

// writeCode counts the message for the account and writes its code. It returns when another
// message may be sent to the account, or zero if now.
func (s *Service) writeCode(ctx context.Context, c phoneCode, number phone.Number) (m phone.Message, next time.Time, err error) {
	err = s.engine.Change(ctx, c.ticket.Account(), func(tx *engine.Tx) error {
		again, err := c.find(tx)
		if err != nil {
			return err
		}
		if again != number { // changed meanwhile, and not checked
			return ErrChallenge
		}
		st, message, err := c.message(tx)
		if err != nil {
			return asThrottled(err)
		}
		tx.Phones, m, next = st, message, time.Time{}
		var wait *phone.WaitError
		if errors.As(st.MaySend(tx.Now, s.phones.Limits.Account...), &wait) {
			next = wait.Until
		}
		tx.Log(event.Event{Kind: event.PhoneCodeSent, Method: string(m.Via)})
		tx.Save()
		return nil
	})
	m, err = engine.Acknowledged(m, err)
	return m, next, err
}

// handOver gives the message to the provider.
func (s *Service) handOver(ctx context.Context, m phone.Message) (phone.Sent, error) {
	at := s.engine.Now().UTC().Truncate(time.Second)
	sent := phone.Sent{To: m.To, Via: m.Via, At: at, Expires: at.Add(phone.CodeLifetime)}
	if s.phones.Compose != nil {
		composed := s.phones.Compose(ctx, m)
		composed.To, composed.Via, composed.Code = m.To, m.Via, m.Code
		m = composed
	}
	if err := s.phones.Sender.Send(ctx, m); err != nil {
		return phone.Sent{}, engine.OfHost(err)
	}
	return sent, nil
}

// countSend counts the message against the limits of the number, its prefix and the
// tenant, each in a separate record, or only checks that all of them allow it. A message
// that the last limit refuses must not count for the others: otherwise, once a tenant had
// reached its limit, one of its accounts could use up a prefix's limit for all tenants
// without sending a single message. Messages to unverified numbers count twice: for the
// total, and for the half of it that they may use.
func (s *Service) countSend(ctx context.Context, c phoneCode, n phone.Number, write bool) error {
	type count struct {
		id     store.AccountID
		limits []phone.Limit
	}
	of := func(what, text string) store.AccountID { return account.SendsID(s.hashed(what, text)) }
	all, half := s.phones.Limits, s.phones.Limits.ForUnverified()
	var counts []count
	if !c.verified {
		counts = []count{
			{of("unverified number", n.Canonical()), half.Number},
			{of("unverified prefix", n.Prefix()), half.Prefix},
			{of("unverified tenant", c.ticket.Tenant), half.Tenant},
		}
	}
	counts = append(counts,
		count{of("number", n.Canonical()), all.Number},
		count{of("prefix", n.Prefix()), all.Prefix},
		count{account.TenantID(c.ticket.Tenant), all.Tenant},
	)
	for _, x := range counts {
		err := s.engine.ChangeRecord(ctx, x.id, func(tx *engine.Tx) error {
			sends, err := tx.Sends.Take(tx.Now, x.limits...)
			if err != nil {
				return fmt.Errorf("%w: %w", ErrPhoneLimit, err)
			}
			if write {
				tx.Sends = sends
				tx.Save()
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// hashed keeps numbers out of the ids of records. Under a new key of the ring the
// counts of numbers start again from zero.
func (s *Service) hashed(what, text string) string {
	return base64.RawURLEncoding.EncodeToString(s.engine.Keys.MAC("totpflow/phone", what, text))
}

// VerifyPhoneCode completes a sign-in with a code that [Service.SendPhoneCode]
// sent. Wrong codes are counted in the account's one budget, and five in a row
// end the code. Its proof trusts no browser and replaces no authenticator; if the account
// has no authenticator, it begins the enrollment of one, adds a phone, or removes the
// phone that the code went to (not another one). Errors: as [Service.VerifyCode],
// [ErrPhoneCode], [ErrMethodNotAllowed].
func (s *Service) VerifyPhoneCode(ctx context.Context, c Challenge, code string) (_ Decision, err error) {
	ctx, flow := s.engine.Begin(ctx, "verify_phone_code")
	defer flow.End(&err)
	return s.verify(ctx, c, ReasonPhoneCode, func(tx *engine.Tx, t *engine.Ticket, p policy.Policy) error {
		if !phoneAllowed(tx, p) {
			return ErrMethodNotAllowed
		}
		return s.charged(tx, t.ID, string(ReasonPhoneCode), 1, func() error {
			st, x, err := tx.Phones.Verify(tx.Now, s.engine.Keys, t.ID, code)
			t.Candidate = x.ID // the phone that the code went to, for the proof
			return phoneChecked(tx, st, err)
		})
	})
}

// phoneChecked stores the state after a check, and maps its error to one of the service.
func phoneChecked(tx *engine.Tx, st phone.State, err error) error {
	switch {
	case err == nil:
		tx.Phones = st
		return nil
	case errors.Is(err, phone.ErrRejected):
		tx.Phones = st
		return ErrRejected
	case errors.Is(err, phone.ErrMalformed):
		return fmt.Errorf("%w: %w", totp.ErrMalformedCode, err)
	case errors.Is(err, phone.ErrNoCode), errors.Is(err, phone.ErrExpired):
		return fmt.Errorf("%w: %w", ErrPhoneCode, err)
	default:
		return asThrottled(err)
	}
}

// asThrottled maps a wait of package phone to the service's error.
func asThrottled(err error) error {
	var wait *phone.WaitError
	if errors.As(err, &wait) {
		return &throttle.Error{Until: wait.Until, Wait: wait.Wait}
	}
	return err
}
