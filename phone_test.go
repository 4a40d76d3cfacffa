package totpflow_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/throttle"
)

var mobile = number("+43 660 1234567")

func number(s string) phone.Number {
	n, err := phone.ParseNumber(s)
	if err != nil {
		panic(err)
	}
	return n
}

// A pigeon is a provider that keeps what it was given.
type pigeon struct {
	mu   sync.Mutex
	sent []phone.Message
	err  error
	look func() // called before it takes a message
}

func (p *pigeon) Send(_ context.Context, m phone.Message) error {
	if p.look != nil {
		p.look()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return p.err
	}
	p.sent = append(p.sent, m)
	return nil
}

func (p *pigeon) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sent)
}

// code is the last one that was sent.
func (p *pigeon) code() string { return p.sent[len(p.sent)-1].Code.Digits() }

// wrong is a code that was not sent.
func (p *pigeon) wrong() string {
	if p.code() == "123456" {
		return "654321"
	}
	return "123456"
}

const everyMethod = policy.App | policy.RecoveryCodes | policy.Phone

// withPhones is a house that sends codes; the policy is required, with phones,
// unless it is changed.
func withPhones(p *pigeon, changes ...func(*totpflow.Config)) []func(*totpflow.Config) {
	return append([]func(*totpflow.Config){func(c *totpflow.Config) {
		c.Phones = &totpflow.Phones{Sender: p}
		c.Policy = policy.Fixed{Mode: policy.Required, Methods: everyMethod}
	}}, changes...)
}

// addPhone verifies a number by its own code.
func (h *house) addPhone(by totpflow.EnrollmentGrant, n phone.Number, p *pigeon) totpflow.Decision {
	h.t.Helper()
	page, err := h.BeginPhone(h.ctx, by, n)
	require.NoError(h.t, err)
	_, err = h.SendEnrollmentCode(h.ctx, page.Token, phone.SMS)
	require.NoError(h.t, err)
	d, err := h.ConfirmPhone(h.ctx, page.Token, p.code())
	require.NoError(h.t, err)
	h.clock.Advance(time.Minute)
	return d
}

// phoneOnly sets u up with nothing but a phone.
func (h *house) phoneOnly(u totpflow.User, p *pigeon) {
	h.t.Helper()
	next, err := h.SignIn(h.ctx, u)
	require.NoError(h.t, err)
	require.Equal(h.t, totpflow.Enroll, next.Step)
	require.Equal(h.t, []totpflow.Method{totpflow.MethodCode, totpflow.MethodPhoneCode}, next.Methods)
	require.Empty(h.t, next.Phones, "the person chooses")
	require.Equal(h.t, totpflow.Passed, h.addPhone(next.Challenge, mobile, p).Step)
}

// A number is added with the enrollment challenge, verified by its own code, and from
// then on signs in: by SMS, and by a call for who has a landline.
func TestSigningInByPhone(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	h.phoneOnly(ana, &p)
	for _, via := range []phone.Via{phone.SMS, phone.Voice} {
		next, err := h.SignIn(h.ctx, ana)
		require.NoError(t, err)
		require.Equal(t, totpflow.AskCode, next.Step)
		require.Equal(t, []totpflow.Method{totpflow.MethodPhoneCode}, next.Methods)
		require.Len(t, next.Phones, 1)
		require.Equal(t, "+43 ••• ••67", fmt.Sprint(next.Phones[0].Number))

		sent, err := h.SendPhoneCode(h.ctx, next.Challenge, next.Phones[0].ID, via)
		require.NoError(t, err)
		require.Equal(t, totpflow.SentCode{To: mobile, Via: via}, sent)
		d, err := h.VerifyPhoneCode(h.ctx, next.Challenge, p.wrong())
		refused(t, d, err, totpflow.ErrRejected)
		d, err = h.VerifyPhoneCode(h.ctx, next.Challenge, p.code())
		require.NoError(t, err)
		require.Equal(t, totpflow.Passed, d.Step)
		require.Equal(t, totpflow.ReasonPhoneCode, d.Reason)
		d, err = h.VerifyPhoneCode(h.ctx, next.Challenge, p.code())
		refused(t, d, err, totpflow.ErrChallenge)
		h.clock.Advance(time.Hour)
	}
	require.True(t, h.status(ana).Enrolled)
}

// The phone network is not enough for what lasts: neither trust, nor another
// authenticator in the place of one, nor turning it off, nor administration.
func TestPhoneIsNotEnough(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	app, _ := h.enroll(ana)
	h.clock.Advance(time.Minute)
	h.addPhone(h.prove(ana, totpflow.ActionAddPhone, app), mobile, &p)

	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	require.Contains(t, next.Methods, totpflow.MethodPhoneCode)
	_, err = h.SendPhoneCode(h.ctx, next.Challenge, next.Phones[0].ID, phone.SMS)
	require.NoError(t, err)
	d, err := h.VerifyPhoneCode(h.ctx, next.Challenge, p.code())
	require.NoError(t, err)
	require.Empty(t, d.Proof)
	require.Zero(t, d.TrustFor)
	_, err = h.TrustBrowser(h.ctx, d.Proof, "x")
	require.ErrorIs(t, err, totpflow.ErrProof)

	h.clock.Advance(time.Minute)
	_, err = h.Account(ana).Reauthenticate(h.ctx, totpflow.ActionDisable, p.code())
	require.ErrorIs(t, err, totpflow.ErrRejected, "a code by phone proves no action")
}

// Who has nothing but a phone may add an app with it: there is nothing better to
// ask for.
func TestFromPhoneToApp(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	h.phoneOnly(ana, &p)
	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	_, err = h.SendPhoneCode(h.ctx, next.Challenge, next.Phones[0].ID, phone.SMS)
	require.NoError(t, err)
	d, err := h.VerifyPhoneCode(h.ctx, next.Challenge, p.code())
	require.NoError(t, err)
	_, err = h.TrustBrowser(h.ctx, d.Proof, "x")
	require.ErrorIs(t, err, totpflow.ErrProof)
	h.setUp(d.Proof)
	require.Equal(t, enroll.Active, h.status(ana).State)
	require.Len(t, h.status(ana).Phones, 1)
}

// One code is live: another one, or another sign-in, ends it. Nothing gives wrong
// codes back, and they are counted with those of the app.
func TestOnePhoneCodeIsLive(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	h.phoneOnly(ana, &p)
	id := h.status(ana).Phones[0].ID
	first, second := h.ask(ana), h.ask(ana)
	d, err := h.VerifyPhoneCode(h.ctx, first, "123456")
	refused(t, d, err, totpflow.ErrPhoneCode)
	_, err = h.SendPhoneCode(h.ctx, first, id, phone.SMS)
	require.NoError(t, err)
	old := p.code()
	d, err = h.VerifyPhoneCode(h.ctx, second, old)
	refused(t, d, err, totpflow.ErrPhoneCode)
	h.clock.Advance(time.Minute)
	_, err = h.SendPhoneCode(h.ctx, first, id, phone.Voice)
	require.NoError(t, err)
	if old != p.code() {
		d, err = h.VerifyPhoneCode(h.ctx, first, old)
		refused(t, d, err, totpflow.ErrRejected)
	}
	h.clock.Advance(5 * time.Minute)
	d, err = h.VerifyPhoneCode(h.ctx, first, p.code())
	refused(t, d, err, totpflow.ErrPhoneCode)

	h.clock.Advance(10 * time.Minute)
	challenge := h.ask(ana)
	_, err = h.SendPhoneCode(h.ctx, challenge, id, phone.SMS)
	require.NoError(t, err)
	for range 5 {
		_, err = h.VerifyPhoneCode(h.ctx, challenge, p.wrong())
		if errors.Is(err, throttle.ErrThrottled) {
			break
		}
		require.ErrorIs(t, err, totpflow.ErrRejected)
	}
	d, err = h.VerifyPhoneCode(h.ctx, challenge, p.code())
	refused(t, d, err, throttle.ErrThrottled)
	require.NotNil(t, h.status(ana).Throttled, "the account's one budget")
}

func (h *house) ring() *keyring.Ring {
	h.t.Helper()
	keys, err := keyring.Parse(h.keys)
	require.NoError(h.t, err)
	return keys
}
