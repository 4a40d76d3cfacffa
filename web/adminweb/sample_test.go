package adminweb

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/web"
	"github.com/totpflow/totpflow/web/memhost"
)

var update = flag.Bool("update", false, "write the golden files again")

// sampled returns pages that are as full as possible, in the order of their files.
func sampled(t *testing.T, p *Pages, l *web.Language) (pages []string, data []any) {
	t.Helper()
	at := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	id := totpflow.AccountID{Tenant: "acme-0123456789", User: "0c8f3a52-4f43-4e6f-9c5d-1f6f9ab0c001"}
	mika := Person{ID: id, Name: "Mika Berg", Address: "mika.berg@acme.example", Role: "Administrator"}
	f := Frame{Common: web.Common{Product: "Acme Backup", Title: "Title", Notice: "Notice", Error: "Error", Account: "bo@acme.example"}, Waiting: 2, Helps: []string{"Mika Berg"}, Until: at}
	number, err := phone.ParseNumber("+43 660 1234567")
	require.NoError(t, err)
	m := admin.Member{
		ID: id, State: admin.StateFrozen, Authenticators: 2, Apps: []totpflow.Authenticator{{ID: "a", Name: "Phone", Added: at, Used: at}, {ID: "b", Name: "Tablet", Added: at}},
		Phones: 1, Numbers: []phone.Phone{{ID: "p", Number: number}}, Recoverable: []enroll.Recoverable{{ID: "c", Name: "Old", Added: at}},
		Browsers: []totpflow.Browser{{ID: "b", Label: "Firefox on Linux", Expires: at}}, RecoveryCodesLeft: 9, ResetAt: at, NeedsCode: true, FrozenAt: at,
		Throttled: &throttle.Error{Until: at}, Machine: "agent", Updated: at,
	}
	tenants := []Tenant{{"acme-0123456789", "Acme"}, {"globex", "Globex"}}
	people := PeoplePage{
		Frame: f, Races: 2, Tenants: tenants, Tenant: "globex", Search: "m", Filter: "missing", Filters: filterNames, Next: "/2fa-admin/people?from=15", Partly: true, Set: 12, Of: 15,
		Tally: admin.Tally{Reset: 1, Frozen: 2, Exempt: 3}, Alerts: []alertRow{{Alert{At: at, Guesses: 51}, []Person{mika}, 3}}, Mails: true, Reminds: true, Scope: "codes", All: true, Ticked: map[string]bool{personKey(id): true},
	}
	for i := range perPage + perPage/5 { // the maximum for a page
		row := Row{Person: mika, Key: personKey(id), Tenant: "Acme", Member: m, Self: i == 3}
		people.Rows = append(people.Rows, row)
	}
	empty := PeoplePage{Frame: Frame{}, Tenants: tenants[:1], Filters: filterNames, Next: "/2fa-admin/people?from=15"}
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
	roles, err := policy.NewRoles(map[string]policy.Mode{"admin": policy.Required})
	require.NoError(t, err)
	before, after := policy.Policy{Mode: policy.Required, Grace: 14 * oneDay, Roles: roles}, policy.Policy{Mode: policy.Optional, Deadline: at, BrowserAge: -1, Methods: policy.App | policy.Phone, AssignedPhones: true, IssuedCode: true, TwoAdministrators: true}
	terms := p.terms(l, before, after)
	confirm := ConfirmPage{
		Frame: f, CodeField: web.CodeField{Recovery: true, Pair: true, Wait: "Wait"}, Doing: "Reset recovery codes of Mika Berg", Details: []string{"One", "Two"}, Terms: terms, Danger: true,
		To: "/2fa-admin/person/reset", Fields: []web.Field{{Name: "scope", Value: "codes"}}, Back: "/",
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
		{admin.Request{ID: "ABCDEF", Asked: at, Expires: at, Approvable: true}, tenants[0], "Another policy for Acme", "Bo Singh", "", terms, false},
		{admin.Request{ID: "GHIJKL", Asked: at, Expires: at}, tenants[0], "Delete an account", "Bo Singh", "“Mika Berg”", nil, true},
	}}
	return []string{"admin-people", "admin-people", "admin-person", "admin-person", "admin-confirm", "admin-confirm", "admin-confirm", "admin-policy", "admin-requests", "admin-requests"},
		[]any{&people, &empty, &person, &self, &confirm, &noCode, &needs, &set, &requests, &RequestsPage{Frame: f}}
}

func newPages(t *testing.T) *Pages {
	t.Helper()
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	s, err := totpflow.New(totpflow.Config{Issuer: "Acme Backup", Store: store.NewMemory(), Keys: keys})
	require.NoError(t, err)
	w, err := web.New(web.Config{Service: s, Host: memhost.New(), Product: "Acme Backup"})
	require.NoError(t, err)
	p, err := New(Config{Web: w, Admin: admin.New(s, nil), Directory: &Memory{}, Roles: []Role{{"admin", "Administrator"}}})
	require.NoError(t, err)
	return p
}

// Every page renders in every language, is under 10 kB without the host's layout, has one
// heading of the first rank, and names every field, table and region for screen readers. The
// English ones are in testdata.
func TestPages(t *testing.T) {
	p := newPages(t)
	for _, l := range p.section.Languages() {
		names, data := sampled(t, p, l)
		for i, name := range names {
			content, err := p.section.Content(l, name, data[i])
			require.NoError(t, err, "%s: %s", l.Tag(), name)
			require.Less(t, len(content), 10_000, "%s: %s %d", l.Tag(), name, i)
			requireNames(t, string(content), l.Tag()+": "+name)
			if l.Tag() == "en" {
				golden(t, fmt.Sprintf("%02d-%s.html", i, name), string(content))
			}
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "pages", name)
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "run go test -update where the change is meant")
}

// requireNames requires that a page can be used with a screen reader.
func requireNames(t *testing.T, page, what string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	require.NoError(t, err)
	ids, labels, headings := map[string]int{}, map[string]bool{}, 0
	attr := func(n *html.Node, name string) string {
		for _, a := range n.Attr {
			if a.Key == name {
				return a.Val
			}
		}
		return ""
	}
	for n := range root.Descendants() {
		if id := attr(n, "id"); id != "" {
			ids[id]++
		}
		labels[attr(n, "for")] = true
	}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "h1":
			headings++
		case "nav":
			require.NotEmpty(t, attr(n, "aria-label"), "%s: a nav", what)
		case "section":
			if by := attr(n, "aria-labelledby"); by != "" {
				require.Equal(t, 1, ids[by], "%s: %s", what, by)
			}
		case "table":
			require.Equal(t, "caption", n.FirstChild.Data, what)
			require.Equal(t, "table", attr(n, "role"), what)
		case "thead", "tbody":
			require.Equal(t, "rowgroup", attr(n, "role"), what)
		case "tr": // which a narrow page shows as a grid: a browser may then forget what it is
			require.Equal(t, "row", attr(n, "role"), what)
		case "td":
			require.Equal(t, "cell", attr(n, "role"), what)
		case "th":
			require.Regexp(t, "^(column|row)header$", attr(n, "role"), what)
		case "input", "select":
			named := attr(n, "type") == "hidden" || attr(n, "aria-label") != "" || labels[attr(n, "id")] && attr(n, "id") != "" || n.Parent.Data == "label"
			require.True(t, named, "%s: the field %s has no name", what, attr(n, "name"))
		case "script", "style":
			t.Errorf("%s: %s", what, n.Data)
		}
		for _, a := range n.Attr {
			require.False(t, strings.HasPrefix(a.Key, "on") || a.Key == "style", "%s: %s", what, a.Key)
		}
	}
	require.Equal(t, 1, headings, what)
	for id, n := range ids {
		require.Equal(t, 1, n, "%s: the id %s", what, id)
	}
}

// words reads the texts of a language by id and plural form.
func words(t *testing.T, tag string) map[string]string {
	t.Helper()
	raw, err := fs.ReadFile(Catalogues(), tag+".json")
	require.NoError(t, err)
	var groups map[string]map[string]any
	require.NoError(t, json.NewDecoder(bytes.NewReader(raw)).Decode(&groups))
	texts := map[string]string{}
	for group, entries := range groups {
		for name, entry := range entries {
			if text, ok := entry.(string); ok {
				texts[group+"."+name] = text
				continue
			}
			for form, text := range entry.(map[string]any) {
				texts[group+"."+name+" "+form] = text.(string)
			}
		}
	}
	return texts
}

var (
	argument = regexp.MustCompile(`{{[^}]*}}`)
	markup   = regexp.MustCompile(`</?[a-z][^>]*>`)
)

// Every text exists in every language, with the same arguments and markup, and with the
// language's own quotation marks.
func TestWords(t *testing.T) {
	english := words(t, "en")
	for tag, wrong := range map[string]string{
		"en": `[„«»]|\.\.\.|--`,
		"de": `[”«»]|\b([Dd]u|[Dd]ein\w*|[Dd]ir|[Dd]ich)\b|\.\.\.|--|2FA\b`,
		"es": `[„“”]|\b(tú|tu|tus|te|contigo)\b|\.\.\.|--`,
	} {
		texts := words(t, tag)
		require.ElementsMatch(t, slices.Collect(maps.Keys(english)), slices.Collect(maps.Keys(texts)), tag)
		for id, text := range texts {
			sorted := func(what *regexp.Regexp, s string) []string {
				return slices.Compact(slices.Sorted(slices.Values(what.FindAllString(s, -1))))
			}
			require.Equal(t, sorted(argument, english[id]), sorted(argument, text), "%s: %s", tag, id)
			require.Equal(t, sorted(markup, english[id]), sorted(markup, text), "%s: %s", tag, id)
			plain := regexp.MustCompile(`="[^"]*"`).ReplaceAllString(text, "")
			require.NotRegexp(t, wrong, plain, "%s: %s", tag, id)
			require.NotContains(t, plain, `"`, "%s: %s", tag, id)
			require.NotContains(t, plain, "'", "%s: %s", tag, id)
		}
	}
}

// Every error that a page explains has its text.
func TestEveryErrorHasAText(t *testing.T) {
	p := newPages(t)
	for _, l := range p.section.Languages() {
		for _, known := range errorTexts {
			_, err := l.Find("refused." + known.text)
			require.NoError(t, err)
		}
	}
	for _, c := range []Config{{}, {Web: p.Web}, {Web: p.Web, Directory: &Memory{}, Prefix: "office"}, {Web: p.Web, Directory: &Memory{}, Prefix: "/a{b}"}} {
		_, err := New(c)
		require.ErrorIs(t, err, web.ErrConfig)
	}
}
