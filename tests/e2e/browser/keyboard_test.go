package browser_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/totptest"
)

// tabTo presses Tab until the element that the selector finds has the focus, and asserts
// that a person sees where the focus is.
func (p *tab) tabTo(selector string) {
	p.t.Helper()
	for range 60 {
		if p.focused(selector) {
			visible := run(p, chromedp.Evaluate[bool](`(() => {
				const s = getComputedStyle(document.activeElement);
				return document.activeElement.matches(":focus-visible") && (s.outlineStyle != "none" || s.boxShadow != "none");
			})()`))
			require.Truef(p.t, visible, "%s: nobody sees that %s has the focus", p.path(), selector)
			return
		}
		p.do(chromedp.KeyEvent(kb.Tab))
	}
	require.Failf(p.t, "the keyboard does not reach it", "%s: %s", p.path(), selector)
}

func (p *tab) focused(selector string) bool {
	p.t.Helper()
	// The browser gives an autofocus field the focus when it draws the page, which may be
	// after the load.
	const drawn = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(document.activeElement.matches(`%s`)))))"
	return run(p, chromedp.Evaluate[bool](fmt.Sprintf(drawn, selector), chromedp.EvalAwaitPromise))
}

// keys types into the element that has the focus.
func (p *tab) keys(text string) {
	p.t.Helper()
	p.do(chromedp.KeyEvent(text))
}

// enter presses Enter, and waits for the page that it leads to.
func (p *tab) enter() {
	p.t.Helper()
	p.follow(chromedp.KeyEvent(kb.Enter))
}

// Everything can be done without a mouse and without a camera.
func TestKeyboardOnly(t *testing.T) {
	o := newProduct(t, optional)
	p := o.browser(desktopSize)
	signIn := func() {
		t.Helper()
		require.True(t, p.focused("#email"), "the form does not begin with the focus")
		p.keys("ana@acme.example")
		p.tabTo("#password")
		p.keys("correct-horse-2")
		p.enter()
	}
	p.open("/signin")
	signIn()
	p.at("/")
	p.tabTo(`main a[href="/2fa/setup"]`)
	p.enter()
	p.at("/2fa/setup")
	phone, err := totptest.TypeSecret(p.text("#secret"), o.clock)
	require.NoError(t, err)
	p.tabTo("#code")
	p.keys(phone.Code())
	p.enter()
	p.tabTo(`form[action="/2fa/security/saved"] button`)
	p.enter()
	p.at("/")

	p.tabTo(`form[action="/2fa/signout"] button`)
	p.enter()
	signIn()
	p.at("/2fa/code")
	require.True(t, p.focused("#code"), "the form does not begin with the focus")
	p.keys(phone.Peek()) // used by the enrollment
	p.enter()
	p.says("used already")
	require.True(t, p.focused("#code"), "after a refusal the focus is elsewhere")
	p.keys(phone.Code())
	p.tabTo("[name=trust]")
	p.keys(" ")
	p.enter()
	p.at("/")

	p.tabTo(`nav a[href="/2fa/security"]`)
	p.enter()
	p.tabTo(`form[action="/2fa/security/replace"] button`)
	p.enter()
	require.True(t, p.focused("#totpflow_code"), "the form does not begin with the focus")
	p.keys(phone.Code())
	p.enter()
	p.at("/2fa/setup")
}
