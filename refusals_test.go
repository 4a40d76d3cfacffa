package totpflow_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/policy"
)

// What policy has taken away passes nobody, and the host's own factor is not even
// asked.
func TestMethodsThatPolicyTakesAway(t *testing.T) {
	h := newHouse(t)
	_, codes := h.enroll(ana)
	c := h.ask(ana)
	app := h.open(func(c *totpflow.Config) { c.Policy = policy.Fixed{Mode: policy.Required, Methods: policy.App} })
	d, err := app.VerifyRecoveryCode(h.ctx, c, codes[0])
	refused(t, d, err, totpflow.ErrMethodNotAllowed)
	d, err = app.VerifyExternal(h.ctx, c, "card", func(context.Context) error { t.Error("asked"); return nil })
	refused(t, d, err, totpflow.ErrMethodNotAllowed)
	d, err = h.VerifyRecoveryCode(h.ctx, c, codes[0])
	require.NoError(t, err, "nothing was spent")
	require.Equal(t, totpflow.Passed, d.Step)
}

// Where the policy cannot be asked, nobody gets in and nothing is sent.
func TestPolicyThatCannotBeAsked(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	h.phoneOnly(ana, &p)
	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	sent := p.count()
	down := errors.New("the policy's database is down")
	broken := h.open(withPhones(&p, func(c *totpflow.Config) { c.Policy = failing{down} })...)
	for name, try := range map[string]func() (totpflow.Decision, error){
		"a code":        func() (totpflow.Decision, error) { return broken.VerifyCode(h.ctx, next.Challenge, "123456") },
		"an issued one": func() (totpflow.Decision, error) { return broken.VerifyIssuedCode(h.ctx, next.Challenge, "123456") },
		"a message": func() (totpflow.Decision, error) {
			_, err := broken.SendPhoneCode(h.ctx, next.Challenge, next.Phones[0].ID, "sms")
			return totpflow.Decision{}, err
		},
	} {
		d, err := try()
		require.ErrorIs(t, err, down, name)
		require.Zero(t, d.Step, name)
	}
	require.Equal(t, sent, p.count())
}

// A printed ticket shows whether there is one, and nothing of it.
func TestTicketsPrintAsPlaceholders(t *testing.T) {
	for want, v := range map[string]any{
		"[challenge]": totpflow.Challenge("secret"), "[no challenge]": totpflow.Challenge(""),
		"[proof]": totpflow.Proof("secret"), "[no proof]": totpflow.Proof(""),
		"[enrollment token]": totpflow.EnrollmentToken("secret"), "[no enrollment token]": totpflow.EnrollmentToken(""),
		"[disown token]": totpflow.DisownToken("secret"), "[no disown token]": totpflow.DisownToken(""),
	} {
		for _, verb := range []string{"%v", "%s", "%q", "%#v", "%x"} {
			require.Equal(t, want, fmt.Sprintf(verb, v))
		}
	}
}

// A ticket of half a minute ahead is one of another process, whose clock is; of
// more it is none.
func TestTicketsOfTheFuture(t *testing.T) {
	h := newHouse(t)
	h.enroll(ana)
	c := h.ask(ana)
	h.clock.Advance(-30 * time.Second)
	_, err := h.ContinueSignIn(h.ctx, c)
	require.NoError(t, err)
	h.clock.Advance(-time.Millisecond)
	_, err = h.ContinueSignIn(h.ctx, c)
	require.ErrorIs(t, err, totpflow.ErrChallenge)
}

// The events of a frozen account say so, those of a host's factor that cannot tell
// say nothing of clocks, and those of a wrong issued code name it.
func TestRefusalsAreToldApart(t *testing.T) {
	h := newHouse(t)
	h.enroll(ana)
	link := h.NewDisownToken(h.told(event.EnrollmentConfirmed)[0])

	_, err := h.VerifyExternal(h.ctx, h.ask(ana), "card", func(context.Context) error { return errors.New("no reader") })
	require.ErrorContains(t, err, "no reader")
	require.Empty(t, h.events.kinds())

	code := h.issue(anaID)
	h.events.kinds()
	wrong := code[:18] + map[bool]string{true: "1", false: "0"}[code[18] == '0']
	d, err := h.VerifyIssuedCode(h.ctx, h.ask(ana), wrong)
	refused(t, d, err, totpflow.ErrRejected)
	told := h.told(event.RecoveryRejected)
	require.Len(t, told, 1)
	require.Equal(t, string(totpflow.MethodIssuedCode), told[0].Method)

	require.NoError(t, second(h.Disown(h.ctx, link)))
	h.events.kinds()
	_, err = h.SignIn(h.ctx, ana)
	require.ErrorIs(t, err, totpflow.ErrFrozen)
	told = h.told(event.SignInRefused)
	require.Len(t, told, 1)
	require.Equal(t, "frozen", told[0].Reason)
}

// To wait for the longest wait is no suspension: that one is told where a long
// window has closed.
func TestTheLongestWaitIsNoSuspension(t *testing.T) {
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	h.events.kinds()
	wrongs := 0
	for len(h.told(event.Suspended)) == 0 {
		h.clock.Advance(time.Hour)
		_, err := h.VerifyCode(h.ctx, h.ask(ana), phone.WrongCode())
		require.ErrorIs(t, err, totpflow.ErrRejected)
		wrongs++
		require.Less(t, wrongs, 30)
	}
	require.Equal(t, 20, wrongs, "twenty a day")
}
