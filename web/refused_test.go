package web_test

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/policy"
)

// secret are the fields that come back empty: passwords, and codes that are spent or
// wrong by the time that the page is read. A recovery code comes back, so that people can
// find their slip in it.
var secret = []string{"code", "code2", "phone_code", "password", "totpflow_code", "totpflow_code2"}

// wrong stands for a code or a password that is not right.
const wrong = "wrong"

// Every form that is refused comes back with everything that was typed. The table has
// every form that asks for a code or a password; the last line checks that it has all of
// them.
func TestRefusedFormsKeepEveryField(t *testing.T) {
	seen := map[string]bool{}
	for _, test := range []struct {
		form  string
		open  func(*site, *person) // leads to the page with the form
		typed []string
	}{
		{"/2fa/code", func(_ *site, p *person) { p.password(ana) }, []string{"code", wrong, "trust", "yes"}},
		{"/2fa/recovery", func(_ *site, p *person) { p.password(ana); p.Get("/2fa/recovery") }, []string{"recovery_code", "AAAA-BBBB-CCCC-DDDD"}},
		{"/2fa/issued", func(s *site, p *person) {
			s.reset(ana)
			p.password(ana)
		}, []string{"issued_code", "AAAA-BBBB-CCCC-DDDD"}},
		{"/2fa/phone-code", func(s *site, p *person) {
			p.addPhones("+43 660 1234567", "+43 660 7654321")
			s.clock.Advance(time.Minute)
			p.password(ana)
			p.Get("/2fa/phone-code")
			phones := p.Page.Options("phone")
			p.Page.Submit("/2fa/phone-code/send", "phone", phones[1], "via", "voice")
		}, []string{"phone_code", wrong}},
		{"/2fa/phone-code/send", func(s *site, p *person) {
			p.addPhones("+43 660 1234567", "+43 660 7654321")
			p.password(ana)
			p.Get("/2fa/phone-code")
			phones := p.Page.Options("phone")
			p.Page.Submit("/2fa/phone-code/send", "phone", phones[1], "via", "sms") // the next one is locked for a while
		}, nil},
		{"/2fa/setup", func(s *site, p *person) {
			p.password(ana)
			p.Page.Submit("/2fa/code", "code", p.phone.Code())
			p.Get("/2fa/security").Submit("/2fa/security/add")
			p.Page.Submit("/2fa/security/add", "totpflow_code", p.phone.Code())
			p.scan()
		}, []string{"code", wrong, "name", "Tablet <2>"}},
		{"/2fa/setup/password", func(s *site, p *person) {
			p.password(ben)
			s.clock.Advance(time.Hour)
			p.Get("/2fa/phone")
		}, []string{"password", wrong}},
		{"/2fa/phone", func(s *site, p *person) {
			p.password(ben)
			p.Get("/2fa/phone")
		}, []string{"number", "0660 1234567", "via", "voice"}},
		{"/2fa/phone/confirm", func(s *site, p *person) {
			p.password(ben)
			p.Get("/2fa/phone").Submit("/2fa/phone", "number", "+43 660 1234567", "via", "sms")
		}, []string{"phone_code", wrong}},
		{"/2fa/phone/send", func(s *site, p *person) {
			p.password(ben)
			p.Get("/2fa/phone").Submit("/2fa/phone", "number", "+43 660 1234567", "via", "sms")
		}, []string{"via", "voice"}},
		{"/backups/42/delete", func(s *site, p *person) {
			p.password(ana)
			p.Page.Submit("/2fa/code", "code", p.phone.Code())
			p.Get("/backups/42").Submit("/backups/42/delete", "note", `"<&>`, "copy", "7")
		}, []string{"totpflow_code", wrong}},
	} {
		t.Run(test.form, func(t *testing.T) {
			s := newSite(t)
			s.policy.set(policy.Policy{Mode: policy.Optional, Methods: methods})
			p, _ := s.user(ana)
			test.open(s, p)
			require.Equal(t, 0, len(test.typed)%2)
			want := p.Page.Fields(test.form)
			for i := 0; i < len(test.typed); i += 2 {
				if test.typed[i+1] == wrong {
					test.typed[i+1] = s.wrong(p, test.typed[i])
				}
				want.Set(test.typed[i], test.typed[i+1])
			}
			p.Page.Submit(test.form, test.typed...)
			require.GreaterOrEqual(t, p.Page.Status, 400, p.Page.Text("main"))
			require.NotEmpty(t, p.Page.Text("error"))
			require.Equal(t, plain(want), plain(p.Page.Fields(test.form)))
		})
		seen[test.form] = true
	}
	for _, form := range []string{"code", "recovery", "issued", "phone-code", "phone-code/send", "setup", "setup/password", "phone", "phone/confirm", "phone/send"} {
		require.True(t, seen["/2fa/"+form], form)
	}
}

// wrong returns what is not right in this field.
func (s *site) wrong(p *person, field string) string {
	switch field {
	case "code", "totpflow_code":
		return p.phone.WrongCode()
	case "phone_code":
		return s.wrongCode()
	}
	return wrong
}

// plain returns a form without secrets, and without the button that was pressed.
func plain(form url.Values) url.Values {
	button := !form.Has("phone_code") // via is a button, except beside the code that was sent that way
	form = maps.Clone(form)
	maps.DeleteFunc(form, func(name string, _ []string) bool {
		return slices.Contains(secret, name) || name == "via" && button
	})
	return form
}

// addPhones adds numbers in a browser of its own.
func (p *person) addPhones(numbers ...string) {
	p.s.t.Helper()
	b := p.s.browser()
	b.phone = p.phone
	b.password(ana)
	b.Page.Submit("/2fa/code", "code", p.phone.Code())
	for _, number := range numbers {
		p.s.clock.Advance(time.Minute)
		b.Get("/2fa/phone?other=yes").Submit("/2fa/phone", "number", number, "via", "sms")
		b.Page.Submit("/2fa/phone", "totpflow_code", p.phone.Code())
		b.Page.Submit("/2fa/phone/confirm", "phone_code", p.s.code())
		require.Equal(p.s.t, "/2fa/security", b.Page.Path)
	}
}

// reset is an administrator's reset, after which the password is not enough for the
// enrollment.
func (s *site) reset(u totpflow.User) {
	s.t.Helper()
	s.policy.set(policy.Policy{Mode: policy.Optional, Methods: methods, IssuedCode: true})
	_, err := admin.New(s.service, nil).Reset(s.t.Context(), operator, u.ID, admin.ScopeAll)
	require.NoError(s.t, err)
}

var operator = admin.Operator{Name: "root", Reason: "test"}

// issue returns a recovery code that an administrator sends.
func (s *site) issue(u totpflow.User) (code string) {
	s.t.Helper()
	require.NoError(s.t, admin.New(s.service, nil).IssueRecoveryCode(s.t.Context(), operator, u.ID, func(_ context.Context, i admin.IssuedCode) error {
		code = i.Code
		return nil
	}))
	return code
}
