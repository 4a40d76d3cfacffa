package totpflow_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/throttle"
)

// asked is a sign-in that waits for a code by phone.
func (h *house) asked(u totpflow.User) totpflow.Decision {
	h.t.Helper()
	next, err := h.SignIn(h.ctx, u)
	require.NoError(h.t, err)
	require.NotEmpty(h.t, next.Phones)
	return next
}

// A message goes to a phone of the sign-in's own account, for a challenge that asks
// for a code, from a service that sends any.
func TestSendPhoneCodeRefuses(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	setUp, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	d := h.addPhone(setUp.Challenge, mobile, &p)
	_, err = h.TrustBrowser(h.ctx, d.Proof, "x")
	require.ErrorIs(t, err, totpflow.ErrProof, "nor does a code by phone trust a browser")
	next := h.asked(ana)
	other, err := h.SignIn(h.ctx, totpflow.User{ID: totpflow.AccountID{User: "another"}})
	require.NoError(t, err)
	sent, id := p.count(), next.Phones[0].ID
	for name, c := range map[string]struct {
		from      *totpflow.Service
		challenge totpflow.Challenge
		id        string
		is        error
	}{
		"no challenge":              {h.Service, "", id, totpflow.ErrChallenge},
		"the challenge of a set-up": {h.Service, other.Challenge, id, totpflow.ErrChallenge},
		"no phone of that id":       {h.Service, next.Challenge, "x", totpflow.ErrNoPhone},
		"a service that sends none": {h.open(func(c *totpflow.Config) { c.Policy = policy.Fixed{Mode: policy.Required, Methods: everyMethod} }), next.Challenge, id, totpflow.ErrNoPhone},
		"a destination not served":  {h.open(withPhones(&p, func(c *totpflow.Config) { c.Phones.Destinations.Only = []string{"+49"} })...), next.Challenge, id, phone.ErrDestination},
	} {
		_, err := c.from.SendPhoneCode(h.ctx, c.challenge, c.id, phone.SMS)
		require.ErrorIs(t, err, c.is, name)
	}
	require.Equal(t, sent, p.count())
	_, err = h.SendPhoneCode(h.ctx, next.Challenge, id, phone.SMS)
	require.NoError(t, err, "none of it was counted for the account")
}

// Of two phones the code goes to the one that was chosen.
func TestTheChosenPhone(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	app, _ := h.enroll(ana)
	second := number("+44 7700 900123")
	for _, n := range []phone.Number{mobile, second} {
		h.clock.Advance(time.Minute)
		h.addPhone(h.prove(ana, totpflow.ActionAddPhone, app), n, &p)
	}
	h.clock.Advance(10 * time.Minute)
	next := h.asked(ana)
	require.Len(t, next.Phones, 2)
	sent, err := h.SendPhoneCode(h.ctx, next.Challenge, next.Phones[1].ID, phone.SMS)
	require.NoError(t, err)
	require.Equal(t, second, sent.To)
	require.Equal(t, second, p.sent[p.count()-1].To)
}

// The host may choose the words of a message, and not where it goes or what it
// says.
func TestComposeChoosesWordsOnly(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	h.phoneOnly(ana, &p)
	s := h.open(withPhones(&p, func(c *totpflow.Config) {
		c.Phones.Compose = func(_ context.Context, m phone.Message) phone.Message {
			return phone.Message{To: number("+44 7700 900123"), Via: phone.Voice, Sentence: "Ihr Code ist {code}."}
		}
	})...)
	next := h.asked(ana)
	h.events.kinds()
	_, err := s.SendPhoneCode(h.ctx, next.Challenge, next.Phones[0].ID, phone.SMS)
	require.NoError(t, err)
	told := h.told(event.PhoneCodeSent)
	require.Len(t, told, 1)
	require.Equal(t, "sms", told[0].Method)
	m := p.sent[p.count()-1]
	require.Equal(t, mobile, m.To)
	require.Equal(t, phone.SMS, m.Via)
	require.Equal(t, "Ihr Code ist "+p.code()+".", m.Text())
	d, err := s.VerifyPhoneCode(h.ctx, next.Challenge, p.code())
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, d.Step)
}

// What is typed where a code by phone is asked: no guess where it is no code,
// another one to send where it is late, and a wait where it was wrong too often,
// after which the code is dead.
func TestTypedPhoneCodes(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	h.phoneOnly(ana, &p)
	send := func() totpflow.Decision {
		h.clock.Advance(time.Hour)
		next := h.asked(ana)
		_, err := h.SendPhoneCode(h.ctx, next.Challenge, next.Phones[0].ID, phone.SMS)
		require.NoError(t, err)
		h.events.kinds()
		return next
	}

	next := send()
	for range 10 {
		d, err := h.VerifyPhoneCode(h.ctx, next.Challenge, "12345x")
		refused(t, d, err, totpflow.ErrRejected)
		require.Equal(t, []event.Kind{event.CodeMalformed}, h.events.kinds())
	}
	h.clock.Advance(5 * time.Minute)
	d, err := h.VerifyPhoneCode(h.ctx, next.Challenge, p.code())
	refused(t, d, err, totpflow.ErrPhoneCode)

	next = send()
	for range 5 {
		d, err = h.VerifyPhoneCode(h.ctx, next.Challenge, p.wrong())
		refused(t, d, err, totpflow.ErrRejected)
	}
	h.clock.Advance(time.Minute) // the account's budget is open again
	d, err = h.VerifyPhoneCode(h.ctx, next.Challenge, p.code())
	var wait *throttle.Error
	require.ErrorAs(t, err, &wait)
	require.Zero(t, d.Step)
	require.NotErrorIs(t, err, totpflow.ErrPhoneCode)
}

// Two messages that were asked for at once: one is sent, and the second waits; and
// who was erased meanwhile gets none, nor a record.
func TestMeanwhileAMessage(t *testing.T) {
	for name, meanwhile := range map[string]func(h *house, next totpflow.Decision){
		"another one was sent": func(h *house, next totpflow.Decision) {
			_, err := h.SendPhoneCode(h.ctx, next.Challenge, next.Phones[0].ID, phone.SMS)
			require.NoError(h.t, err)
		},
		"the account was erased": func(h *house, _ totpflow.Decision) {
			require.NoError(h.t, h.Admin(nil).Forget(h.ctx, ops, anaID))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var p pigeon
			h := newHouse(t, withPhones(&p)...)
			h.phoneOnly(ana, &p)
			next := h.asked(ana)
			sent, puts := p.count(), 0
			racing := h.open(withPhones(&p, func(c *totpflow.Config) {
				c.Store = afterPut{h.store, 3, &puts, func() { meanwhile(h, next) }}
			})...)
			_, err := racing.SendPhoneCode(h.ctx, next.Challenge, next.Phones[0].ID, phone.SMS)
			var wait *throttle.Error
			if name == "another one was sent" {
				require.ErrorAs(t, err, &wait)
				require.Equal(t, sent+1, p.count())
				return
			}
			require.ErrorIs(t, err, totpflow.ErrChallenge)
			require.Equal(t, sent, p.count())
			_, err = h.memory.Get(h.ctx, anaID)
			require.Error(t, err, "no record of somebody who is gone")
		})
	}
}
