package web

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/net/html"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/recovery"
)

// A sample is a page with made-up data, and the forms that it must have then. They are
// rendered in every language: a text, a field or a form that a host's template lacks is
// found when the program starts, not when somebody needs that page.
type sample struct {
	page  string
	data  pageData
	forms []sampleForm
}

// A sampleForm is a form of a page: where it goes, and its fields.
type sampleForm struct {
	to     string // a page's name
	fields []string
}

func (h *Web) samples() []sample {
	at := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	common := Common{Product: h.Product, Title: "Title", Notice: "Notice", Error: "Error", Account: "ana@acme.example", now: at}
	calm := Common{Product: h.Product, Title: "Title", now: at}
	step := SecondStep{common, true, true, true, true}
	number, err := phone.ParseNumber("+43 660 1234567")
	if err != nil { // unreachable
		number = phone.Number{}
	}
	phones := []phone.Phone{{ID: "p1", Number: number, Added: at, Used: at}, {ID: "p2", Number: number, Added: at, Used: at}}
	authenticators := []totpflow.Authenticator{{ID: "a1", Name: "Phone", Added: at, Used: at}, {ID: "a2", Name: "Tablet", Added: at}}
	codes := []string{"ABCD-EFGH-JKMN-PQRS", "TVWX-YZ23-4567-89AB"}
	sheet := SheetPage{Common: common, Codes: codes, Secret: "JBSW Y3DP", QR: "data:image/png;base64,AAAA", QRSize: 342, Site: "backup.example/signin", Made: at, Cleared: []string{"Phone"}, Text: "data:text/plain,x", Next: "/"}
	setup := SetupPage{
		Common: common, QR: "data:image/png;base64,AAAA", QRSize: 342, Link: "otpauth://totp/x", Secret: "JBSW Y3DP", Expires: at.Add(15 * time.Minute),
		Clears: []string{"Phone"}, Codes: true, Phone: true, Required: true, Later: "/", Apps: apps, MaxName: 40,
	}
	adds, recovers, grace := setup, setup, setup
	adds.Adds, adds.Clears, adds.Required = true, nil, false
	recovers.Required, recovers.Recovers, recovers.Left = false, true, 1
	grace.Required, grace.GraceUntil, grace.Clears = false, at.Add(time.Hour), nil
	onlyKey, added := sheet, sheet
	onlyKey.Codes = nil
	added.Added, added.Codes, added.Cleared = true, nil, nil
	security := SecurityPage{
		Common: common, Enrolled: true, Authenticators: authenticators, Names: []string{"Phone", "Tablet"}, MaxName: 40, Phones: phones, MorePhones: true,
		PhonesAllowed: true, Recovery: true, RecoveryCodes: recovery.Summary{Left: 9, Total: 10, Made: at},
		Browsers: []totpflow.Browser{{ID: "b1", Label: "Firefox on Linux", Issued: at, Seen: at, Expires: at, Here: true}},
		Activity: []event.Event{{Kind: event.RecoveryUsed, At: at, Remaining: 9, Source: event.Source{Address: "192.0.2.7"}}, {Kind: event.Reset, At: at, Actor: "admin"}},
		Home:     "/", Others: []OtherAccount{{"ana@partner.example", "k1", false}, {"ana@other.example", "k2", true}},
	}
	bare := SecurityPage{Common: calm, MaxName: 40, Assigned: "+43 ••• 67", AssignedOnly: true, MorePhones: true, Home: "/"}
	one := security
	one.Authenticators, one.Names, one.Few, one.Required, one.Browsers, one.PhonesAllowed = authenticators[:1], []string{"Phone"}, true, true, nil, false
	saved := security
	saved.RecoveryCodes.Saved, saved.Full = at, true
	byPhone := bare
	byPhone.Enrolled, byPhone.Phones = true, phones
	changes := []sampleForm{
		{"security/rename/a1", []string{"name"}}, {"security/remove/a1", nil}, {"security/add", nil}, {"security/replace", nil},
		{"security/remove-phone/p1", nil}, {"security/recovery-codes", nil}, {"security/revoke/b1", nil}, {"security/revoke-all", nil},
		{"security/end-sessions", nil}, {"security/disable", nil}, {"security/other", []string{"account"}},
	}
	stepup := StepUpPage{
		Common: common, Doing: "Delete backup", Target: "files-01", Danger: true, Action: h.Path("sample"), Fields: []Field{{"note", "x"}},
		Recovery: true, Back: "/",
	}
	pair, app, needs, byPassword := stepup, stepup, stepup, stepup
	pair.Pair, pair.Wait = true, "Wait"
	app.Recovery = false
	needs.NeedsApp = true
	byPassword.NeedsApp, byPassword.Password = true, true
	which := WhichPage{Common: common, Authenticators: authenticators, Names: []string{"Phone", "Tablet"}, Later: "/"}
	proof := []string{"note", own + "code", own + "back"}
	return []sample{
		{"code", &CodePage{step, false, "", time.Hour, true}, []sampleForm{{"code", []string{"code", "trust"}}}},
		{"code", &CodePage{SecondStep{Common: calm, App: true}, true, "Wait", 0, false}, []sampleForm{{"code", []string{"code", "code2"}}}},
		{"recovery", &RecoveryPage{step, "ABCD"}, []sampleForm{{"recovery", []string{"recovery_code"}}}},
		{"issued", &IssuedPage{step, "ABCD"}, []sampleForm{{"issued", []string{"issued_code"}}}},
		{"issued", &IssuedPage{SecondStep{Common: calm, Issued: true}, ""}, []sampleForm{{"issued", []string{"issued_code"}}}},
		{"phone-code", &PhoneCodePage{step, phones, "p1", "p1", phone.SMS, true, false, "Wait"}, []sampleForm{{"phone-code", []string{"phone_code", "phone", "via"}}, {"phone-code/send", []string{"phone", "via"}}}},
		{"phone-code", &PhoneCodePage{SecondStep{Common: calm, ByPhone: true}, phones[:1], "", "", "", false, false, ""}, []sampleForm{{"phone-code/send", []string{"via"}}}},
		{"phone-code", &PhoneCodePage{SecondStep{Common: calm, ByPhone: true}, phones[:1], "p1", "p1", phone.Voice, true, true, ""}, []sampleForm{{"phone-code", []string{"phone_code"}}, {"phone-code/send", []string{"via"}}}},
		{"replace", &ReplacePage{step, false, ""}, []sampleForm{{"replace", []string{"code"}}}},
		{"replace", &ReplacePage{SecondStep{Common: calm, App: true}, true, "Wait"}, []sampleForm{{"replace", []string{"code", "code2"}}}},
		{"which", &which, []sampleForm{{"setup/which", []string{"goes"}}}},
		{"setup", &setup, []sampleForm{{"setup", []string{"code", "app", "name"}}, {"signout", nil}}},
		{"setup", &adds, []sampleForm{{"setup", []string{"code", "name"}}}},
		{"setup", &recovers, []sampleForm{{"setup", []string{"code"}}}},
		{"setup", &grace, []sampleForm{{"setup", []string{"code"}}}},
		{"password", &PasswordPage{common, "phone", "/"}, []sampleForm{{"setup/password", []string{"password", "to"}}}},
		{"other", &OtherPage{common, "k1", "/"}, []sampleForm{{"security/other", []string{"account", "password"}}}},
		{"sheet", &sheet, []sampleForm{{"security/saved", []string{"next"}}}},
		{"sheet", &onlyKey, nil},
		{"sheet", &added, nil},
		{"phone", &PhonePage{common, "+43", "", true, false, true}, []sampleForm{{"phone", []string{"number", "via"}}}},
		{"phone", &PhonePage{calm, "", "+43 ••• 67", false, true, false}, []sampleForm{{"phone", []string{"via"}}}},
		{"phone-confirm", &PhoneConfirmPage{common, "+43 ••• 67", phone.SMS, false, true, true}, []sampleForm{{"phone/confirm", []string{"phone_code"}}, {"phone/send", []string{"via"}}}},
		{"phone-confirm", &PhoneConfirmPage{calm, "+43 ••• 67", phone.Voice, true, false, false}, []sampleForm{{"phone/confirm", []string{"phone_code"}}, {"phone/send", []string{"via"}}}},
		{"security", &security, changes},
		{"security", &bare, nil},
		{"security", &one, []sampleForm{{"security/rename/a1", []string{"name"}}, {"security/add", nil}, {"security/replace", nil}}},
		{"security", &saved, changes[:2]},
		{"security", &byPhone, nil},
		{"stepup", &stepup, []sampleForm{{"sample", proof}}},
		{"stepup", &pair, []sampleForm{{"sample", append([]string{own + "code2"}, proof...)}}},
		{"stepup", &app, []sampleForm{{"sample", proof}}},
		{"stepup", &needs, nil},
		{"stepup", &byPassword, []sampleForm{{"sample", []string{own + "password"}}}},
		{"not-me", &DisownPage{calm, "x", event.Event{Kind: event.Reset, At: at}, false}, []sampleForm{{"not-me", []string{"event"}}}},
		{"not-me", &DisownPage{common, "x", event.Event{}, false}, nil},
		{"not-me", &DisownPage{calm, "", event.Event{}, true}, nil},
		{"ended", &EndedPage{common, "Text", h.SignIn, "/"}, nil},
		{"problem", &ProblemPage{common, "/"}, nil},
	}
}

// tryPages renders every sample in every language.
func (h *Web) tryPages() error {
	samples := h.samples()
	for _, l := range h.languages.all {
		for _, s := range samples {
			content, err := h.content(l, s.page, s.data)
			if err == nil {
				err = lacks(string(content), h, s.forms)
			}
			if err == nil {
				_, err = h.content(l, "layout", Page{Product: h.Product, Title: "Title", Language: l.Tag(), Head: h.head(""), Content: content, Back: "/"})
			}
			if err != nil {
				return fmt.Errorf("%w: %s.html in %s: %w", ErrConfig, s.page, l.Tag(), err)
			}
		}
	}
	return nil
}

// lacks reports a form, or a field of one, that the page does not have.
func lacks(content string, h *Web, forms []sampleForm) error {
	root, err := html.Parse(strings.NewReader(content))
	if err != nil {
		return err
	}
	for _, want := range forms {
		var found *html.Node
		for n := range root.Descendants() {
			if n.Type == html.ElementNode && n.Data == "form" && attribute(n, "action") == h.Path(want.to) && strings.EqualFold(attribute(n, "method"), "post") {
				found = n
				break
			}
		}
		if found == nil {
			return fmt.Errorf("there is no form with method post and action %s", h.Path(want.to))
		}
		for _, field := range want.fields {
			if err := hasField(found, field); err != nil {
				return fmt.Errorf("the form to %s: %w", h.Path(want.to), err)
			}
		}
	}
	return nil
}

func hasField(form *html.Node, name string) error {
	for n := range form.Descendants() {
		if n.Type == html.ElementNode && attribute(n, "name") == name {
			return nil
		}
	}
	return errors.New("there is no field " + name)
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
