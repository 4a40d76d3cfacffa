package command_test

import (
	"context"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	totpadmin "github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/examples/agent/command"
	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store/sqlstore"
)

// A pocket holds a phone that shows the messages it receives.
type pocket struct {
	mu   sync.Mutex
	last phone.Message
}

// Send implements phone.Sender.
func (p *pocket) Send(_ context.Context, m phone.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = m
	return nil
}

func (p *pocket) code() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last.Code.Digits()
}

// wrongCode returns a code that was not sent last.
func (p *pocket) wrongCode() string {
	if p.code() == "123456" {
		return "654321"
	}
	return "123456"
}

// withPhone gives a person of acme this phone, verified in this way, and no app.
func (h *workplace) withPhone(who app.DemoAccount, p *pocket, via phone.Via) (*totpflow.Service, totpflow.AccountID) {
	h.t.Helper()
	service, err := totpflow.New(totpflow.Config{
		Issuer: app.Issuer, Store: sqlstore.New(h.db, sqlstore.SQLite), Keys: h.ring, Now: h.clock.Now, Phones: &phone.Delivery{Sender: p},
	})
	require.NoError(h.t, err)
	ctx := h.t.Context()
	phones := policy.Policy{Mode: policy.Required, Methods: policy.App | policy.RecoveryCodes | policy.Phone}
	require.NoError(h.t, totpadmin.New(service, nil).SetPolicy(ctx, totpadmin.Operator{Name: "root", Reason: "phones"}, "acme", phones))
	var id string
	require.NoError(h.t, h.db.QueryRow(`SELECT users.id FROM users JOIN people ON people.id = person WHERE email = ?`, who.Email).Scan(&id))
	d, err := service.SignIn(ctx, totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: id}, Name: who.Email})
	require.NoError(h.t, err)
	number, err := phone.ParseNumber("+43 664 9876567")
	require.NoError(h.t, err)
	page, err := service.BeginPhone(ctx, d.Challenge, number)
	require.NoError(h.t, err)
	_, err = service.SendEnrollmentCode(ctx, page.Token, via)
	require.NoError(h.t, err)
	_, err = service.ConfirmPhone(ctx, page.Token, p.code())
	require.NoError(h.t, err)
	require.NoError(h.t, service.Drain(ctx))
	return service, totpflow.AccountID{Tenant: "acme", User: id}
}

// A landline is called, also where the agent asks for the code itself: here the person could
// use a code from a mail as well, so that the server has sent none.
func TestLandlineIsCalled(t *testing.T) {
	var p pocket
	h := newWorkplace(t, func(o *app.Options) { o.Phones = &p })
	service, id := h.withPhone(ana, &p, phone.Voice)
	by := totpadmin.Operator{Name: "root", Reason: "a broken phone"}
	require.NoError(t, totpadmin.New(service, nil).IssueRecoveryCode(t.Context(), by, id, func(context.Context, totpadmin.IssuedCode) error { return nil }))
	h.clock.Advance(time.Hour)
	p.last = phone.Message{}
	w := h.window("signin")
	w.types("E-mail address: ", ana.Email)
	w.types("Password: ", ana.Password)
	w.sees("You are being called at +43 ••• ••67.")
	require.Equal(t, phone.Voice, p.last.Via)
	w.sees("If your administrator sent you a recovery code by e-mail, type \"mail\".")
	w.types("Code that you received: ", p.code())
	w.ends(command.ExitDone)
}

// Where calls are not possible, a number that was verified by one gets an SMS. Otherwise a
// person could sign in on the pages, but not with the agent.
func TestSMSWhereCallsAreNotPossible(t *testing.T) {
	var p pocket
	h := newWorkplace(t, func(o *app.Options) { o.Phones, o.NoCalls = &p, true })
	h.withPhone(ana, &p, phone.Voice)
	h.clock.Advance(time.Hour)
	p.last = phone.Message{}
	w := h.window("signin")
	w.types("E-mail address: ", ana.Email)
	w.types("Password: ", ana.Password)
	w.sees("A code is on its way to +43 ••• ••67.")
	require.Equal(t, phone.SMS, p.last.Via)
	h.clock.Advance(time.Minute)
	w.types("Code that you received: ", "call")
	w.sees("Calls are not possible here.")
	said := w.types("Code that you received: ", p.code())
	require.Contains(t, said, "No message? Press Enter to be sent another one.\n")
	require.NotContains(t, said, "call")
	w.ends(command.ExitDone)
}

// A person with a phone and no app is sent a code, at the sign-in and at the lock.
func TestCodeByPhone(t *testing.T) {
	var p pocket
	h := newWorkplace(t, func(o *app.Options) { o.Phones = &p })
	h.withPhone(ana, &p, phone.SMS)
	for _, args := range []string{"signin", "list"} {
		h.clock.Advance(time.Hour)
		w := h.window(args)
		if args == "signin" {
			w.types("E-mail address: ", ana.Email)
		}
		w.types("Password: ", ana.Password)
		w.sees("A code is on its way to +43 ••• ••67.")
		w.types("Code that you received: ", p.wrongCode())
		w.sees("This code is not right")
		w.types("Code that you received: ", p.code())
		w.ends(command.ExitDone)
	}
}

// A person whose code does not arrive has another one sent, in the same way or in the other
// one, and a code that was sent before is not lost by it where none is sent. The agent
// offers another one only from when on the server sends it.
func TestAnotherCodeByPhone(t *testing.T) {
	var p pocket
	h := newWorkplace(t, func(o *app.Options) { o.Phones = &p })
	h.withPhone(ana, &p, phone.SMS)
	h.clock.Advance(time.Hour)
	w := h.window("signin")
	w.types("E-mail address: ", ana.Email)
	w.types("Password: ", ana.Password)
	const prompt = "Code that you received: "
	said := w.sees(prompt)
	require.Contains(t, said, "A code is on its way to +43 ••• ••67.")
	require.Contains(t, said, "Another code can be sent in 30 seconds. After that, press Enter, or type \"call\" to be called.")
	require.NotContains(t, said, "No message?")
	h.clock.Advance(10 * time.Second)
	w.types("", "")
	said = w.sees(prompt)
	require.Contains(t, said, "Another code can be sent in 20 seconds. After that, press Enter, or type \"call\" to be called.")
	require.NotContains(t, said, "on its way")
	h.clock.Advance(20 * time.Second)
	p.last = phone.Message{}
	w.types("", "")
	said = w.sees(prompt)
	require.Contains(t, said, "A code is on its way to +43 ••• ••67.")
	require.Contains(t, said, "Another code can be sent in 30 seconds.")
	require.Equal(t, phone.SMS, p.last.Via)
	h.clock.Advance(30 * time.Second)
	w.types("", " Call ")
	said = w.sees(prompt)
	require.Contains(t, said, "You are being called at +43 ••• ••67.")
	require.Contains(t, said, "Another code can be sent in 9 minutes. After that, press Enter to be called again, or type \"sms\" to be sent a message.")
	require.Equal(t, phone.Voice, p.last.Via)
	w.types("", p.code())
	w.ends(command.ExitDone)
}

// Where the limits allow another message at once, and after they do, it is offered at once.
func TestAnotherCodeAtOnce(t *testing.T) {
	var p pocket
	h := newWorkplace(t, func(o *app.Options) { o.Phones = &p })
	h.answers("/2fa/api/phone-code", func(text string) string { return regexp.MustCompile(`,"again":"[^"]*"`).ReplaceAllString(text, "") })
	h.withPhone(ana, &p, phone.SMS)
	h.clock.Advance(time.Hour)
	w := h.window("signin")
	w.types("E-mail address: ", ana.Email)
	w.types("Password: ", ana.Password)
	const prompt = "Code that you received: "
	w.sees(prompt)
	h.clock.Advance(time.Minute)
	w.types("", "")
	said := w.sees(prompt)
	require.Contains(t, said, "No message? Press Enter to be sent another one, or type \"call\" to be called instead.")
	require.NotContains(t, said, "Another code")
	w.types("", p.code())
	w.ends(command.ExitDone)
}

// A code that was sent for one sign-in does not work for the next one, and until the server
// sends another one the agent does not say that one is on its way. The person waits for it,
// and may mistake the earlier code for it without being turned away.
func TestCodeOfAnotherSignIn(t *testing.T) {
	var p pocket
	h := newWorkplace(t, func(o *app.Options) { o.Phones = &p })
	h.withPhone(ana, &p, phone.SMS)
	h.clock.Advance(time.Hour)
	const prompt = "Code that you received: "
	w := h.window("signin")
	w.types("E-mail address: ", ana.Email)
	w.types("Password: ", ana.Password)
	w.sees("A code is on its way to +43 ••• ••67.")
	w.types(prompt, p.code())
	require.Contains(t, w.ends(command.ExitDone), "the next command asks for your password and a code again")

	earlier := p.code()
	w = h.window("list")
	w.types("Password: ", ana.Password)
	w.sees("Another code can be sent in")
	w.types(prompt, earlier)
	w.sees("No code was sent for this, or it has expired")
	w.sees("Another code can be sent in")
	require.NotContains(t, w.screen.text, "on its way")
	h.clock.Advance(time.Minute)
	w.types(prompt, "")
	w.sees("A code is on its way to +43 ••• ••67.")
	w.types(prompt, p.code())
	w.ends(command.ExitDone)
}
