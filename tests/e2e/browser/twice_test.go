package browser_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/totptest"
)

// A slow product is one of module web behind a proxy that delays the answers to the form
// of an enrollment.
type slow struct {
	base    string
	clock   *totptest.Clock
	posts   atomic.Int32  // of the form
	release chan struct{} // closed when the answers may go out
}

// newSlow serves a product that requires a second factor.
func newSlow(t *testing.T) *slow {
	t.Helper()
	o := newProduct(t, mandatory)
	x := &slow{clock: o.clock, release: make(chan struct{})}
	behind, err := url.Parse(o.base)
	require.NoError(t, err)
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(behind)
			r.Out.Host = r.In.Host
			// The product finishes, although the browser has gone on to the second click.
			r.Out = r.Out.WithContext(t.Context())
		},
		ModifyResponse: func(a *http.Response) error {
			if a.Request.Method == http.MethodPost && a.Request.URL.Path == "/2fa/setup" {
				x.posts.Add(1)
				<-x.release
			}
			return nil
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) {}, // from a browser that has gone on
	})
	t.Cleanup(proxy.Close)
	x.base = proxy.URL
	return x
}

// clickTwice clicks a button twice, 300 ms apart, before there is an answer.
func (p *tab) clickTwice(selector string, x *slow) {
	p.t.Helper()
	at := run(p, chromedp.Evaluate[[]float64]("(e => { e.scrollIntoView({block: `center`}); const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2] })(document.querySelector(`"+selector+"`))"))
	click := chromedp.MouseClickXY(at[0], at[1])
	p.follow(func(ctx context.Context, target *chromedp.Target) (v chromedp.Void, err error) {
		time.AfterFunc(time.Second, func() { close(x.release) }) // whatever the browser waits for
		if v, err = click(ctx, target); err != nil {
			return v, err
		}
		time.Sleep(300 * time.Millisecond) // a double click is made of real time
		return click(ctx, target)
	})
}

// The button that confirms an enrollment is clicked twice. With the script the second
// click sends nothing, and the recovery codes are shown. Without it the answer to the
// first click is lost: the person still gets in by the app, and makes new codes.
func TestConfirmTwiceThroughASlowProxy(t *testing.T) {
	for _, scripts := range []bool{true, false} {
		t.Run(fmt.Sprintf("scripts %t", scripts), func(t *testing.T) {
			x := newSlow(t)
			p := newTab(t, x.base, desktopSize)
			p.scriptless = !scripts
			_, err := chromedp.Call(p.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts})
			require.NoError(t, err)
			p.password()
			p.at("/2fa/setup")
			phone, err := totptest.TypeSecret(p.text("#secret"), x.clock)
			require.NoError(t, err)
			p.fill("#code", phone.Code())
			p.clickTwice(`form[action="/2fa/setup"] button`, x)
			if scripts {
				require.Equal(t, int32(1), x.posts.Load())
				require.Len(t, p.texts(".recovery-code"), 10)
				return
			}
			require.Equal(t, int32(2), x.posts.Load())
			require.Zero(t, p.count(".recovery-code"), "nothing is answered twice")
			p.says("it was already completed")
			p.click(`main a[href="/signin"]`)
			p.password()
			p.at("/2fa/code")
			p.code(phone.Code())
			p.open("/2fa/security")
			p.says("You have not confirmed that these codes are saved.")
			p.reauthenticate("/2fa/security/recovery-codes", phone.Code())
			require.Len(t, p.texts(".recovery-code"), 10)
		})
	}
}
