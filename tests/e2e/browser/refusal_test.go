package browser_test

import (
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// Too many wrong codes: single ones are locked for a while, two in a row let the owner
// in.
func TestWrongCodes(t *testing.T) {
	s := phoneSize
	o := newProduct(t, mandatory)
	p := o.browser(s)
	phone, _ := o.setUp(p)
	p.signOut()
	o.clock.Advance(30 * time.Second) // the phone no longer shows the code that confirmed the enrollment

	p.password()
	tries := 0
	for p.count("#code2") == 0 {
		require.Less(t, tries, 10, "wrong codes never have to wait")
		p.code(phone.WrongCode())
		p.at("/2fa/code")
		p.says("Not accepted")
		tries++
	}
	require.GreaterOrEqual(t, tries, 5, "a person mistypes more often")
	p.says("Too many wrong codes")
	p.picture("wait")
	for _, wait := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute} {
		o.clock.Advance(wait)
		p.code(phone.WrongCode())
		p.says("Too many wrong codes") // and twice as long to wait
	}

	p.code(phone.Code()) // right, but single
	p.at("/2fa/code")
	p.says("Too many wrong codes")
	first, second := phone.Pair()
	p.fill("#code2", second)
	p.code(first)
	p.at("/")
}

// Turning it off requires a code; afterwards the password alone is enough again.
func TestDisable(t *testing.T) {
	s := phoneSize
	o := newProduct(t, optional)
	p := o.browser(s)
	p.password()
	p.click(`main a[href="/2fa/setup"]`)
	phone := p.scan(o.clock, "setup")
	p.confirm(phone.Code())
	p.sheet()

	p.reauthenticate("/2fa/security/disable", phone.WrongCode())
	p.says("Not accepted")
	p.open("/2fa/security")
	require.Equal(t, "On", p.text("#state"))
	p.reauthenticate("/2fa/security/disable", phone.Code())
	p.at("/2fa/security")
	require.Equal(t, "Off", p.text("#state"))
	p.signOut()
	p.password()
	p.at("/")
}

// A QR code is read from a dark page too: it has a white background of its own.
func TestDarkPage(t *testing.T) {
	s := phoneSize
	o := newProduct(t, mandatory)
	p := o.browser(s)
	_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}},
	})
	require.NoError(t, err)
	p.password()
	p.scan(o.clock, "setup-dark")
}

// The pages work without scripts.
func TestWithoutJavaScript(t *testing.T) {
	o := newProduct(t, mandatory)
	p := o.browser(phoneSize)
	p.scriptless = true
	_, err := chromedp.Call(p.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	require.NoError(t, err)
	p.do(chromedp.Navigate("data:text/html,<p id=x>off</p><script>x.textContent = 'on'</script>"))
	require.Equal(t, "off", p.text("#x"), "scripts are not switched off")

	phone, _ := o.setUp(p)
	p.reauthenticate("/2fa/security/recovery-codes", phone.Code())
	p.sheet()
	p.signOut()
	p.password()
	p.tick("[name=trust]")
	p.code(phone.Code())
	p.at("/")
	p.signOut()
	p.password()
	p.at("/")
}
