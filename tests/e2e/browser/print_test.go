package browser_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/totptest/qrscan"
)

// The sheet is for a drawer: the PDF that the browser prints says whose it is, what it
// opens and since when, contains every recovery code and the key, and a phone reads its
// QR code.
func TestPrintedSheet(t *testing.T) {
	s := phoneSize
	o := newProduct(t, mandatory)
	p := o.browser(s)
	p.password()
	phone := p.scan(o.clock, "setup")
	p.confirm(phone.Code())
	p.says("Save your recovery codes")
	codes, key := p.texts(".recovery-code"), p.text("#secret")
	require.Len(t, codes, 10)

	printed, err := chromedp.Call(p.ctx, page.PrintToPDF, page.PrintToPDFParams{})
	require.NoError(t, err)
	pdf := filepath.Join(t.TempDir(), "sheet.pdf")
	require.NoError(t, os.WriteFile(pdf, printed.Data, 0o600))
	text, err := exec.CommandContext(p.ctx, program(t, "pdftotext", "poppler-utils"), "-layout", pdf, "-").Output()
	require.NoError(t, err)
	for _, want := range append([]string{app.Issuer, ana.Email, strings.TrimPrefix(o.base, "http://") + "/signin", "2 January 2026"}, codes...) {
		require.Contains(t, string(text), want)
	}
	require.Contains(t, strings.Join(strings.Fields(string(text)), ""), key, "the key, which is in groups to type it")
	for _, screen := range []string{"Print", "Copy", "Save as", "Sign out"} {
		require.NotContains(t, string(text), screen, "no button works on paper")
	}
	require.Equal(t, 1, bytes.Count(text, []byte("\f")), "one page")

	drawn := filepath.Join(t.TempDir(), "sheet")
	require.NoError(t, exec.CommandContext(p.ctx, program(t, "pdftoppm", "poppler-utils"), "-png", "-r", "150", "-singlefile", pdf, drawn).Run())
	png, err := os.ReadFile(drawn + ".png")
	require.NoError(t, err)
	uri, err := qrscan.Decode(png)
	require.NoError(t, err)
	again, err := totptest.ScanURI(uri, o.clock)
	require.NoError(t, err)
	require.Equal(t, phone.Peek(), again.Peek())
}

// Back and reload do not ask whether to send a form again, and send none: a page that
// answers a form has the address of the page with the form.
func TestBackAfterAForm(t *testing.T) {
	o := newProduct(t, mandatory)
	p := o.browser(desktopSize)
	phone, _ := o.setUp(p)
	p.signOut()
	o.clock.Advance(30 * time.Second)
	p.password()
	p.code(phone.WrongCode())
	p.says("Not accepted")
	p.follow(chromedp.Reload())
	p.at("/2fa/code")
	require.NotContains(t, p.text("main"), "Not accepted", "nothing was sent again")
	p.code(phone.WrongCode())
	p.says("Not accepted")
	p.code(phone.Code())
	p.at("/")
	p.follow(chromedp.NavigateBack())
	require.NotEmpty(t, p.text("main h1"), "a page, and not the browser's question whether to send a form again")
	require.NotContains(t, p.text("main"), "Not accepted")

	p.open("/2fa/security")
	p.click(`form[action="/2fa/security/recovery-codes"] button`)
	p.stepUp(phone.WrongCode())
	p.says("Not accepted")
	p.open("/")
	p.follow(chromedp.NavigateBack())
	p.at("/2fa/security")
	require.Equal(t, "On", p.text("#state"))
}

// evenModules asserts that each module of the QR code has the same whole number of the
// screen's pixels: otherwise some are wider than others, and a poor camera fails.
func (p *tab) evenModules() {
	p.t.Helper()
	require.Equal(p.t, "", run(p, chromedp.Evaluate[string](`(() => {
		const scale = 6, qr = document.querySelector("#qr"), modules = qr.naturalWidth / scale;
		const width = qr.getBoundingClientRect().width - (qr.offsetWidth - qr.clientWidth); // without a border
		const each = width * devicePixelRatio / modules;
		return each >= 3 && Number.isInteger(each) ? "" : width + " CSS pixels for " + modules + " modules";
	})()`)))
}
