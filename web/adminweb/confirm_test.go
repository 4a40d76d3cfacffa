package adminweb_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/web/adminweb"
)

// A form is one of the pages, with choices that are not its defaults.
type form struct {
	prepare func(s *site)
	at      func(b *person)
	to      string
	fields  []string
	button  string // that names action, scope and target
	done    func(s *site) bool
}

func ofMika(b *person) { b.open(mika) }

func people(b *person) { b.Get("/2fa-admin/people") }

func key(p adminweb.Person) string { return adminweb.Key(p) }

var forms = map[string]form{
	"reset recovery codes": {nil, ofMika, "/2fa-admin/person/reset", []string{"scope", "codes"}, "Reset recovery codes of Mika Berg",
		func(s *site) bool {
			return s.member(mika).Authenticators == 1 && s.last(mika) == event.RecoveryCodesVoided
		}},
	"reset browsers": {nil, ofMika, "/2fa-admin/person/reset", []string{"scope", "browsers"}, "Reset trusted browsers of Mika Berg",
		func(s *site) bool { return s.member(mika).Authenticators == 1 && s.last(mika) == event.BrowsersRevoked }},
	"reset authenticators": {nil, ofMika, "/2fa-admin/person/reset", []string{"scope", "authenticators"}, "Reset authenticators of Mika Berg",
		func(s *site) bool { return s.member(mika).State == admin.StateRequired }},
	"send a code": {nil, ofMika, "/2fa-admin/person/issue", nil, "Send a recovery code to Mika Berg",
		func(s *site) bool { return len(s.mails) == 1 && s.mails[0].ID == mika.ID }},
	"unlock": {func(s *site) { s.freeze(mika) }, ofMika, "/2fa-admin/person/unlock", nil, "Unlock Mika Berg",
		func(s *site) bool { return s.member(mika).FrozenAt.IsZero() }},
	"restore": {func(s *site) { s.replace(mika) }, ofMika, "/2fa-admin/person/restore", nil, "Bring back “Phone of mika” of Mika Berg",
		func(s *site) bool { return s.member(mika).Apps[0].Name == "Phone of mika" }},
	"more time": {func(s *site) { s.setPolicy("acme", policy.Policy{}) }, func(b *person) { b.open(nora) }, "/2fa-admin/person/grace", []string{"until", "2026-04-01"}, "Give Nora Nord time until 1 April 2026, 23:59 UTC",
		func(s *site) bool { return s.member(nora).GraceUntil.Format(time.DateOnly) == "2026-04-01" }},
	"a number": {func(s *site) {
		s.setPolicy("acme", policy.Policy{Mode: policy.Optional, Methods: policy.App | policy.Phone, AssignedPhones: true})
	}, ofMika, "/2fa-admin/person/phone", []string{"number", "+43 660 1234567"}, "Choose +436601234567 for Mika Berg",
		func(s *site) bool { return s.last(mika) == event.PhoneAssigned }},
	"a machine": {nil, ofMika, "/2fa-admin/person/exempt", []string{"machine", "nightly <backup>"}, "Make Mika Berg the machine account “nightly <backup>”",
		func(s *site) bool { return s.member(mika).Machine == "nightly <backup>" }},
	"a person again": {func(s *site) {
		_, err := s.admin.Exempt(context.Background(), ops, mika.ID, "agent")
		require.NoError(s.t, err)
	}, ofMika, "/2fa-admin/person/end-exemption", nil, "Make Mika Berg a personal account again",
		func(s *site) bool { return s.member(mika).Enrollment == enroll.ResetPending }},
	"delete": {nil, ofMika, "/2fa-admin/person/forget", nil, "Delete the account of Mika Berg",
		func(s *site) bool { return slices.Equal(s.erased, []string{"mika"}) && s.member(mika).Updated.IsZero() }},
	"policy": {nil, func(b *person) { b.Get("/2fa-admin/policy") }, "/2fa-admin/policy/set",
		[]string{"mode", "off", "role-0", "required", "role-1", "optional", "grace", "21", "deadline", "2026-05-01", "browsers", "7", "codes", "no", "phones", "assigned", "issued", "yes", "two", "yes"}, "Set the policy of Acme",
		func(s *site) bool {
			p := s.policyOf("acme")
			return p.Mode == policy.Off && p.For("admin").Mode == policy.Required && p.For("user").Mode == policy.Optional && p.Grace == 21*24*time.Hour &&
				p.BrowserAge == 7*24*time.Hour && !p.Methods.Has(policy.RecoveryCodes) && p.Methods.Has(policy.Phone|policy.External) && p.AssignedPhones && p.IssuedCode && p.TwoAdministrators &&
				p.Deadline.Format(time.DateOnly) == "2026-05-01"
		}},
	"many": {nil, people, "/2fa-admin/people/change", []string{"person", key(mika), "scope", "codes", "do", "reset"}, "Reset recovery codes of 1 person",
		func(s *site) bool { return s.last(mika) == event.RecoveryCodesVoided }},
	"all of a filter": {nil, func(b *person) { b.Get("/2fa-admin/people?q=mika") }, "/2fa-admin/people/change", []string{"all", "yes", "scope", "authenticators", "do", "reset"}, "Reset authenticators of 1 person",
		func(s *site) bool {
			return s.member(mika).State == admin.StateRequired && s.member(deputy).State == admin.StateEnabled
		}},
	"codes for many": {nil, people, "/2fa-admin/people/change", []string{"person", key(mika), "do", "issue"}, "Send a recovery code to 1 person",
		func(s *site) bool { return len(s.mails) == 1 }},
	"help": {nil, people, "/2fa-admin/people/change", []string{"person", key(mika), "do", "help"}, "Help 1 person with one code",
		func(*site) bool { return true }},
	"approve": {func(s *site) { s.askTwo() }, func(b *person) { b.Get("/2fa-admin/requests") }, "/2fa-admin/requests/*approve", nil, "Approve: Make Mika Berg the machine account “agent”",
		func(s *site) bool { return s.member(mika).Machine == "agent" }},
	"refuse": {func(s *site) { s.askTwo() }, func(b *person) { b.Get("/2fa-admin/requests") }, "/2fa-admin/requests/*withdraw", nil, "Refuse: Make Mika Berg the machine account “agent”",
		func(s *site) bool { return s.member(mika).Machine == "" }},
}

// A wrong code does not change the action: the page comes back with every field as it was
// chosen and the same button, nothing is done, and the right code alone then does exactly
// that action.
func TestWrongCodeChangesNothing(t *testing.T) {
	for name, f := range forms {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, withPhones)
			if f.prepare != nil {
				f.prepare(s)
			}
			b := s.as(boss)
			f.at(b)
			to := action(t, b, f.to)
			b.Page.Submit(to, f.fields...)
			require.Equal(t, http.StatusOK, b.Page.Status, b.Page.Text("error"))
			asked := b.Page.Fields(to)
			for i := 0; i < len(f.fields); i += 2 {
				require.Equal(t, f.fields[i+1], asked.Get(f.fields[i]))
			}
			require.Equal(t, f.button, b.Page.Text("button"))
			require.Equal(t, f.button, b.Page.Text("h1"))
			require.Empty(t, b.Page.Text("error"))
			details := b.Page.Text("doing")

			b.Page.Submit(to, "totpflow_code", b.phone.WrongCode())
			require.Equal(t, http.StatusForbidden, b.Page.Status)
			require.Contains(t, b.Page.Text("error"), "This code is not right")
			require.Equal(t, asked, b.Page.Fields(to))
			require.Equal(t, f.button, b.Page.Text("button"))
			require.Equal(t, details, b.Page.Text("doing"))
			if name != "help" && name != "refuse" {
				require.False(t, f.done(s), "nothing is done")
			}

			b.Page.Submit(to, "totpflow_code", b.phone.Code())
			require.Equal(t, http.StatusOK, b.Page.Status, b.Page.Text("error"))
			require.Empty(t, b.Page.Text("error"))
			require.True(t, f.done(s), b.Page.HTML)
			require.Contains(t, b.Page.HTML, `<p class="note done" role="status">`, "the page says what was done")
		})
	}
}

// Every form of the pages that posts is in the table above, except the one that closes a
// window and those that ask for no code.
func TestEveryFormIsInTheTable(t *testing.T) {
	s := newSite(t, withPhones)
	s.setPolicy("acme", policy.Policy{Mode: policy.Required, Methods: policy.App | policy.Phone, AssignedPhones: true})
	s.replace(mika)
	s.askTwo()
	b := s.as(boss)
	for _, at := range []func(*person){ofMika, people, func(b *person) { b.open(nora) }, func(b *person) { b.Get("/2fa-admin/policy") }, func(b *person) { b.Get("/2fa-admin/requests") }} {
		at(b)
		for _, to := range b.Page.Actions() {
			known := to == "/2fa/language" || to == "/2fa-admin/people" /* which only looks */ || to == "/2fa-admin/window/close"
			for _, f := range forms {
				known = known || matches(to, f.to)
			}
			require.True(t, known, to)
		}
	}
}

// If a list has changed since the page of confirmation named it, it is named again, and
// the typed code is not used for the other people.
func TestChangedListIsNamedAgain(t *testing.T) {
	s := newSite(t)
	b := s.as(boss)
	b.Get("/2fa-admin/people?q=mika")
	b.Page.Submit("/2fa-admin/people/change", "all", "yes", "scope", "all", "do", "reset")
	require.Contains(t, b.Page.Text("doing"), "“Mika Berg”")
	other := one("acme", "mika2", "Mika Other")
	s.directory.Add(other)
	s.hire(other)
	code := b.phone.Code()
	b.Page.Submit("/2fa-admin/people/change", "totpflow_code", code)
	require.Equal(t, "Reset everything for 2 people", b.Page.Text("h1"))
	require.Contains(t, b.Page.Text("doing"), "“Mika Berg” and “Mika Other”")
	require.Equal(t, admin.StateEnabled, s.member(mika).State)
	b.Page.Submit("/2fa-admin/people/change", "totpflow_code", code)
	require.Equal(t, admin.StateRequired, s.member(other).State)
	require.Equal(t, admin.StateRequired, s.member(mika).State)
}

// Only an administrator who has recovery codes is asked for one.
func TestConfirmByRecoveryCode(t *testing.T) {
	s := newSite(t)
	b := s.as(boss)
	for _, has := range []bool{false, true} {
		if has {
			b.Post("/2fa/security/recovery-codes", "totpflow_code", b.phone.Code())
			require.Len(t, b.Page.Texts("recovery-code"), 10)
		}
		b.open(mika)
		b.Page.Submit("/2fa-admin/person/issue")
		require.Equal(t, has, strings.Contains(b.Page.Text("what"), "or a recovery code"))
		b.Page.Submit("/2fa-admin/person/issue", "totpflow_code", b.phone.WrongCode())
		require.Equal(t, has, strings.Contains(b.Page.Text("error"), "Or use a recovery code"))
	}
}
