package totpflow

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totp"
)

// Phones let codes go by SMS and by voice where a policy names the method
// ([policy.Phone]). Read package phone on how far to trust them.
type Phones struct {
	// Sender hands messages to a provider: packages kannel and twilio of the
	// module phone/provider, or the host's own. Required.
	Sender phone.Sender

	// Limits of messages. The zero value is phone.DefaultLimits.
	Limits phone.Limits

	// Destinations are where messages may go. Name the countries that you serve.
	Destinations phone.Destinations

	// Compose may set the language, the sentence and the domain of a message,
	// from what the host has put into the context. It must leave the rest. Nil
	// sends the default sentence, in English.
	Compose func(context.Context, phone.Message) phone.Message
}

// check fills in what is left out, and finds mistakes at start.
func (p *Phones) check() (*Phones, error) {
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

var (
	// ErrNoPhone means that the account has no phone of this id, or that the
	// service sends no codes ([Config].Phones).
	ErrNoPhone = errors.New("totpflow: no such phone")

	// ErrPhoneCode means that no code is live for this sign-in: none was sent,
	// it was used or replaced, or five minutes have passed. Send another one.
	ErrPhoneCode = errors.New("totpflow: no code is live; send another one")

	// ErrPhoneLimit means that too many codes went to this number, or to numbers
	// like it, over all accounts. Offer another method.
	ErrPhoneLimit = errors.New("totpflow: no code can be sent to this number now")
)

// A Phone as a person sees it. The number is masked when printed; keep its
// digits to yourself.
type Phone struct {
	ID          string
	Number      phone.Number
	Added, Used time.Time // when it was verified, and last showed a code; UTC, whole seconds
}

// SentCode is what a page may say of a code that is on its way.
type SentCode struct {
	To  phone.Number // masked when printed
	Via phone.Via
}

// SendPhoneCode sends a code for the sign-in under way, by SMS or voice, to one
// of the decision's Phones. A code that was sent before is dead from then on, and
// wrong codes stay counted. What is sent is counted, for the account, the number,
// its prefix and the tenant, before the provider is asked. Errors:
// [*throttle.Error] when this account has to wait, [ErrPhoneLimit],
// [ErrNoPhone], [ErrMethodNotAllowed], [ErrChallenge], and those of package phone when the
// provider refuses.
func (s *Service) SendPhoneCode(ctx context.Context, c Challenge, id string, via phone.Via) (SentCode, error) {
	t, err := s.unseal(challengeKind, string(c))
	if err != nil || t.Action != ActionSignIn {
		return SentCode{}, ErrChallenge
	}
	p, err := s.policyOf(ctx, t.account())
	if err != nil {
		return SentCode{}, err
	}
	return s.sendCode(ctx, t, true, func(r *account.Round) (phone.Number, error) {
		if !t.holds(r) {
			return phone.Number{}, ErrChallenge
		}
		if !phoneAllowed(r, p) {
			return phone.Number{}, ErrMethodNotAllowed
		}
		for _, x := range r.Phones.Phones() {
			if x.ID == id {
				return x.Number, nil
			}
		}
		return phone.Number{}, ErrNoPhone
	}, func(r *account.Round) (phone.State, phone.Message, error) {
		return r.Phones.Send(r.Now, s.keys, id, via, t.ID, s.phones.Limits.Account...)
	})
}

// sendCode sends in the order that leaves nothing uncounted: look at all counts
// and write nothing, count for the account and write the code, count for the number,
// and only then ask the provider. The account comes first: of several requests at
// once one is counted there, and only that one costs the number, which may be a
// stranger's. Verified says whether the number has shown a code in this account.
func (s *Service) sendCode(ctx context.Context, t ticket, verified bool,
	find func(*account.Round) (phone.Number, error), send func(*account.Round) (phone.State, phone.Message, error),
) (SentCode, error) {
	if s.phones == nil {
		return SentCode{}, ErrNoPhone
	}
	var number phone.Number
	var m phone.Message
	attempt := func(write bool) error {
		return s.book.Change(ctx, t.account(), func(r *account.Round) error {
			found, err := find(r)
			if err != nil {
				return err
			}
			if write && found != number { // changed meanwhile, and not looked at
				return ErrChallenge
			}
			st, message, err := send(r)
			if err != nil {
				return asThrottled(err)
			}
			number, m = found, message
			if write {
				r.Phones = st
				r.Log(event.Event{Kind: event.PhoneCodeSent, Method: string(m.Via)})
				r.Save()
			}
			return nil
		})
	}
	// What cannot be sent must not count: neither for the account, nor would one
	// person use up what a prefix and a tenant may have.
	if err := attempt(false); err != nil {
		return SentCode{}, err
	}
	if err := s.phones.Destinations.Allow(number); err != nil {
		return SentCode{}, err
	}
	if err := s.countSend(ctx, t.Tenant, number, verified, false); err != nil {
		return SentCode{}, err
	}
	if err := attempt(true); err != nil {
		return SentCode{}, err
	}
	if err := s.countSend(ctx, t.Tenant, number, verified, true); err != nil {
		return SentCode{}, err
	}
	sent := SentCode{To: m.To, Via: m.Via}
	if s.phones.Compose != nil {
		composed := s.phones.Compose(ctx, m)
		composed.To, composed.Via, composed.Code = m.To, m.Via, m.Code
		m = composed
	}
	if err := s.phones.Sender.Send(ctx, m); err != nil {
		return SentCode{}, err
	}
	return sent, nil
}

// countSend takes the message from the limits of the number, of its prefix and
// of the tenant, each in a record of its own, or only looks whether all of them allow
// it. A message that the last one refuses must not count for the others: where a
// tenant had sent all that it may, one of its accounts could use up, without a single
// message of its own, what a prefix may have in all tenants. Messages to numbers that
// are not verified count twice, for the sum and for the half of it that they may use
// up.
func (s *Service) countSend(ctx context.Context, tenant string, n phone.Number, verified, write bool) error {
	type count struct {
		id     store.AccountID
		limits []phone.Limit
	}
	of := func(what, text string) store.AccountID { return account.SendsID(s.hashed(what, text)) }
	all, half := s.phones.Limits, s.phones.Limits.ForUnverified()
	var counts []count
	if !verified {
		counts = []count{
			{of("unverified number", n.Canonical()), half.Number},
			{of("unverified prefix", n.Prefix()), half.Prefix},
			{of("unverified tenant", tenant), half.Tenant},
		}
	}
	counts = append(counts,
		count{of("number", n.Canonical()), all.Number},
		count{of("prefix", n.Prefix()), all.Prefix},
		count{account.TenantID(tenant), all.Tenant},
	)
	for _, c := range counts {
		err := s.book.Rewrite(ctx, c.id, func(r *account.Round) error {
			sends, err := r.Sends.Take(r.Now, c.limits...)
			if err != nil {
				return fmt.Errorf("%w: %w", ErrPhoneLimit, err)
			}
			if write {
				r.Sends = sends
				r.Save()
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// hashed keeps numbers out of the ids of records. A new key of the ring begins
// the counts of numbers anew.
func (s *Service) hashed(what, text string) string {
	return base64.RawURLEncoding.EncodeToString(s.keys.MAC("totpflow/phone", what, text))
}

// VerifyPhoneCode completes a sign-in with a code that [Service.SendPhoneCode]
// sent. Wrong codes are counted in the account's one budget, and five in a row
// end the code. Its proof trusts no browser and replaces no authenticator; where
// there is none, it begins the enrollment of one. Errors: as [Service.VerifyCode],
// [ErrPhoneCode], [ErrMethodNotAllowed].
func (s *Service) VerifyPhoneCode(ctx context.Context, c Challenge, code string) (Decision, error) {
	return s.verify(ctx, c, ReasonPhoneCode, func(r *account.Round, t ticket, p policy.Policy) error {
		if !phoneAllowed(r, p) {
			return ErrMethodNotAllowed
		}
		return s.charged(r, t.ID, string(ReasonPhoneCode), 1, func() error {
			st, _, err := r.Phones.Verify(r.Now, s.keys, t.ID, code)
			return phoneChecked(r, st, err)
		})
	})
}

// phoneChecked keeps what a check has left, and puts its error into the
// service's words.
func phoneChecked(r *account.Round, st phone.State, err error) error {
	switch {
	case err == nil:
		r.Phones = st
		return nil
	case errors.Is(err, phone.ErrRejected):
		r.Phones = st
		return ErrRejected
	case errors.Is(err, phone.ErrMalformed):
		return fmt.Errorf("%w: %w", totp.ErrMalformedCode, err)
	case errors.Is(err, phone.ErrNoCode), errors.Is(err, phone.ErrExpired):
		return fmt.Errorf("%w: %w", ErrPhoneCode, err)
	default:
		return asThrottled(err)
	}
}

// asThrottled makes a wait of package phone one of the service's.
func asThrottled(err error) error {
	var wait *phone.WaitError
	if errors.As(err, &wait) {
		return &throttle.Error{Until: wait.Until, Wait: wait.Wait}
	}
	return err
}
