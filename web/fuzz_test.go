package web_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/web"
	"github.com/totpflow/totpflow/web/memhost"
)

// A target is a site to which somebody who knows Ana's password, and has one of her
// sessions, sends what they like. They do not have her phone.
type target struct {
	sync.Mutex
	*site
	handler http.Handler
	bearer  string
}

// sitePerProcess is made once: an execution takes a fraction of a millisecond, and making
// a site ten.
func sitePerProcess(f *testing.F) *target {
	x := &target{site: newSite(f, func(c *web.Config) { c.Token = c.Host.(*memhost.Host).Token })}
	x.handler = x.product()
	d, err := x.service.SignIn(f.Context(), ana)
	require.NoError(f, err)
	page, err := x.service.BeginEnrollment(f.Context(), d.Proof)
	require.NoError(f, err)
	phone, err := totptest.ScanURI(page.Offer.URI(), x.clock)
	require.NoError(f, err)
	_, err = x.service.ConfirmEnrollment(f.Context(), page.Token, phone.Code())
	require.NoError(f, err)
	x.clock.Advance(30e9) // past the step that the confirmation used
	d, err = x.service.SignIn(f.Context(), ana)
	require.NoError(f, err)
	d, err = x.service.VerifyCode(f.Context(), d.Challenge, phone.Code())
	require.NoError(f, err)
	x.bearer, _, err = x.host.Token(f.Context(), d)
	require.NoError(f, err)
	return x
}

// send answers a request in which CHALLENGE is replaced by one that the right password
// has just brought, and BEARER by the session.
func (x *target) send(t *testing.T, r *http.Request) *httptest.ResponseRecorder {
	x.logged.Reset()
	x.events, x.answers = nil, nil // otherwise they grow with each execution
	w := httptest.NewRecorder()
	x.handler.ServeHTTP(w, r)
	require.Less(t, w.Code, http.StatusInternalServerError, "%s", w.Body)
	require.NotContains(t, x.logged.String(), "level=ERROR")

	st, err := x.service.Account(ana).Status(t.Context())
	require.NoError(t, err)
	require.Len(t, st.Authenticators, 1)
	require.Empty(t, st.Phones)
	require.Empty(t, st.Browsers)
	return w
}

func (x *target) challenge(t *testing.T) string {
	d, err := x.service.SignIn(t.Context(), ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, d.Step)
	return string(d.Challenge)
}

// Whatever a program sends without a code of the phone, it gets JSON with one of the
// documented words, no session and no secret, and Ana keeps her factors.
func FuzzAPI(f *testing.F) {
	calls := []string{"code", "replace", "phone-code", "setup", "setup/confirm", "account", "reauthenticate", "recovery-codes", "recovery-codes/saved", "elsewhere"}
	for i, body := range []string{
		`{"challenge":"CHALLENGE","code":"１２３ ４５６"}`, `{"challenge":"CHALLENGE"}`, `{"challenge":"CHALLENGE","phone":"x","via":"sms"}`,
		`{"challenge":"CHALLENGE","replaces":["x"],"password":"x"}`, `{"enrollment":"CHALLENGE","code":"000000"}`, `null`,
		`{"action":"delete backup","target":"\u0000","codes":["000000","000001"]}`, `{}`, `{}`, `[`,
	} {
		f.Add(uint8(i), "application/json", body, "BEARER", "CHALLENGE")
		f.Add(uint8(i), "application/json; charset=utf-8", strings.Replace(body, `"code"`, `"recovery_code"`, 1), "", "")
	}
	f.Add(uint8(0), "text/plain", `{"challenge":"CHALLENGE","codes":["1","2"],"Code":"3"}{}`, "x", "x")
	f.Add(uint8(0), "application/json", `{"challenge":"CHALLENGE","issued_code":"ABCD-EFGH"}`, "", "")
	f.Add(uint8(0), "application/json", `{"challenge":"CHALLENGE","phone_code":"٠١٢٣٤٥"}`, "", "")
	x := sitePerProcess(f)
	f.Fuzz(func(t *testing.T, call uint8, kind, body, bearer, proof string) {
		x.Lock()
		defer x.Unlock()
		challenge, path := x.challenge(t), calls[int(call)%len(calls)]
		method := http.MethodPost
		if path == "account" {
			method = http.MethodGet
		}
		r := httptest.NewRequest(method, "/2fa/api/"+path, strings.NewReader(strings.ReplaceAll(body, "CHALLENGE", challenge)))
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Authorization", "Bearer "+strings.ReplaceAll(bearer, "BEARER", x.bearer))
		r.Header.Set(web.ProofHeader, strings.ReplaceAll(proof, "CHALLENGE", challenge))
		w := x.send(t, r)

		if w.Code == http.StatusNoContent { // recovery codes that were saved
			require.Empty(t, w.Body.String())
			return
		}
		var answer map[string]any
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer), "%s", w.Body)
		for _, secret := range []string{"session", "proof", "secret", "uri", "recovery_codes"} {
			require.NotContains(t, answer, secret)
		}
		if w.Code != http.StatusOK {
			require.NotEqual(t, "failed", answer["error"], "an error that nobody has thought of")
			require.NotEmpty(t, answer["error"])
		}
	})
}

// Whatever a browser sends without a code of the phone, to whatever page, no session
// begins, nothing leads outside of the site, and Ana keeps her factors.
func FuzzPages(f *testing.F) {
	for _, page := range []string{
		"code", "recovery", "issued", "phone-code", "phone-code/send", "replace", "setup", "setup/password", "setup/which", "phone", "phone/send", "phone/confirm", "not-me", "language",
		"security", "security/add", "security/replace", "security/rename/x", "security/remove/x", "security/remove-phone/x", "security/disable", "security/recovery-codes",
		"security/saved", "security/revoke/x", "security/revoke-all", "security/other",
	} {
		f.Add(true, page, "code=123456&back=//evil.example/&language=de&name=x&number=%2B436641234567&id=x&password=x", "__Host-totpflow-challenge=CHALLENGE; __Host-session=BEARER")
		f.Add(false, page, "token=CHALLENGE", "__Host-totpflow-challenge=CHALLENGE; __Host-totpflow-enrollment=CHALLENGE")
	}
	f.Add(true, "code", "code=%zz;%00&code=1&code=2&pair=1", "__Host-totpflow-challenge=\"CHALLENGE\"")
	x := sitePerProcess(f)
	f.Fuzz(func(t *testing.T, post bool, page, form, cookies string) {
		x.Lock()
		defer x.Unlock()
		challenge := x.challenge(t)
		form = strings.ReplaceAll(form, "CHALLENGE", challenge)
		if !post {
			page += "?" + form
		}
		address, err := url.ParseRequestURI("/2fa/" + page) // as net/http parses it, before any handler
		if err != nil || strings.HasPrefix(address.Path, "/2fa/signout") || strings.HasPrefix(address.Path, "/2fa/security/end-sessions") {
			return // the session must last
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if post {
			r = httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		r.URL = address
		r.Header.Set("Cookie", strings.NewReplacer("CHALLENGE", challenge, "BEARER", x.bearer).Replace(cookies))
		w := x.send(t, r)

		for _, c := range w.Result().Cookies() {
			require.False(t, c.Name == "__Host-session" && c.MaxAge >= 0, "a session")
		}
		if to := w.Header().Get("Location"); to != "" {
			require.Regexp(t, `^/([^/\\]|$)`, to, "browsers read // and /\\ as the beginning of another site's address")
		}
		require.NotContains(t, w.Body.String(), "otpauth:")
	})
}

// Whatever languages a browser asks for, the pages are in one of theirs; if the header
// names a single one of them, it is that.
func FuzzAcceptLanguage(f *testing.F) {
	for _, header := range []string{
		"de", "es-AR, en;q=0.5", "*", "", ";q=", "en-GB-oxendict-x-y", "zh-Hant,tlh;q=0.1", "de;q=0", "DE_at",
		strings.Repeat("x-", 500), strings.Repeat("de,", 500), "\xff\x00", "i-klingon, art-lojban", "de;q=1e9, es;q=NaN",
	} {
		f.Add(header)
	}
	pages := newSite(f).pages
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Language", header)
		got := pages.LanguageOf(r).Tag()
		require.Contains(t, []string{"en", "de", "es"}, got)
		if slices.Contains([]string{"en", "de", "es"}, header) {
			require.Equal(t, header, got)
		}
		require.Equal(t, got, pages.LanguageOf(r).Tag(), "the same for the same header")
	})
}

// The body of a call is one JSON object of known fields, or it is refused.
func FuzzReadJSON(f *testing.F) {
	f.Add("application/json", `{"device":"x"}`)
	f.Add("application/json; charset=utf-8", `{"device":"x"}`)
	f.Add("application/json", `{"Device":"1","device":"2"}`)
	f.Add("application/json", `{"device":"x"}{}`)
	f.Add("text/plain", `{"device":"x"}`)
	f.Add("application/json", `null`)
	f.Fuzz(func(t *testing.T, kind, body string) {
		r := httptest.NewRequest(http.MethodPost, "/api/lock", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		in, err := web.ReadJSON[struct {
			Device string `json:"device"`
		}](r)
		if err != nil {
			require.Empty(t, in.Device, "nothing of a body that was refused")
			return
		}
		require.True(t, strings.HasPrefix(strings.ToLower(strings.TrimSpace(kind)), "application/json"))
		require.LessOrEqual(t, len(in.Device), 3*len(body))
	})
}
