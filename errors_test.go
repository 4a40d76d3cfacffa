package totpflow_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/policy"
)

// A method that policy has taken away passes nobody, and the host's own factor is not
// even asked.
func TestMethodsThatPolicyTakesAway(t *testing.T) {
	h := newHarness(t)
	_, codes := h.Enroll(ana)
	c := h.Challenge(ana)
	app := h.Open(func(c *totpflow.Config) { c.Policy = policy.Fixed{Mode: policy.Required, Methods: policy.App} })
	d, err := app.VerifyRecoveryCode(h.Ctx, c, codes[0])
	refused(t, d, err, totpflow.ErrMethodNotAllowed)
	_, err = app.BeginExternal(h.Ctx, c, "card")
	require.ErrorIs(t, err, totpflow.ErrMethodNotAllowed)
	d, err = h.VerifyRecoveryCode(h.Ctx, c, codes[0])
	require.NoError(t, err, "nothing was spent")
	require.Equal(t, totpflow.Passed, d.Step)
}

// Where the policy cannot be asked, nobody gets in and nothing is sent.
func TestPolicyThatCannotBeAsked(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	h.EnrollPhone(ana, &p)
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	sent := p.Count()
	down := errors.New("the policy's database is down")
	broken := h.Open(withPhones(&p, func(c *totpflow.Config) { c.Policy = servicetest.FailingPolicy{Err: down} })...)
	for name, try := range map[string]func() (totpflow.Decision, error){
		"a code":        func() (totpflow.Decision, error) { return broken.VerifyCode(h.Ctx, next.Challenge, "123456") },
		"an issued one": func() (totpflow.Decision, error) { return broken.VerifyIssuedCode(h.Ctx, next.Challenge, "123456") },
		"a message": func() (totpflow.Decision, error) {
			_, err := broken.SendPhoneCode(h.Ctx, next.Challenge, next.Phones[0].ID, "sms")
			return totpflow.Decision{}, err
		},
	} {
		d, err := try()
		require.ErrorIs(t, err, down, name)
		require.Zero(t, d.Step, name)
	}
	require.Equal(t, sent, p.Count())
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
	h := newHarness(t)
	h.Enroll(ana)
	c := h.Challenge(ana)
	h.Clock.Advance(-30 * time.Second)
	_, err := h.ContinueSignIn(h.Ctx, c)
	require.NoError(t, err)
	h.Clock.Advance(-time.Millisecond)
	_, err = h.ContinueSignIn(h.Ctx, c)
	require.ErrorIs(t, err, totpflow.ErrChallenge)
}

// The events of a frozen account say so, those of a host's factor that cannot tell
// say nothing of clocks, and those of a wrong issued code name it.
func TestRefusalsAreToldApart(t *testing.T) {
	h := newHarness(t)
	h.Enroll(ana)
	link := h.NewDisownToken(h.EventsOf(event.EnrollmentConfirmed)[0])

	c := h.Challenge(ana)
	_, err := h.CompleteExternal(h.Ctx, c, h.external(c), errors.New("no reader"))
	require.ErrorContains(t, err, "no reader")
	require.Empty(t, h.Events.Kinds())

	code := h.IssueCode(anaID)
	h.Events.Kinds()
	wrong := code[:18] + map[bool]string{true: "1", false: "0"}[code[18] == '0']
	d, err := h.VerifyIssuedCode(h.Ctx, h.Challenge(ana), wrong)
	refused(t, d, err, totpflow.ErrRejected)
	told := h.EventsOf(event.RecoveryRejected)
	require.Len(t, told, 1)
	require.Equal(t, string(totpflow.MethodIssuedCode), told[0].Method)

	require.NoError(t, servicetest.ErrorOf(h.Disown(h.Ctx, link)))
	h.Events.Kinds()
	_, err = h.SignIn(h.Ctx, ana)
	require.ErrorIs(t, err, totpflow.ErrFrozen)
	told = h.EventsOf(event.SignInRefused)
	require.Len(t, told, 1)
	require.Equal(t, "frozen", told[0].Reason)
}

// Waiting for the longest wait is not a suspension: an event reports a suspension where
// a long window has closed.
func TestTheLongestWaitIsNoSuspension(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	h.Events.Kinds()
	wrongs := 0
	for len(h.EventsOf(event.Suspended)) == 0 {
		h.Clock.Advance(time.Hour)
		_, err := h.VerifyCode(h.Ctx, h.Challenge(ana), phone.WrongCode())
		require.ErrorIs(t, err, totpflow.ErrRejected)
		wrongs++
		require.Less(t, wrongs, 30)
	}
	require.Equal(t, 20, wrongs, "twenty a day")
}
