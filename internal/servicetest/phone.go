package servicetest

import (
	"context"
	"sync"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
)

// Mobile is Ana's number.
var Mobile = Number("+43 660 1234567")

// Number parses a valid number.
func Number(s string) phone.Number {
	n, err := phone.ParseNumber(s)
	if err != nil {
		panic(err)
	}
	return n
}

// A Provider of messages keeps the messages that it receives.
type Provider struct {
	mu         sync.Mutex
	Sent       []phone.Message
	Err        error
	BeforeSend func() // called before it takes a message
}

// Send implements [phone.Sender].
func (p *Provider) Send(_ context.Context, m phone.Message) error {
	if p.BeforeSend != nil {
		p.BeforeSend()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.Err != nil {
		return p.Err
	}
	p.Sent = append(p.Sent, m)
	return nil
}

// Count returns how many messages were sent.
func (p *Provider) Count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.Sent)
}

// Code returns the last one that was sent.
func (p *Provider) Code() string { return p.Sent[len(p.Sent)-1].Code.Digits() }

// WrongCode returns a code that was not sent.
func (p *Provider) WrongCode() string {
	if p.Code() == "123456" {
		return "654321"
	}
	return "123456"
}

// EveryMethod is allowed by the policy of [WithPhones].
const EveryMethod = policy.App | policy.RecoveryCodes | policy.Phone

// WithPhones has the service send codes; the policy is required, with phones,
// unless it is changed.
func WithPhones(p *Provider, changes ...func(*totpflow.Config)) []func(*totpflow.Config) {
	return append([]func(*totpflow.Config){func(c *totpflow.Config) {
		c.Phones = &phone.Delivery{Sender: p}
		c.Policy = policy.Fixed{Mode: policy.Required, Methods: EveryMethod}
	}}, changes...)
}

// AddPhone verifies a number by its own code.
func (h *Harness) AddPhone(by totpflow.EnrollmentGrant, n phone.Number, p *Provider) totpflow.Decision {
	h.T.Helper()
	page, err := h.BeginPhone(h.Ctx, by, n)
	h.Must(err)
	_, err = h.SendEnrollmentCode(h.Ctx, page.Token, phone.SMS)
	h.Must(err)
	d, err := h.ConfirmPhone(h.Ctx, page.Token, p.Code())
	h.Must(err)
	h.Clock.Advance(time.Minute)
	return d
}

// EnrollPhone enrolls u with only a phone, whose number u chooses.
func (h *Harness) EnrollPhone(u totpflow.User, p *Provider) {
	h.T.Helper()
	next, err := h.SignIn(h.Ctx, u)
	h.Must(err)
	h.Check(next.Step == totpflow.Enroll, "no enrollment: %v", next.Step)
	h.Check(len(next.Methods) == 2 && next.Methods[0] == totpflow.MethodCode && next.Methods[1] == totpflow.MethodPhoneCode, "methods: %v", next.Methods)
	h.Check(len(next.Phones) == 0, "the person does not choose: %v", next.Phones)
	h.Check(h.AddPhone(next.Challenge, Mobile, p).Step == totpflow.Passed, "the phone does not let in")
}
