package app_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/internal/spellings"

	"github.com/totpflow/totpflow/totptest"
)

func TestAPISignInWithPasswordAlone(t *testing.T) {
	p := newSite(t).program()
	a := p.keeps(p.password(ana))
	require.Equal(t, "passed", a.get("step"))
	require.Equal(t, "not enrolled", a.get("by"))
	require.Equal(t, "2026-03-02T21:30:10Z", a.get("expires"))
	require.Regexp(t, `^[0-9a-f]{64}$`, p.session, "256 bits")
	me := p.call(http.MethodGet, "/api/account", nil).is(http.StatusOK)
	require.Equal(t, fields{
		"email": "ana@acme.example", "name": "Ana Soler", "organisation": "Acme Backup GmbH", "role": "user",
		"second_factor": "disabled", "authenticators": []any{}, "recovery_codes_left": 0.0,
	}, me.fields)
}

func TestAPIWrongPasswordAndUnknownUserReadTheSame(t *testing.T) {
	p := newSite(t).program()
	wrong := p.post("/api/signin", fields{"email": ana.Email, "password": "nope"}).fails(http.StatusUnauthorized, "wrong_password")
	unknown := p.post("/api/signin", fields{"email": "bob@acme.example", "password": "nope"}).fails(http.StatusUnauthorized, "wrong_password")
	require.Equal(t, wrong.text, unknown.text)
	require.Equal(t, "Bearer", wrong.header.Get("WWW-Authenticate"))
	p.post("/api/signin", fields{}).fails(http.StatusUnauthorized, "wrong_password")
}

// After the right password an error says what is next, and lets nobody in.
func TestAPICodeRequired(t *testing.T) {
	s := newSite(t)
	phone, _ := s.browser().enroll(ana)
	p := s.program()
	asked := p.password(ana).fails(http.StatusForbidden, "code_required")
	require.Equal(t, "code", asked.get("step"))
	require.Equal(t, []string{"code", "recovery-code"}, asked.texts("methods"))
	require.NotContains(t, asked.fields, "session")
	p.session = asked.get("challenge") // which is not a session
	p.call(http.MethodGet, "/api/backups", nil).fails(http.StatusUnauthorized, "signed_out")

	challenge := asked.get("challenge")
	p.post("/api/code", fields{"challenge": challenge, "code": "hello"}).fails(http.StatusForbidden, "malformed_code")
	p.post("/api/code", fields{"challenge": challenge, "recovery_code": "hello"}).fails(http.StatusForbidden, "malformed_code")
	p.post("/api/code", fields{"challenge": challenge, "code": phone.WrongCode()}).fails(http.StatusForbidden, "wrong_code")
	p.post("/api/code", fields{"challenge": "x", "code": phone.Peek()}).fails(http.StatusUnauthorized, "challenge_over")
	code := phone.Code()
	in := p.keeps(p.post("/api/code", fields{"challenge": challenge, "code": code}))
	require.Equal(t, "code", in.get("by"))
	require.NotContains(t, in.fields, "proof", "a code begins no set-up")
	require.Len(t, p.backups(), 2)

	p.post("/api/code", fields{"challenge": challenge, "code": phone.Code()}).fails(http.StatusUnauthorized, "challenge_over")
	p.post("/api/code", fields{"challenge": p.challenge(ana), "code": code}).fails(http.StatusForbidden, "used_code")
	s.clock.Advance(11 * time.Minute)
	p.post("/api/code", fields{"challenge": asked.get("challenge"), "code": phone.Code()}).fails(http.StatusUnauthorized, "challenge_over")
}

// One way of answering at a time, and whole.
func TestAPICodeAsksForOneAnswer(t *testing.T) {
	s := newSite(t)
	phone, codes := s.browser().enroll(ana)
	p := s.program()
	challenge := p.challenge(ana)
	for _, more := range []fields{
		{},
		{"code": phone.Code(), "recovery_code": codes[0]},
		{"codes": []string{phone.Code()}},
		{"codes": []string{"1", "2", "3"}},
		{"codes": []string{}},
		{"code": phone.Code(), "codes": []string{"1", "2"}},
	} {
		more["challenge"] = challenge
		p.post("/api/code", more).fails(http.StatusBadRequest, "malformed")
	}
	p.post("/api/code", fields{"challenge": challenge, "code": phone.Code()}).is(http.StatusOK)
}

func TestAPIWaitsAndTakesTwoCodes(t *testing.T) {
	s := newSite(t)
	phone, _ := s.browser().enroll(ana)
	p := s.program()
	challenge := p.challenge(ana)
	for range 5 {
		p.post("/api/code", fields{"challenge": challenge, "code": phone.WrongCode()}).fails(http.StatusForbidden, "wrong_code")
	}
	wait := p.post("/api/code", fields{"challenge": challenge, "code": phone.Code()}).fails(http.StatusTooManyRequests, "wait")
	require.Equal(t, true, wait.fields["pair"])
	until, err := time.Parse(time.RFC3339, wait.get("until"))
	require.NoError(t, err)
	require.True(t, until.After(s.clock.Now()))
	require.NotEmpty(t, wait.header.Get("Retry-After"))
	// The next sign-in says so beforehand.
	again := p.password(ana).fails(http.StatusForbidden, "code_required")
	require.Equal(t, true, again.fields["pair"])
	require.Equal(t, wait.get("until"), again.get("until"))

	first, second := phone.Pair()
	p.post("/api/code", fields{"challenge": challenge, "codes": []string{second, first}}).fails(http.StatusForbidden, "wrong_code")
	first, second = phone.Pair()
	p.post("/api/code", fields{"challenge": challenge, "codes": []string{first, second}}).is(http.StatusOK)
}

func TestAPITooManyRecoveryCodes(t *testing.T) {
	s := newSite(t)
	s.browser().enroll(ana)
	p := s.program()
	challenge := p.challenge(ana)
	for range 10 {
		p.post("/api/code", fields{"challenge": challenge, "recovery_code": "0000-0000-0000-0000"}).fails(http.StatusForbidden, "wrong_code")
	}
	wait := p.post("/api/code", fields{"challenge": challenge, "recovery_code": "0000-0000-0000-0000"}).fails(http.StatusTooManyRequests, "wait")
	require.NotContains(t, wait.fields, "pair")
}

// A recovery code lets in once, and its proof leads to a new phone.
func TestAPIRecoveryCode(t *testing.T) {
	s := newSite(t)
	old, codes := s.browser().enroll(ana)
	p := s.program()
	a := p.keeps(p.post("/api/code", fields{"challenge": p.challenge(ana), "recovery_code": codes[0]}))
	require.Equal(t, "recovery code", a.get("by"))
	require.Equal(t, 9.0, a.fields["recovery_codes_left"])
	p.post("/api/code", fields{"challenge": p.challenge(ana), "recovery_code": codes[0]}).fails(http.StatusForbidden, "wrong_code")

	page := p.post("/api/setup", fields{}, "Proof", a.get("proof")).is(http.StatusOK)
	require.Len(t, page.texts("clears"), 1)
	phone, err := totptest.ScanURI(page.get("uri"), s.clock)
	require.NoError(t, err)
	s.clock.Advance(time.Second)
	done := p.post("/api/setup/confirm", fields{"enrollment": page.get("enrollment"), "code": phone.Code()}).is(http.StatusOK)
	require.Len(t, done.texts("recovery_codes"), 10)
	require.Len(t, done.texts("cleared"), 1)
	p.call(http.MethodGet, "/api/backups", nil).fails(http.StatusUnauthorized, "signed_out")
	p.keeps(done)
	require.Len(t, p.backups(), 2)
	p.post("/api/code", fields{"challenge": p.challenge(ana), "code": old.Code()}).fails(http.StatusForbidden, "wrong_code")
}

// A code from a mail opens nothing but the way to a new authenticator.
func TestAPIIssuedCode(t *testing.T) {
	s := newSite(t)
	s.browser().enroll(ana)
	boss, bossPhone := s.owner(admin)
	boss.post("/admin/accounts/"+s.id(ana)+"/issue-code", "code", bossPhone.Code()).redirects("/admin/accounts/" + s.id(ana))
	code := issued(t, s)

	p := s.program()
	asked := p.password(ana).fails(http.StatusForbidden, "code_required")
	require.Contains(t, asked.texts("methods"), "issued-code")
	next := p.post("/api/code", fields{"challenge": asked.get("challenge"), "issued_code": code}).fails(http.StatusForbidden, "setup_required")
	require.Equal(t, "setup", next.get("step"))
	p.setUp(next.get("challenge"))
	require.Len(t, p.backups(), 2)
}

// setUp sets up from a challenge, and keeps the session.
func (p *program) setUp(challenge string) *totptest.Authenticator {
	p.t.Helper()
	page := p.post("/api/setup", fields{"challenge": challenge}).is(http.StatusOK)
	phone, err := totptest.ScanURI(page.get("uri"), p.clock)
	require.NoError(p.t, err)
	p.keeps(p.post("/api/setup/confirm", fields{"enrollment": page.get("enrollment"), "code": phone.Code()}))
	return phone
}

// A person who has accounts in several organisations names one of them. Nobody learns that
// there are several before the password is right.
func TestAPIOrganisation(t *testing.T) {
	p := newSite(t).program()
	which := p.password(mika).fails(http.StatusForbidden, "organisation_required")
	require.Equal(t, []any{
		map[string]any{"id": "acme", "name": "Acme Backup GmbH"},
		map[string]any{"id": "north", "name": "Northern IT"},
	}, which.fields["organisations"])
	require.NotContains(t, which.fields, "session")
	signIn := func(organisation, password string) result {
		return p.post("/api/signin", fields{"email": mika.Email, "password": password, "organisation": organisation})
	}
	signIn("acme", "nope").fails(http.StatusUnauthorized, "wrong_password")
	signIn("acme-berlin", mika.Password).fails(http.StatusForbidden, "organisation_required")
	p.keeps(signIn("north", mika.Password))
	require.Equal(t, "Northern IT", p.call(http.MethodGet, "/api/account", nil).get("organisation"))
	p.post("/api/signin", fields{"email": ana.Email, "password": ana.Password, "organisation": "north"}).fails(http.StatusForbidden, "organisation_required")
	p.keeps(p.post("/api/signin", fields{"email": ana.Email, "password": ana.Password, "organisation": "acme"}))
}

// Nobody signs in as a machine, or to an account that is closed.
func TestAPIAccountsThatNobodySignsInTo(t *testing.T) {
	s := newSite(t)
	p := s.program()
	p.password(agent).fails(http.StatusForbidden, "machine_account")

	p, phone := s.user(ana)
	challenge := p.challenge(ana)
	page := s.browser().get(link(t, s.last(ana, "app set up")))
	s.browser().post("/2fa/not-me", "event", page.event()).is(http.StatusOK)
	p.password(ana).fails(http.StatusForbidden, "account_closed")
	p.post("/api/code", fields{"challenge": challenge, "code": phone.Code()}).fails(http.StatusUnauthorized, "challenge_over")
	p.call(http.MethodGet, "/api/backups", nil).fails(http.StatusUnauthorized, "signed_out")
}

// The API takes a code and a recovery code in every spelling, as the pages do.
func TestAPISpellings(t *testing.T) {
	s := newSite(t)
	phone, codes := s.browser().enroll(ana)
	p := s.program()
	used := ""
	for i := range spellings.OfCode("123456") {
		challenge := p.challenge(ana)
		if used != "" {
			p.post("/api/code", fields{"challenge": challenge, "code": spellings.OfCode(used)[i]}).fails(http.StatusForbidden, "used_code")
		}
		used = phone.Code()
		for _, bad := range spellings.NotOfCode(used) {
			p.post("/api/code", fields{"challenge": challenge, "code": bad}).fails(http.StatusForbidden, "malformed_code")
		}
		p.post("/api/code", fields{"challenge": challenge, "code": spellings.OfCode(used)[i]}).is(http.StatusOK)
	}
	challenge := p.challenge(ana)
	for range 5 { // more than may be wrong
		for _, bad := range spellings.NotOfRecoveryCode(codes[0]) {
			p.post("/api/code", fields{"challenge": challenge, "recovery_code": bad}).fails(http.StatusForbidden, "malformed_code")
		}
	}
	for i, code := range codes {
		p.post("/api/code", fields{"challenge": p.challenge(ana), "recovery_code": spellings.OfRecoveryCode(code)[i]}).is(http.StatusOK)
	}
	s.clock.Advance(2 * time.Hour)
	challenge = p.challenge(ana)
	for i, code := range codes[:5] {
		p.post("/api/code", fields{"challenge": challenge, "recovery_code": spellings.OfRecoveryCode(code)[13-i]}).fails(http.StatusForbidden, "wrong_code")
	}
}
