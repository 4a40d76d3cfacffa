package web_test

import (
	"bytes"
	"encoding/base64"
	"image/png"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/web"
)

// A session that was left open enrolls nobody's phone: the password comes first.
func TestSetupAsksForThePassword(t *testing.T) {
	s := newSite(t)
	p := s.browser()
	p.password(ana)
	s.clock.Advance(10 * time.Minute) // the sign-in's proof has expired
	proof := p.cookie("proof")
	for _, kept := range []string{proof, "", "x"} { // with its cookie, and without
		p.keep("proof", kept)
		p.Get("/2fa/setup")
		p.is(http.StatusOK, "/2fa/setup", "Set up two-factor authentication")
		require.Contains(t, p.Page.Actions(), "/2fa/setup/password")
	}
	p.is(http.StatusOK, "/2fa/setup", "Set up two-factor authentication")
	require.Empty(t, p.Page.Texts("key"))
	p.Page.Submit("/2fa/setup/password", "password", "wrong")
	p.is(http.StatusUnauthorized, "/2fa/setup/password", "Set up two-factor authentication")
	require.Contains(t, p.Page.Text("error"), "The password is not right.")
	p.Page.Submit("/2fa/setup/password", "password", password)
	p.is(http.StatusOK, "/2fa/setup", "Set up two-factor authentication")
	p.scan()
	p.Page.Submit("/2fa/setup", "code", p.phone.Code())
	p.is(http.StatusOK, "/2fa/setup", "Save your recovery codes")
}

// A page that is opened in the last second after the password, and left open, is of no use
// to anybody 15 minutes after the password: neither its key nor its code.
func TestSetupLeftOpen(t *testing.T) {
	s := newSite(t)
	p := s.browser()
	p.password(ana)
	s.clock.Advance(totpflow.ProofLifetime - time.Second)
	p.Get("/2fa/setup")
	p.scan()
	stranger := p.phone
	s.clock.Advance(enroll.CandidateLifetime - totpflow.ProofLifetime + time.Second)
	p.Page.Submit("/2fa/setup", "code", stranger.Code())
	require.Contains(t, p.Page.Actions(), "/2fa/setup/password")
	p.Get("/2fa/setup")
	require.Empty(t, p.Page.Texts("secret"))
	require.Contains(t, p.Page.Actions(), "/2fa/setup/password")
	st, err := s.service.Account(ana).Status(t.Context())
	require.NoError(t, err)
	require.False(t, st.Enrolled)
}

// The app that the person chose is the authenticator's name; "other" gives it no name.
func TestAppIsTheName(t *testing.T) {
	for _, c := range []struct{ app, name, is string }{
		{"Aegis", "", "Aegis"}, {"other", "", "Authenticator"}, {"", "", "Authenticator"}, {"other", "Tablet", "Tablet"}, {"<b>", "", "Authenticator"}, // no app of the list
	} {
		s := newSite(t)
		p := s.browser()
		p.password(ana)
		p.Get("/2fa/setup")
		require.Contains(t, p.Page.Options("app"), "other")
		p.scan()
		p.Page.Submit("/2fa/setup", "code", p.phone.WrongCode(), "app", c.app, "name", c.name)
		if c.app != "<b>" {
			require.Equal(t, c.app, p.Page.Fields("/2fa/setup").Get("app"), "kept when the form comes back")
		}
		p.Page.Submit("/2fa/setup", "code", p.phone.Code(), "app", c.app)
		p.Page.Submit("/2fa/security/saved")
		p.Get("/2fa/security")
		require.Equal(t, []string{c.is}, p.Page.Texts("name"))
	}
}

// A person whose set-up was open for too long is told so on the page that asks for the
// password.
func TestSetupWasOpenForTooLong(t *testing.T) {
	s := newSite(t)
	p := s.browser()
	p.password(ana)
	p.Get("/2fa/setup")
	p.scan()
	s.clock.Advance(20 * time.Minute)
	p.Page.Submit("/2fa/setup", "code", p.phone.Code())
	require.Contains(t, p.Page.Actions(), "/2fa/setup/password")
	require.Contains(t, p.Page.Text("error"), "The set-up was open for too long.")
	p.Get("/2fa/setup")
	require.Empty(t, p.Page.Text("error"))
}

// Where no enrollment was under way, none has expired: the advice to remove the entry of the
// first try could cost an entry that works.
func TestSetupWithoutCookiesHasNotExpired(t *testing.T) {
	s := newSite(t)
	p := s.browser()
	p.password(ana)
	p.Get("/2fa/setup")
	p.scan()
	p.keep("setup", "")
	p.keep("proof", "")
	p.Page.Submit("/2fa/setup", "code", p.phone.Code())
	require.Contains(t, p.Page.Actions(), "/2fa/setup/password")
	require.Empty(t, p.Page.Text("error"))
}

func TestSetupPage(t *testing.T) {
	s := newSite(t)
	p := s.browser()
	p.password(ana)
	p.Get("/2fa/setup")
	p.picture()
	require.Contains(t, p.Page.Text("main"), "From now on you sign in with your password and a code")
	secret := p.Page.Text("secret")
	p.Get("/2fa/setup")
	require.Equal(t, secret, p.Page.Text("secret"), "the same offer when the page is opened again")
	p.scan()
	p.Page.Submit("/2fa/setup", "code", p.phone.WrongCode())
	p.is(http.StatusForbidden, "/2fa/setup", "Set up two-factor authentication")
	require.Equal(t, secret, p.Page.Text("secret"))
	p.Page.Submit("/2fa/setup", "code", p.phone.Code())
	p.is(http.StatusOK, "/2fa/setup", "Save your recovery codes")
	require.NotContains(t, p.Page.HTML, "JavaScript")
}

// In one browser an enrollment belongs to the person whose password was right last, even
// if the host forgets to end the session before.
func TestSharedBrowser(t *testing.T) {
	s := newSite(t)
	p := s.browser()
	p.password(ana) // optional: signed in, and has begun to set up
	p.Get("/2fa/setup")
	p.scan()
	left := p.phone
	anas := p.Page.Text("secret")

	s.policy.set(policy.Policy{Mode: policy.Required})
	p.password(ben)
	p.is(http.StatusOK, "/2fa/setup", "Set up two-factor authentication")
	require.Equal(t, "Account: ben@acme.example", p.Page.Texts("account")[0])
	require.NotEqual(t, anas, p.Page.Text("secret"))
	p.Page.Submit("/2fa/setup", "code", left.Code())
	p.is(http.StatusForbidden, "/2fa/setup", "Set up two-factor authentication")
	p.scan()
	p.Page.Submit("/2fa/setup", "code", p.phone.Code())
	p.Page.Submit("/2fa/security/saved")
	p.is(http.StatusOK, "/", "Home of ben@acme.example")
	st, err := s.service.Account(ana).Status(t.Context())
	require.NoError(t, err)
	require.False(t, st.Enrolled)
}

// picture requires that the page's QR code is shown at its own size: whole pixels for
// each module, and a light border of four modules.
func (p *person) picture() {
	t := p.s.t
	t.Helper()
	file, ok := strings.CutPrefix(p.Page.Attribute("qr", "src"), "data:image/png;base64,")
	require.True(t, ok)
	raw, err := base64.StdEncoding.DecodeString(file)
	require.NoError(t, err)
	img, err := png.Decode(bytes.NewReader(raw))
	require.NoError(t, err)
	size := img.Bounds().Dx()
	require.Equal(t, strconv.Itoa(size), p.Page.Attribute("qr", "width"))
	require.Equal(t, strconv.Itoa(size), p.Page.Attribute("qr", "height"))
	require.NotEmpty(t, p.Page.Attribute("qr", "alt"))
	const scale, quiet = 6, 4
	require.Zero(t, size%scale)
	light := func(x, y int) bool { r, _, _, _ := img.At(x, y).RGBA(); return r > 0 }
	for i := range size {
		for d := range quiet * scale {
			require.True(t, light(i, d) && light(i, size-1-d) && light(d, i) && light(size-1-d, i), "the quiet zone")
		}
	}
	require.False(t, light(quiet*scale, quiet*scale), "the finder begins there")
}

// The sheet has everything that sets up a later device: account, address, date, key and
// QR code; the key is copied and saved without spaces.
func TestSheet(t *testing.T) {
	s := newSite(t, func(c *web.Config) { c.Domain = "backup.example" })
	s.host.Add(totpflow.User{ID: ana.ID, Name: "a.very.long.name.of.a.person@a.long.domain.of.some.customer.example"}, password)
	p := s.browser()
	p.password(totpflow.User{Name: "a.very.long.name.of.a.person@a.long.domain.of.some.customer.example"})
	p.Get("/2fa/setup")
	p.picture()
	p.scan()
	key := strings.ReplaceAll(p.Page.Text("secret"), " ", "")
	p.Page.Submit("/2fa/setup", "code", p.phone.Code())
	p.is(http.StatusOK, "/2fa/setup", "Save your recovery codes")
	p.picture()
	require.Contains(t, p.Page.Text("main"), "Account a.very.long.name.of.a.person@a.long.domain.of.some.customer.example Sign in at backup.example/signin Made 2 March 2026")
	require.NotContains(t, strings.ReplaceAll(p.Page.HTML, "<span>", ""), key[:4]+" "+key[4:8], "what is copied has no spaces")
	require.Contains(t, p.Page.HTML, "<span>"+key[:4]+"</span><wbr><span>"+key[4:8]+"</span>")
	var saved string
	for _, link := range p.Page.Links() {
		if text, ok := strings.CutPrefix(link, "data:text/plain;charset=utf-8,"); ok {
			var err error
			saved, err = url.PathUnescape(text)
			require.NoError(t, err)
		}
	}
	require.Contains(t, saved, "Sign in at: backup.example/signin\n")
	require.Contains(t, saved, key+"\n")
	later, err := totptest.TypeSecret(key, s.clock)
	require.NoError(t, err)
	require.Equal(t, p.phone.Peek(), later.Peek())
	for _, code := range p.Page.Texts("recovery-code") {
		require.Contains(t, saved, code)
	}
}

// The page promises recovery codes where the next page has them, also before there is a
// session; and a person who was reset is told what to do later.
func TestSetupPromisesCodes(t *testing.T) {
	const promise = "Next you get your recovery codes."
	for methods, codes := range map[policy.Methods]bool{0: true, policy.App: false} {
		s := newSite(t)
		s.policy.set(policy.Policy{Mode: policy.Required, Methods: methods})
		for _, reset := range []bool{false, true} {
			if reset {
				_, err := admin.New(s.service, nil).Reset(t.Context(), operator, ana.ID, admin.ScopeAll)
				require.NoError(t, err)
			}
			p := s.browser()
			p.password(ana)
			p.is(http.StatusOK, "/2fa/setup", "Set up two-factor authentication")
			require.Equal(t, codes, strings.Contains(p.Page.Text("main"), promise))
			require.Equal(t, reset, strings.Contains(p.Page.Text("main"), "You can begin again later with your password."))
			require.Equal(t, !reset, strings.Contains(p.Page.Text("main"), "Ask your administrator for more time"))
			p.scan()
			p.Page.Submit("/2fa/setup", "code", p.phone.Code())
			require.Equal(t, codes, len(p.Page.Texts("recovery-code")) > 0)
			require.Contains(t, p.Page.Text("main"), "You are signed out everywhere else.")
		}
	}
}

// After a sign-in by a recovery code, an authenticator that is added needs no explanation of
// how the old one is replaced.
func TestAddAfterARecoveryCode(t *testing.T) {
	s := newSite(t)
	p, codes := s.user(ana)
	p.password(ana)
	p.Get("/2fa/recovery")
	p.Page.Submit("/2fa/recovery", "recovery_code", codes[0])
	require.Contains(t, p.Page.Text("main"), "You are signed in with a recovery code")
	p.Get("/2fa/security")
	p.Page.Submit("/2fa/security/add")
	p.Page.Submit("/2fa/security/add", "totpflow_code", p.phone.Code())
	p.is(http.StatusOK, "/2fa/setup", "Set up two-factor authentication")
	require.Contains(t, p.Page.Text("main"), "Your new authenticator is added")
	require.NotContains(t, p.Page.Text("main"), "recovery code")
	p.scan()
	p.Page.Submit("/2fa/setup", "code", p.phone.Code())
	require.NotContains(t, p.Page.Text("main"), "signed out", "an addition ends no session")
}

// After an authenticator was added, the sheet says that the recovery codes stay only to a
// person who has some.
func TestAddWithAndWithoutCodes(t *testing.T) {
	for _, codes := range []bool{true, false} {
		s := newSite(t)
		if !codes {
			s.policy.set(policy.Policy{Mode: policy.Optional, Methods: policy.App})
		}
		p := s.browser()
		p.password(ana)
		p.Get("/2fa/setup")
		p.scan()
		p.Page.Submit("/2fa/setup", "code", p.phone.Code())
		require.Equal(t, codes, len(p.Page.Texts("recovery-code")) > 0)
		p.Get("/2fa/security")
		p.Page.Submit("/2fa/security/add")
		p.Page.Submit("/2fa/security/add", "totpflow_code", p.phone.Code())
		p.scan()
		p.Page.Submit("/2fa/setup", "code", p.phone.Code())
		p.is(http.StatusOK, "/2fa/setup", "Save your set-up key")
		require.Equal(t, codes, strings.Contains(p.Page.Text("main"), "Your recovery codes stay as they are."))
		require.Equal(t, !codes, strings.Contains(p.Page.Text("main"), "Use it to set up a new phone when this one is lost"))
	}
}

// An authenticator without a name is called by a word of the page's language.
func TestUnnamedInTheLanguage(t *testing.T) {
	s := newSite(t)
	p := s.browser()
	p.Header.Set("Accept-Language", "es")
	p.password(ana)
	p.Get("/2fa/setup")
	p.scan()
	first := p.phone
	p.Page.Submit("/2fa/setup", "code", first.Code())
	p.Get("/2fa/security")
	require.Equal(t, []string{"Autenticador"}, p.Page.Texts("name"))
	p.Page.Submit("/2fa/security/add")
	p.Page.Submit("/2fa/security/add", "totpflow_code", first.Code())
	p.scan()
	p.Page.Submit("/2fa/setup", "code", p.phone.Code())
	p.Get("/2fa/security")
	require.Equal(t, []string{"Autenticador", "Autenticador 2"}, p.Page.Texts("name"))
	p.Page.Submit("/2fa/security/rename/*", "name", " ")
	require.Equal(t, []string{"Autenticador", "Autenticador 2"}, p.Page.Texts("name"))
}
