package totpflow_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/throttle"
)

// A number is added with the enrollment challenge, verified by its own code, and from
// then on signs in: by SMS, and by a call for people who have a landline.
func TestSigningInByPhone(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	h.EnrollPhone(ana, &p)
	for _, via := range []phone.Via{phone.SMS, phone.Voice} {
		next, err := h.SignIn(h.Ctx, ana)
		require.NoError(t, err)
		require.Equal(t, totpflow.AskCode, next.Step)
		require.Equal(t, []totpflow.Method{totpflow.MethodPhoneCode}, next.Methods)
		require.Len(t, next.Phones, 1)
		require.Equal(t, "+43 ••• ••67", fmt.Sprint(next.Phones[0].Number))

		sent, err := h.SendPhoneCode(h.Ctx, next.Challenge, next.Phones[0].ID, via)
		require.NoError(t, err)
		require.Equal(t, phone.Sent{
			To: mobile, Via: via, At: h.Clock.Now(), Expires: h.Clock.Now().Add(phone.CodeLifetime), NextAt: h.Clock.Now().Add(30 * time.Second),
		}, sent)
		d, err := h.VerifyPhoneCode(h.Ctx, next.Challenge, p.WrongCode())
		refused(t, d, err, totpflow.ErrRejected)
		d, err = h.VerifyPhoneCode(h.Ctx, next.Challenge, p.Code())
		require.NoError(t, err)
		require.Equal(t, totpflow.Passed, d.Step)
		require.Equal(t, totpflow.ReasonPhoneCode, d.Reason)
		d, err = h.VerifyPhoneCode(h.Ctx, next.Challenge, p.Code())
		refused(t, d, err, totpflow.ErrChallenge)
		h.Clock.Advance(time.Hour)
	}
	require.True(t, h.Status(ana).Enrolled)
}

// The phone network is not enough for lasting changes: trusting a browser, replacing an
// authenticator, disabling the second factor, or administration.
func TestPhoneIsNotEnough(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	app, _ := h.Enroll(ana)
	h.Clock.Advance(time.Minute)
	h.AddPhone(h.Prove(ana, totpflow.ActionAddPhone, app), mobile, &p)

	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	require.Contains(t, next.Methods, totpflow.MethodPhoneCode)
	_, err = h.SendPhoneCode(h.Ctx, next.Challenge, next.Phones[0].ID, phone.SMS)
	require.NoError(t, err)
	d, err := h.VerifyPhoneCode(h.Ctx, next.Challenge, p.Code())
	require.NoError(t, err)
	require.Empty(t, d.Proof)
	require.Zero(t, d.TrustFor)
	_, err = h.TrustBrowser(h.Ctx, d.Proof, "x")
	require.ErrorIs(t, err, totpflow.ErrProof)

	h.Clock.Advance(time.Minute)
	_, err = h.Account(ana).VerifyCode(h.Ctx, totpflow.ActionDisable.On(""), p.Code())
	require.ErrorIs(t, err, totpflow.ErrRejected, "a code by phone proves no action")
}

// A proof that a phone's code earned trusts no browser, and neither does one by a
// recovery code, whatever action it names.
func TestProofsThatTrustNoBrowser(t *testing.T) {
	h := newHarness(t)
	h.Enroll(ana)
	proof := func(by totpflow.Reason) totpflow.Proof {
		return h.proofThatNobodyEarns(engine.Ticket{Action: string(totpflow.ActionSignIn), Reason: string(by)})
	}
	for _, by := range []totpflow.Reason{totpflow.ReasonPhoneCode, totpflow.ReasonRecoveryCode} {
		_, err := h.TrustBrowser(h.Ctx, proof(by), "x")
		require.ErrorIs(t, err, totpflow.ErrProof, by)
	}
	_, err := h.TrustBrowser(h.Ctx, proof(totpflow.ReasonCode), "x")
	require.NoError(t, err, "the proof is otherwise one of a sign-in")
}

// A proof that was earned while the phone was the only factor is worth nothing beside an
// authenticator, even if it had outlived the enrollment of that one.
func TestPhoneProofBesideAnAuthenticator(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	app, _ := h.Enroll(ana)
	h.Clock.Advance(time.Minute)
	h.AddPhone(h.Prove(ana, totpflow.ActionAddPhone, app), mobile, &p)
	id := h.Status(ana).Phones[0].ID
	proof := h.proofThatNobodyEarns(engine.Ticket{Action: string(totpflow.ActionEnroll), Reason: string(totpflow.ReasonPhoneCode), Candidate: id})
	h.Unchanged(func() {
		require.ErrorIs(t, servicetest.ErrorOf(h.Account(ana).RemovePhone(h.Ctx, proof, id)), totpflow.ErrProof)
		_, err := h.BeginEnrollment(h.Ctx, proof)
		require.ErrorIs(t, err, totpflow.ErrProof)
		_, err = h.BeginPhone(h.Ctx, proof, number("+44 7700 900123"))
		require.ErrorIs(t, err, totpflow.ErrProof)
		require.ErrorIs(t, h.Account(ana).ConsumeProof(h.Ctx, proof, totpflow.ActionEnroll.On("")), totpflow.ErrProof)
	})
}

// proofThatNobodyEarns returns a proof for ana that no call returns.
func (h *harness) proofThatNobodyEarns(of engine.Ticket) (p totpflow.Proof) {
	h.T.Helper()
	of.Tenant, of.User = ana.ID.Tenant, ana.ID.User
	records := engine.New(engine.Config{Store: h.Memory, Keys: h.Ring(), Audience: "Acme Backup", Observer: quiet, Now: h.Clock.Now})
	require.NoError(h.T, records.Change(h.Ctx, ana.ID, func(tx *engine.Tx) error {
		p = totpflow.Proof(records.SealTicket(engine.ProofKind, tx, of))
		return nil
	}))
	return p
}

// A person who has only a phone may add an app with it: there is nothing better to
// ask for.
func TestFromPhoneToApp(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	h.EnrollPhone(ana, &p)
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	_, err = h.SendPhoneCode(h.Ctx, next.Challenge, next.Phones[0].ID, phone.SMS)
	require.NoError(t, err)
	d, err := h.VerifyPhoneCode(h.Ctx, next.Challenge, p.Code())
	require.NoError(t, err)
	_, err = h.TrustBrowser(h.Ctx, d.Proof, "x")
	require.ErrorIs(t, err, totpflow.ErrProof)
	h.EnrollBy(d.Proof)
	require.Equal(t, enroll.Active, h.Status(ana).State)
	require.Len(t, h.Status(ana).Phones, 1)
}

// One code is live: another one, or another sign-in, ends it. Nothing gives wrong codes
// back, and they count together with those of the app.
func TestOnePhoneCodeIsLive(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	h.EnrollPhone(ana, &p)
	id := h.Status(ana).Phones[0].ID
	first, second := h.Challenge(ana), h.Challenge(ana)
	d, err := h.VerifyPhoneCode(h.Ctx, first, "123456")
	refused(t, d, err, totpflow.ErrPhoneCode)
	_, err = h.SendPhoneCode(h.Ctx, first, id, phone.SMS)
	require.NoError(t, err)
	old := p.Code()
	d, err = h.VerifyPhoneCode(h.Ctx, second, old)
	refused(t, d, err, totpflow.ErrPhoneCode)
	h.Clock.Advance(time.Minute)
	_, err = h.SendPhoneCode(h.Ctx, first, id, phone.Voice)
	require.NoError(t, err)
	if old != p.Code() {
		d, err = h.VerifyPhoneCode(h.Ctx, first, old)
		refused(t, d, err, totpflow.ErrRejected)
	}
	h.Clock.Advance(5 * time.Minute)
	d, err = h.VerifyPhoneCode(h.Ctx, first, p.Code())
	refused(t, d, err, totpflow.ErrPhoneCode)

	h.Clock.Advance(10 * time.Minute)
	challenge := h.Challenge(ana)
	_, err = h.SendPhoneCode(h.Ctx, challenge, id, phone.SMS)
	require.NoError(t, err)
	for range 5 {
		_, err = h.VerifyPhoneCode(h.Ctx, challenge, p.WrongCode())
		if errors.Is(err, throttle.ErrThrottled) {
			break
		}
		require.ErrorIs(t, err, totpflow.ErrRejected)
	}
	d, err = h.VerifyPhoneCode(h.Ctx, challenge, p.Code())
	refused(t, d, err, throttle.ErrThrottled)
	require.NotNil(t, h.Status(ana).Throttled, "the account's one budget")
}

// asked returns a sign-in that waits for a code by phone.
func (h *harness) asked(u totpflow.User) totpflow.Decision {
	h.T.Helper()
	next, err := h.SignIn(h.Ctx, u)
	require.NoError(h.T, err)
	require.NotEmpty(h.T, next.Phones)
	return next
}

// A message goes to a phone of the sign-in's own account, for a challenge that asks for a
// code, from a service with a sender.
func TestSendPhoneCodeRefuses(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	setUp, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	d := h.AddPhone(setUp.Challenge, mobile, &p)
	_, err = h.TrustBrowser(h.Ctx, d.Proof, "x")
	require.ErrorIs(t, err, totpflow.ErrProof, "nor does a code by phone trust a browser")
	next := h.asked(ana)
	other, err := h.SignIn(h.Ctx, totpflow.User{ID: totpflow.AccountID{User: "another"}})
	require.NoError(t, err)
	sent, id := p.Count(), next.Phones[0].ID
	for name, c := range map[string]struct {
		from      *totpflow.Service
		challenge totpflow.Challenge
		id        string
		is        error
	}{
		"no challenge":              {h.Service, "", id, totpflow.ErrChallenge},
		"the challenge of a set-up": {h.Service, other.Challenge, id, totpflow.ErrChallenge},
		"no phone of that id":       {h.Service, next.Challenge, "x", totpflow.ErrNoPhone},
		"a service that sends none": {h.Open(func(c *totpflow.Config) { c.Policy = policy.Fixed{Mode: policy.Required, Methods: everyMethod} }), next.Challenge, id, totpflow.ErrNoPhone},
		"a destination not served":  {h.Open(withPhones(&p, func(c *totpflow.Config) { c.Phones.Destinations.Only = []string{"+49"} })...), next.Challenge, id, phone.ErrDestination},
	} {
		_, err := c.from.SendPhoneCode(h.Ctx, c.challenge, c.id, phone.SMS)
		require.ErrorIs(t, err, c.is, name)
	}
	require.Equal(t, sent, p.Count())
	_, err = h.SendPhoneCode(h.Ctx, next.Challenge, id, phone.SMS)
	require.NoError(t, err, "none of it was counted for the account")
}

// Of two phones the code goes to the one that was chosen.
func TestTheChosenPhone(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	app, _ := h.Enroll(ana)
	second := number("+44 7700 900123")
	for _, n := range []phone.Number{mobile, second} {
		h.Clock.Advance(time.Minute)
		h.AddPhone(h.Prove(ana, totpflow.ActionAddPhone, app), n, &p)
	}
	h.Clock.Advance(10 * time.Minute)
	next := h.asked(ana)
	require.Len(t, next.Phones, 2)
	sent, err := h.SendPhoneCode(h.Ctx, next.Challenge, next.Phones[1].ID, phone.SMS)
	require.NoError(t, err)
	require.Equal(t, second, sent.To)
	require.Equal(t, second, p.Sent[p.Count()-1].To)
}

// The host may choose the words of a message, but not its recipient or its code.
func TestComposeChoosesWordsOnly(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	h.EnrollPhone(ana, &p)
	s := h.Open(withPhones(&p, func(c *totpflow.Config) {
		c.Phones.Compose = func(_ context.Context, m phone.Message) phone.Message {
			return phone.Message{To: number("+44 7700 900123"), Via: phone.Voice, Sentence: "Ihr Code ist {code}."}
		}
	})...)
	next := h.asked(ana)
	h.Events.Kinds()
	_, err := s.SendPhoneCode(h.Ctx, next.Challenge, next.Phones[0].ID, phone.SMS)
	require.NoError(t, err)
	told := h.EventsOf(event.PhoneCodeSent)
	require.Len(t, told, 1)
	require.Equal(t, "sms", told[0].Method)
	m := p.Sent[p.Count()-1]
	require.Equal(t, mobile, m.To)
	require.Equal(t, phone.SMS, m.Via)
	require.Equal(t, "Ihr Code ist "+p.Code()+".", m.Text())
	d, err := s.VerifyPhoneCode(h.Ctx, next.Challenge, p.Code())
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, d.Step)
}

// Answers to what is typed as a code by phone: text that is not a code is not a guess, a
// late code leads to sending another one, and too many wrong ones lead to a lock, after
// which the code is void.
func TestTypedPhoneCodes(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	h.EnrollPhone(ana, &p)
	send := func() totpflow.Decision {
		h.Clock.Advance(time.Hour)
		next := h.asked(ana)
		_, err := h.SendPhoneCode(h.Ctx, next.Challenge, next.Phones[0].ID, phone.SMS)
		require.NoError(t, err)
		h.Events.Kinds()
		return next
	}

	next := send()
	for range 10 {
		d, err := h.VerifyPhoneCode(h.Ctx, next.Challenge, "12345x")
		refused(t, d, err, totpflow.ErrRejected)
		require.Equal(t, []event.Kind{event.CodeMalformed}, h.Events.Kinds())
	}
	h.Clock.Advance(5 * time.Minute)
	d, err := h.VerifyPhoneCode(h.Ctx, next.Challenge, p.Code())
	refused(t, d, err, totpflow.ErrPhoneCode)

	next = send()
	for range 5 {
		d, err = h.VerifyPhoneCode(h.Ctx, next.Challenge, p.WrongCode())
		refused(t, d, err, totpflow.ErrRejected)
	}
	h.Clock.Advance(time.Minute) // the account's budget allows guesses again
	d, err = h.VerifyPhoneCode(h.Ctx, next.Challenge, p.Code())
	var wait *throttle.Error
	require.ErrorAs(t, err, &wait)
	require.Zero(t, d.Step)
	require.NotErrorIs(t, err, totpflow.ErrPhoneCode)
}

// Two messages are asked for at once: one is sent, and the second waits. An account that
// was erased meanwhile gets no message and no record.
func TestMeanwhileAMessage(t *testing.T) {
	for name, meanwhile := range map[string]func(h *harness, next totpflow.Decision){
		"another one was sent": func(h *harness, next totpflow.Decision) {
			_, err := h.SendPhoneCode(h.Ctx, next.Challenge, next.Phones[0].ID, phone.SMS)
			require.NoError(h.T, err)
		},
		"the account was erased": func(h *harness, _ totpflow.Decision) {
			require.NoError(h.T, h.Admin(nil).Forget(h.Ctx, ops, anaID))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var p provider
			h := newHarness(t, withPhones(&p)...)
			h.EnrollPhone(ana, &p)
			next := h.asked(ana)
			sent, puts := p.Count(), 0
			racing := h.Open(withPhones(&p, func(c *totpflow.Config) {
				c.Store = beforePut{h.Store, &puts, func() { meanwhile(h, next) }}
			})...)
			_, err := racing.SendPhoneCode(h.Ctx, next.Challenge, next.Phones[0].ID, phone.SMS)
			var wait *throttle.Error
			if name == "another one was sent" {
				require.ErrorAs(t, err, &wait)
				require.Equal(t, sent+1, p.Count())
				return
			}
			require.ErrorIs(t, err, totpflow.ErrChallenge)
			require.Equal(t, sent, p.Count())
			_, err = h.Memory.Get(h.Ctx, anaID)
			require.Error(t, err, "no record of somebody who is gone")
		})
	}
}
