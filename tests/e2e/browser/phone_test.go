package browser_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/phone"
)

// A provider keeps the messages that a console sends.
type provider struct {
	mu       sync.Mutex
	messages []phone.Message
}

func (x *provider) Send(_ context.Context, m phone.Message) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.messages = append(x.messages, m)
	return nil
}

// code returns the newest code that was sent this way.
func (o *site) code(via phone.Via) string {
	o.t.Helper()
	o.phones.mu.Lock()
	defer o.phones.mu.Unlock()
	require.NotEmpty(o.t, o.phones.messages)
	m := o.phones.messages[len(o.phones.messages)-1]
	require.Equal(o.t, via, m.Via)
	return m.Code.Digits()
}

// wrong returns a code that was not sent.
func wrong(code string) string {
	if code == "123456" {
		return "654321"
	}
	return "123456"
}

// policy has the administrator set who chooses numbers.
func (p *tab) policy(phones, code string) {
	p.t.Helper()
	p.open("/2fa-admin/policy")
	p.set("#mode", "required")
	p.set("#phones", phones)
	p.click(`form[action="/2fa-admin/policy/set"] button`)
	p.stepUp(code)
	p.at("/2fa-admin/policy?tenant=acme")
}

// byPhone submits the code that was sent.
func (p *tab) byPhone(form, code string) {
	p.t.Helper()
	p.fill("#phone_code", code)
	p.click(`form[action="` + form + `"] button`)
}

// Ana has no smartphone. Her number is verified by its own code, and from then on she
// signs in by SMS or by a call.
func TestPhoneInsteadOfAnApp(t *testing.T) {
	s := phoneSize
	o := newProduct(t, withPhones)
	p := o.browser(s)
	p.password()
	p.at("/2fa/setup")
	p.click(`main a[href="/2fa/phone"]`)
	p.picture("phone")
	p.fill("#number", "0660 1234567")
	p.click(`button[value="sms"]`)
	p.says("Enter the number with +")
	p.fill("#number", "+43 660 1234567")
	p.click(`button[value="sms"]`)
	p.at("/2fa/phone")
	p.says("+43 ••• ••67")
	p.picture("phone-confirm")
	p.byPhone("/2fa/phone/confirm", wrong(o.code(phone.SMS)))
	p.says("Not accepted")
	p.byPhone("/2fa/phone/confirm", o.code(phone.SMS))
	p.at("/")
	p.open("/2fa/security")
	require.Equal(t, "By phone", p.text("#state"))
	p.picture("security-by-phone")
	p.signOut()

	o.clock.Advance(time.Minute)
	p.password()
	require.Contains(t, p.path(), "/2fa/phone-code?") // the code was sent without asking
	p.picture("phone-code")
	p.byPhone("/2fa/phone-code", wrong(o.code(phone.SMS)))
	p.says("Not accepted")
	p.click(`button[value="voice"]`)
	p.says("Another code can be sent in 30 seconds.")
	o.clock.Advance(time.Minute)
	p.click(`button[value="voice"]`)
	p.says("You get a call")
	p.picture("phone-code-sent")
	p.byPhone("/2fa/phone-code", o.code(phone.Voice))
	p.at("/")
}

// The administrator chooses the number for somebody who also has an app.
func TestAssignedPhone(t *testing.T) {
	s := desktopSize
	o := newSite(t, false)
	boss, bosses := o.administrator(s)
	boss.policy("assigned", bosses.Code())
	p := o.browser(s)
	app, _ := o.setUp(p)
	boss.account(ana)
	boss.fill("#number", "+43 660 1234567")
	boss.picture("account-phone")
	boss.change("phone", bosses.Code())
	require.Contains(t, boss.path(), "/2fa-admin/person?")

	p.open("/2fa/security")
	p.out() // a factor that signs in has changed
	p.password()
	p.code(app.Code())
	p.open("/2fa/security")
	p.click(`main a[href="/2fa/phone"]`)
	p.says("Your administrator has chosen the number +43 ••• ••67.")
	p.picture("phone-assigned")
	p.click(`button[value="sms"]`)
	p.stepUp(app.WrongCode())
	p.says("Not accepted")
	p.stepUp(app.Code())
	p.byPhone("/2fa/phone/confirm", o.code(phone.SMS))
	p.at("/2fa/security")
	p.picture("security-with-phone")
	o.clock.Advance(time.Minute)

	o.admitsByPhone(s)
	o.admits(app, s)
}

// admitsByPhone goes from the form of the app to a code by SMS.
func (o *site) admitsByPhone(s size) {
	o.t.Helper()
	p := o.browser(s)
	p.password()
	p.at("/2fa/code")
	p.click(`.ways a[href="/2fa/phone-code"]`)
	p.click(`button[value="sms"]`)
	p.byPhone("/2fa/phone-code", o.code(phone.SMS))
	p.at("/")
}
