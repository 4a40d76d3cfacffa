package adminweb

import (
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/web"
)

// samples returns pages that are as full as possible, and the forms that they must have:
// a template of the host's that lacks one is found when the program starts.
func (p *Pages) samples(l *web.Language) []web.Sample {
	at := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	id := totpflow.AccountID{Tenant: "acme-0123456789", User: "0c8f3a52-4f43-4e6f-9c5d-1f6f9ab0c001"}
	mika := Person{ID: id, Name: "Mika Berg", Address: "mika.berg@acme.example", Role: "Administrator"}
	f := Frame{Common: web.Common{Product: "Acme Backup", Title: "Title", Notice: "Notice", Error: "Error", Account: "bo@acme.example"}, Waiting: 2, Helps: []string{"Mika Berg"}, Until: at}
	number, _ := phone.ParseNumber("+43 660 1234567")
	m := admin.Member{
		ID: id, State: admin.StateFrozen, Authenticators: 2, Apps: []totpflow.Authenticator{{ID: "a", Name: "Phone", Added: at, Used: at}, {ID: "b", Name: "Tablet", Added: at}},
		Phones: 1, Numbers: []phone.Phone{{ID: "p", Number: number}}, Recoverable: []enroll.Recoverable{{ID: "c", Name: "Old", Added: at}},
		Browsers: []totpflow.Browser{{ID: "b", Label: "Firefox on Linux", Expires: at}}, RecoveryCodesLeft: 9, ResetAt: at, NeedsCode: true, FrozenAt: at,
		Throttled: &throttle.Error{Until: at}, Machine: "agent", Updated: at,
	}
	tenants := []Tenant{{"acme-0123456789", "Acme"}, {"globex", "Globex"}}
	people := PeoplePage{
		Frame: f, Races: 2, Tenants: tenants, Tenant: "globex", Search: "m", Filter: "missing", Filters: filterNames, Next: p.Path("people") + "?from=15", Partly: true, Set: 12, Of: 15,
		Tally: admin.Tally{Reset: 1, Frozen: 2, Exempt: 3}, Alerts: []alertRow{{Alert{At: at, Guesses: 51}, []Person{mika}, 3}}, Mails: true, Reminds: true, Scope: "codes", All: true, Ticked: map[string]bool{personKey(id): true},
	}
	for i := range perPage + perPage/5 { // the maximum for a page
		row := Row{Person: mika, Key: personKey(id), Tenant: "Acme", Member: m, Self: i == 3}
		people.Rows = append(people.Rows, row)
	}
	empty := PeoplePage{Frame: Frame{NoApp: true}, Tenants: tenants[:1], Filters: filterNames, Next: p.Path("people") + "?from=15"}
	offers := map[string]bool{}
	for word := range changes {
		offers[word] = true
	}
	history := []Entry{{event.Event{Kind: event.Reset, At: at, Reason: "ticket 7"}, "Bo Singh", ""}, {event.Event{Kind: event.PolicyLowered, At: at}, "Dee Puty", "Bo Singh"}}
	for range 8 {
		history = append(history, history[0])
	}
	person := PersonPage{Frame: f, Row: Row{Person: mika, Tenant: "Acme", Member: m}, Offers: offers, First: []string{"restore", "reset", "issue", "unlock"}, Scopes: scopes, Scope: "codes", MoreTime: "2026-04-01", History: history}
	self := PersonPage{Frame: f, Row: Row{Person: mika, Tenant: "Acme", Member: admin.Member{State: admin.StateDisabled}, Self: true}}
	roles, _ := policy.NewRoles(map[string]policy.Mode{"admin": policy.Required})
	before, after := policy.Policy{Mode: policy.Required, Grace: 14 * oneDay, Roles: roles}, policy.Policy{Mode: policy.Optional, Deadline: at, BrowserAge: -1, Methods: policy.App | policy.Phone, AssignedPhones: true, IssuedCode: true, TwoAdministrators: true}
	terms := p.terms(l, before, after)
	confirm := ConfirmPage{
		Frame: f, CodeField: web.CodeField{Recovery: true, Pair: true, Wait: "Wait"}, Doing: "Reset recovery codes of Mika Berg", Details: []string{"One", "Two"}, Terms: terms, Danger: true,
		To: p.Path("person/reset"), Fields: []web.Field{{Name: "scope", Value: "codes"}}, Back: "/",
	}
	noCode, needs := confirm, confirm
	noCode.NoCode, noCode.CodeField, noCode.Terms = true, web.CodeField{}, nil
	needs.CodeField = web.CodeField{NeedsApp: true}
	form := map[string]string{}
	for name, values := range p.formOf(after) {
		form[name] = values[0]
	}
	set := PolicyPage{
		Frame: f, Tenants: tenants, Tenant: tenants[0], Status: admin.TenantStatus{Mandatory: true}, Stricter: true, Modes: modes, RoleModes: append([]string{""}, modes...),
		Phones: []string{"no", "yes", "assigned"}, Days: []string{"0", "30"}, Form: form, Roles: []RoleField{{Role{"admin", "Administrator"}, "role-0", "required"}}, Effective: terms, History: history,
	}
	requests := RequestsPage{Frame: f, Rows: []RequestRow{
		{admin.Request{ID: "ABCDEF", Asked: at, Expires: at, Approvable: true}, tenants[0], "Another policy for Acme", "Bo Singh", "", terms, []string{"Some of it requires less than before."}, false},
		{admin.Request{ID: "GHIJKL", Asked: at, Expires: at}, tenants[0], "Delete an account", "Bo Singh", "“Mika Berg”", nil, nil, true},
	}}
	who := []string{"tenant", "user"}
	with := func(field string) []string { return append([]string{field}, who...) }
	closes := web.SampleForm{To: "window/close"}
	return []web.Sample{
		{Page: "admin-people", Data: &people, Forms: []web.SampleForm{closes, {To: "people/change", Fields: []string{"person", "do", "all", "scope", "tenant", "q", "filter"}}}},
		{Page: "admin-people", Data: &empty},
		{Page: "admin-person", Data: &person, Forms: []web.SampleForm{
			closes, {To: "person/reset", Fields: with("scope")}, {To: "person/restore", Fields: with("authenticator")}, {To: "person/issue", Fields: who},
			{To: "person/unlock", Fields: who}, {To: "person/grace", Fields: with("until")}, {To: "person/phone", Fields: with("number")},
			{To: "person/revoke", Fields: with("browser")}, {To: "person/exempt", Fields: with("machine")}, {To: "person/end-exemption", Fields: who},
			{To: "person/forget", Fields: who},
		}},
		{Page: "admin-person", Data: &self},
		{Page: "admin-confirm", Data: &confirm, Forms: []web.SampleForm{{To: "person/reset", Fields: []string{"scope", "totpflow_code", "totpflow_code2"}}}},
		{Page: "admin-confirm", Data: &noCode, Forms: []web.SampleForm{{To: "person/reset", Fields: []string{"scope", "totpflow_confirm"}}}},
		{Page: "admin-confirm", Data: &needs},
		{Page: "admin-policy", Data: &set, Forms: []web.SampleForm{
			closes, {To: "policy/set", Fields: []string{"tenant", "mode", "role-0", "grace", "deadline", "browsers", "codes", "phones", "issued", "two"}},
		}},
		{Page: "admin-requests", Data: &requests, Forms: []web.SampleForm{
			closes, {To: "requests/ABCDEF/approve", Fields: []string{"tenant"}}, {To: "requests/ABCDEF/withdraw", Fields: []string{"tenant"}},
		}},
		{Page: "admin-requests", Data: &RequestsPage{Frame: f}},
	}
}
