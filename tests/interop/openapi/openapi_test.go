package openapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/totptest"
)

var operator = admin.Operator{Name: "root", Reason: "test"}

// TestDescription goes through every call, every status and word, and every field of the
// description: the description contains everything that the handlers answer, and the
// handlers answer everything that it contains.
func TestDescription(t *testing.T) {
	s := newSite(t)
	for _, part := range []func(*testing.T, *site){signingIn, phones, settingUp, resets, account, general, faults} {
		part(t, s)
	}
	s.complete()
}

func signingIn(t *testing.T, s *site) {
	p := s.person("ana")
	p.enroll()
	used := p.phone.Code()
	p.call("POST", "/code", object{"challenge": p.challenge(), "code": used}).is(200, "")
	c := p.challenge()
	p.call("POST", "/code", object{"challenge": c, "code": used}).is(403, "used_code")
	p.call("POST", "/code", object{"challenge": c, "code": "12"}).is(403, "malformed_code")
	p.call("POST", "/code", object{"challenge": c, "phone_code": "123456"}).is(403, "method_not_allowed")
	p.call("POST", "/code", object{"challenge": "x", "code": "123456"}).is(401, "challenge_over")
	p.call("POST", "/code", object{"challenge": c}).is(400, "malformed")
	for range 5 {
		p.call("POST", "/code", object{"challenge": c, "code": p.phone.WrongCode()}).is(403, "wrong_code")
	}
	require.Equal(t, true, p.call("POST", "/code", object{"challenge": c, "code": p.phone.WrongCode()}).is(429, "wait").fields["pair"])
	require.Equal(t, true, p.signIn().is(403, "code_required").fields["pair"])
	first, second := p.phone.Pair()
	p.call("POST", "/code", object{"challenge": c, "codes": []string{first, second}}).is(200, "")

	a := p.call("POST", "/code", object{"challenge": p.challenge(), "recovery_code": p.codes[0]}).is(200, "")
	require.InEpsilon(t, 9, a.fields["recovery_codes_left"], 0)
	p.confirm(p.call("POST", "/setup", object{}, "Proof", a.get("proof")).is(200, ""), "")

	// A new phone: one code of the old app, and then the enrollment.
	asked := p.call("POST", "/replace", object{"challenge": p.challenge()}).is(403, "code_required")
	require.Equal(t, []any{"code"}, asked.fields["methods"])
	a = p.call("POST", "/code", object{"challenge": asked.get("challenge"), "code": p.phone.Code()}).is(200, "")
	p.confirm(p.call("POST", "/setup", object{}, "Proof", a.get("proof")).is(200, ""), "")
	p.call("POST", "/replace", object{"challenge": "x"}).is(401, "challenge_over")
	p.call("POST", "/api/signin", object{"name": p.user.Name, "password": "wrong"}).is(401, "wrong_password")
}

func phones(t *testing.T, s *site) {
	p := s.person("paul")
	// A number is set up on the pages; here the library does it.
	d, err := s.service.SignIn(t.Context(), p.user)
	require.NoError(t, err)
	number, err := phone.ParseNumber("+43 660 1234567")
	require.NoError(t, err)
	pending, err := s.service.BeginPhone(t.Context(), d.Proof, number)
	require.NoError(t, err)
	_, err = s.service.SendEnrollmentCode(t.Context(), pending.Token, phone.SMS)
	require.NoError(t, err)
	_, err = s.service.ConfirmPhone(t.Context(), pending.Token, s.code)
	require.NoError(t, err)

	s.clock.Advance(time.Minute)
	a := p.signIn().is(403, "code_required") // a phone is the only factor: the code is sent without asking, and once
	require.Equal(t, "sms", a.fields["sent"].(object)["via"])
	p.call("POST", "/code", object{"challenge": p.challenge(), "phone_code": "123456"}).is(403, "no_code")
	s.clock.Advance(time.Minute)
	c, id := a.get("challenge"), a.fields["phones"].([]any)[0].(object)["id"].(string)
	send := func(c, id, via string) answer {
		return p.call("POST", "/phone-code", object{"challenge": c, "phone": id, "via": via})
	}
	require.Equal(t, "via", send(c, id, "fax").is(400, "not_sent").get("reason"))
	require.Equal(t, "no_phone", send(c, "x", "sms").is(404, "not_sent").get("reason"))
	send("x", id, "sms").is(401, "challenge_over")
	send(c, id, "sms").is(202, "")
	require.Equal(t, "wait", send(c, id, "sms").is(429, "not_sent").get("reason"))
	s.clock.Advance(time.Hour)
	s.sending = phone.ErrProvider
	require.NotContains(t, p.signIn().is(403, "code_required").fields, "sent")
	c = p.challenge()
	s.clock.Advance(time.Minute)
	require.Equal(t, "provider", send(c, id, "sms").is(503, "not_sent").get("reason"))
	s.clock.Advance(time.Hour)
	c = p.challenge()
	s.sending = nil
	s.clock.Advance(time.Minute)
	send(c, id, "voice").is(202, "")
	p.session = p.call("POST", "/code", object{"challenge": c, "phone_code": s.code}).is(200, "").get("session")
	require.Len(t, p.call("GET", "/account", nil, p.auth()...).is(200, "").fields["phones"], 1)
	p.call("POST", "/reauthenticate", object{"action": "delete backup", "target": "1", "code": "123456"}, p.auth()...).is(403, "not_enrolled")
	p.call("POST", "/setup", object{"password": password}, p.auth()...).is(403, "code_required")
	p.call("POST", "/replace", object{"challenge": p.challenge()}).is(403, "not_enrolled")
	p.call("POST", "/recovery-codes", nil, p.auth()...).is(403, "not_enrolled")
	p.call("POST", "/recovery-codes/saved", nil, p.auth()...).is(403, "not_enrolled")
}

func settingUp(t *testing.T, s *site) {
	s.policies.Mode = policy.Required
	p := s.person("rita")
	c := p.signIn().is(403, "setup_required").get("challenge")
	setup := p.call("POST", "/setup", object{"challenge": c}).is(200, "")
	p.call("POST", "/setup/confirm", object{"enrollment": setup.get("enrollment"), "code": "12"}).is(403, "malformed_code")
	late, err := totptest.ScanURI(setup.get("uri"), s.clock)
	require.NoError(t, err)
	late.SetDrift(10 * time.Minute)
	require.InEpsilon(t, 600, p.call("POST", "/setup/confirm", object{"enrollment": setup.get("enrollment"), "code": late.Code()}).is(403, "wrong_code").fields["clock_off"], 0.1)
	p.confirm(setup, "Phone")
	p.call("POST", "/setup/confirm", object{"enrollment": setup.get("enrollment"), "code": "123456"}).is(401, "setup_over")
	p.call("POST", "/setup", object{"challenge": c}).is(401, "challenge_over")
	require.Equal(t, "replace authenticator", p.call("POST", "/setup", object{}, p.auth()...).is(403, "proof_required").get("action"))
	p.call("POST", "/setup", object{}, "Proof", "x").is(403, "proof_required")
	p.call("POST", "/setup", object{}).is(401, "signed_out")
	replaced := p.confirm(p.call("POST", "/setup", object{}, "Proof", p.proof("replace authenticator", "")).is(200, ""), "")
	require.Equal(t, []any{"Phone"}, replaced.fields["cleared"])
	for i := range 4 {
		p.confirm(p.call("POST", "/setup", object{}, "Proof", p.proof("add authenticator", "")).is(200, ""), fmt.Sprint("Tablet ", i))
	}
	p.call("POST", "/setup", object{}, "Proof", p.proof("add authenticator", "")).is(409, "too_many_authenticators")

	one := p.auth("Proof", p.proof("replace authenticator", ""))
	p.call("POST", "/setup", object{"replaces": []string{"Nobody"}}, one...).is(404, "unknown_authenticator")
	setup = p.call("POST", "/setup", object{"replaces": []string{"Tablet 1"}}, one...).is(200, "")
	require.Equal(t, []any{"Tablet 1"}, setup.fields["clears"])
	require.Equal(t, []any{"Tablet 1"}, p.confirm(setup, "").fields["cleared"])

	s.policies.Grace = 24 * time.Hour
	g := s.person("gus")
	require.Equal(t, s.clock.Now().Add(24*time.Hour).UTC().Format(time.RFC3339), g.signIn().is(200, "").get("setup_until"))
	require.NotEmpty(t, g.call("GET", "/account", nil, g.auth()...).is(200, "").get("setup_until"))
	g.call("POST", "/setup", object{}, g.auth()...).is(403, "password_required")
	g.call("POST", "/setup", object{"password": "wrong"}, g.auth()...).is(401, "wrong_password")
	g.call("POST", "/setup", object{}, g.auth("Proof", "over")...).is(403, "password_required")
	g.call("POST", "/setup", object{"password": password}, g.auth()...).is(200, "")
	s.clock.Advance(25 * time.Hour)
	require.Equal(t, "required", g.call("GET", "/account", nil, g.auth()...).is(401, "signed_out").get("reason"))
	s.policies.Mode, s.policies.Grace = policy.Optional, 0
}

func resets(t *testing.T, s *site) {
	office := admin.New(s.service, nil)
	p := s.person("rosa")
	p.enroll()
	s.policies.IssuedCode = true
	s.clock.Advance(time.Second)
	_, err := office.Reset(t.Context(), operator, p.user.ID, admin.ScopeAuthenticators)
	require.NoError(t, err)
	require.Equal(t, "changed", p.call("GET", "/account", nil, p.auth()...).is(401, "signed_out").get("reason"))
	p.call("POST", "/code", object{"challenge": p.challenge(), "recovery_code": p.codes[0]}).is(403, "setup_required")
	_, err = s.service.Account(p.user).PasswordChanged(t.Context())
	require.NoError(t, err)
	p.call("POST", "/code", object{"challenge": p.challenge(), "issued_code": "AAAA-BBBB-CCCC-DDDD"}).is(403, "password_too_new")
	s.clock.Advance(25 * time.Hour)
	var code string
	require.NoError(t, office.IssueRecoveryCode(t.Context(), operator, p.user.ID, func(_ context.Context, i admin.IssuedCode) error {
		code = i.Code
		return nil
	}))
	c := p.call("POST", "/code", object{"challenge": p.challenge(), "issued_code": code}).is(403, "setup_required").get("challenge")
	p.confirm(p.call("POST", "/setup", object{"challenge": c}).is(200, ""), "")
	s.policies.IssuedCode = false

	s.clock.Advance(time.Second)
	_, err = s.service.Disown(t.Context(), s.service.NewDisownToken(s.last))
	require.NoError(t, err)
	require.Equal(t, "closed", p.call("GET", "/account", nil, p.auth()...).is(401, "signed_out").get("reason"))
	p.signIn().is(403, "account_closed")
	m := s.person("machine")
	_, err = office.Exempt(t.Context(), operator, m.user.ID, "Agent")
	require.NoError(t, err)
	m.signIn().is(403, "machine_account")

	const secret = "KRSXG5CTMVRXEZLU" // 80 bits
	weak, err := totp.ReadSecret(secret, totp.Params{})
	require.NoError(t, err)
	w := s.person("wanda")
	w.signIn().is(200, "")
	imported, err := office.Import(t.Context(), operator, []admin.Imported{{ID: w.user.ID, Key: weak, WeakUntil: s.clock.Now().Add(time.Hour)}})
	require.NoError(t, err)
	require.NoError(t, imported[0].Err)
	w.phone, err = totptest.TypeSecret(secret, s.clock)
	require.NoError(t, err)
	w.call("POST", "/reauthenticate", object{"action": "delete backup", "target": "1", "code": w.phone.Code()}, w.auth()...).is(403, "weak_authenticator")
}

func account(t *testing.T, s *site) {
	p := s.person("abel")
	p.enroll()
	p.call("POST", "/recovery-codes/saved", nil, p.auth()...).is(204, "")
	asked := p.call("DELETE", "/api/backups/42", nil, p.auth()...).is(403, "proof_required")
	require.Equal(t, []any{"delete backup", "42", "Backup"}, []any{asked.fields["action"], asked.fields["target"], asked.fields["target_name"]})
	proof := p.proof("delete backup", "42")
	p.call("DELETE", "/api/backups/43", nil, p.auth("Proof", proof)...).is(403, "proof_required")
	p.call("DELETE", "/api/backups/42", nil, p.auth("Proof", proof)...).is(204, "")
	p.call("DELETE", "/api/backups/42", nil, p.auth("Proof", proof)...).is(403, "proof_required")
	p.call("DELETE", "/api/backups/42", nil).is(401, "signed_out")

	again := func(body object) answer {
		body["action"], body["target"] = "delete backup", "1"
		return p.call("POST", "/reauthenticate", body, p.auth()...)
	}
	used := p.phone.Code()
	again(object{"code": used}).is(200, "")
	again(object{"code": used}).is(403, "used_code")
	again(object{"code": "12"}).is(403, "malformed_code")
	again(object{"recovery_code": p.codes[1]}).is(200, "")
	again(object{}).is(400, "malformed")
	again(object{"code": "123456", "recovery_code": p.codes[2]}).is(400, "malformed")
	for _, wrong := range []object{{"action": "delete everything"}, {"action": "delete backup"}, {"action": "add authenticator", "target": "1"}, {"action": "disable"}} {
		wrong["code"] = "123456"
		p.call("POST", "/reauthenticate", wrong, p.auth()...).is(400, "malformed")
	}
	p.call("POST", "/recovery-codes", nil, p.auth()...).is(403, "proof_required")
	require.Len(t, p.call("POST", "/recovery-codes", nil, p.auth("Proof", p.proof("new recovery codes", ""))...).is(200, "").fields["recovery_codes"], 10)
	s.policies.Methods = policy.App
	p.call("POST", "/phone-code", object{"challenge": p.challenge(), "phone": "x", "via": "sms"}).is(403, "method_not_allowed")
	again(object{"recovery_code": p.codes[3]}).is(403, "method_not_allowed")
	p.call("POST", "/recovery-codes", nil, p.auth("Proof", p.proof("new recovery codes", ""))...).is(403, "method_not_allowed")
	s.policies.Methods = methods
	for range 5 {
		again(object{"code": p.phone.WrongCode()}).is(403, "wrong_code")
	}
	again(object{"code": p.phone.WrongCode()}).is(429, "wait")
	first, second := p.phone.Pair()
	again(object{"codes": []string{first, second}}).is(200, "")
	p.call("POST", "/signout", nil, p.auth()...).is(204, "")
	for _, op := range []string{"GET /account", "POST /recovery-codes", "POST /recovery-codes/saved"} {
		method, path, _ := strings.Cut(op, " ")
		p.call(method, path, nil, p.auth()...).is(401, "signed_out")
	}
	p.call("POST", "/reauthenticate", object{"action": "delete backup", "target": "1", "code": "123456"}, p.auth()...).is(401, "signed_out")
}

// bodies returns requests that each call accepts as far as their form goes.
func bodies() map[string]any {
	return map[string]any{
		"POST /code":                 object{"challenge": "x", "code": "123456"},
		"POST /phone-code":           object{"challenge": "x", "phone": "x", "via": "sms"},
		"POST /replace":              object{"challenge": "x"},
		"POST /setup":                object{},
		"POST /setup/confirm":        object{"enrollment": "x", "code": "123456"},
		"GET /account":               nil,
		"POST /reauthenticate":       object{"action": "delete backup", "target": "1", "code": "123456"},
		"POST /recovery-codes":       nil,
		"POST /recovery-codes/saved": nil,
		"POST /signout":              nil,
	}
}

// general checks what every call refuses.
func general(t *testing.T, s *site) {
	p := s.person("gail")
	p.enroll()
	for op, body := range bodies() {
		method, path, _ := strings.Cut(op, " ")
		if method == http.MethodPost {
			p.call(method, path, body, p.auth("Sec-Fetch-Site", "cross-site")...).is(403, "not_allowed")
		}
		if body == nil {
			continue
		}
		p.call(method, path, body, p.auth("Content-Type", "text/plain")...).is(415, "not_json")
		for _, wrong := range []string{"", "{", "[]", `{"x": 1}`, "{} {}", `"x"`} {
			p.call(method, path, wrong, p.auth()...).is(400, "malformed")
		}
		p.call(method, path, `{"code": "`+strings.Repeat("x", 17<<10)+`"}`, p.auth()...).is(413, "too_large")
	}
	for _, path := range []string{"/account/api/nothing", "/account/api/code"} { // there is no GET
		res, err := s.client.Get(s.url + path)
		require.NoError(t, err)
		var f object
		require.NoError(t, json.NewDecoder(res.Body).Decode(&f))
		require.NoError(t, res.Body.Close())
		require.Equal(t, []any{http.StatusNotFound, "not_found"}, []any{res.StatusCode, f["error"]})
		s.seen["word not_found"] = true
	}
}

// faults are failures of the installation. Nobody is let in, and no answer discloses
// them.
func faults(t *testing.T, s *site) {
	p := s.person("finn")
	p.enroll()
	for _, fault := range []struct {
		err    error // of the store; nil: its records do not open
		status int
		word   string
	}{{store.ErrUnavailable, 503, "unavailable"}, {nil, 500, "failed"}} {
		all := bodies()
		all["POST /setup/confirm"].(object)["enrollment"] = p.call("POST", "/setup", object{}, "Proof", p.proof("add authenticator", "")).is(200, "").get("enrollment")
		c := p.challenge()
		all["POST /code"].(object)["challenge"], all["POST /phone-code"].(object)["challenge"] = c, c
		all["POST /replace"].(object)["challenge"] = c
		all["POST /setup"].(object)["challenge"] = s.starter(t)
		s.store.SetFaults(totptest.Faults{Get: fault.err})
		s.garbled.on, s.host.fails = fault.err == nil, true
		for op, body := range all {
			method, path, _ := strings.Cut(op, " ")
			status, word := fault.status, fault.word
			if path == "/signout" {
				status, word = 503, "unavailable" // of the host, whatever the status is
			}
			a := p.call(method, path, body, p.auth()...)
			require.Equal(t, []any{status, word}, []any{a.status, a.fields["error"]}, op)
		}
		s.store.SetFaults(totptest.Faults{})
		s.garbled.on, s.host.fails = false, false
	}

	// The host remembers a change that the store has lost.
	lost := s.person("lost")
	lost.enroll()
	lost.call("GET", "/account", nil, lost.auth()...).is(200, "")
	rec, err := s.store.Get(t.Context(), lost.user.ID)
	require.NoError(t, err)
	require.NoError(t, s.store.Delete(t.Context(), lost.user.ID, rec.Version))
	for op, body := range bodies() {
		if method, path, _ := strings.Cut(op, " "); !slices.Contains([]string{"/code", "/phone-code", "/replace", "/setup/confirm", "/signout"}, path) {
			lost.call(method, path, body, lost.auth()...).is(403, "account_closed")
		}
	}
}

// starter returns the challenge of a person who has to set up.
func (s *site) starter(t *testing.T) string {
	t.Helper()
	s.policies.Mode = policy.Required
	defer func() { s.policies.Mode = policy.Optional }()
	return s.person(fmt.Sprint("new", len(s.seen))).signIn().is(403, "setup_required").get("challenge")
}

// complete requires that every part of the description was used.
func (s *site) complete() {
	s.t.Helper()
	var missing []string
	need := func(what string) {
		if !s.seen[what] {
			missing = append(missing, what)
		}
	}
	for path, ops := range s.spec["paths"].(object) {
		for method, op := range ops.(object) {
			for status, res := range op.(object)["responses"].(object) {
				one := strings.ToUpper(method) + " " + path + " " + status
				words := wordsOf(res.(object))
				if len(words) == 0 {
					need(one)
				}
				for _, word := range words {
					need(one + " " + word)
					s.seen["word "+word] = true
				}
			}
		}
	}
	schemas := s.spec["components"].(object)["schemas"].(object)
	for _, schema := range schemas {
		for field := range schema.(object)["properties"].(object) {
			need("field " + field)
		}
	}
	for _, word := range schemas["Failure"].(object)["properties"].(object)["error"].(object)["enum"].([]any) {
		if word != "machine_account" { // from the host's sign-in
			need("word " + word.(string))
		}
	}
	slices.Sort(missing)
	require.Empty(s.t, missing, "described and never answered")
}

// wordsOf returns the errors of a response.
func wordsOf(res object) (all []string) {
	content, ok := res["content"].(object)
	if !ok {
		return nil
	}
	parts, ok := content["application/json"].(object)["schema"].(object)["allOf"].([]any)
	if !ok {
		return nil
	}
	for _, word := range parts[1].(object)["properties"].(object)["error"].(object)["enum"].([]any) {
		all = append(all, word.(string))
	}
	return all
}
