package web

import (
	"errors"
	"fmt"
	"html/template"
	"strings"
	"time"

	"golang.org/x/net/html"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/recovery"
)

// A Sample is a page with made-up data, and the forms that it must have then. Samples are
// rendered in every language: a text, a field or a form that a host's template lacks is
// found when the program starts, not when somebody needs that page.
type Sample struct {
	Page  string // the name of its template, without .html
	Data  any
	Forms []SampleForm
}

// A SampleForm is a form of a page: where it goes, and its fields.
type SampleForm struct {
	To     string // the name of a page
	Fields []string
}

func (h *Web) samples() []Sample {
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
	sheet := SheetPage{Common: common, Codes: codes, Secret: "JBSW Y3DP", QR: "data:image/png;base64,AAAA", QRSize: 342, Site: "backup.example/signin", Made: at, Authenticator: "Tablet", Cleared: []string{"Phone"}, Text: "data:text/plain,x", Next: "/"}
	setup := SetupPage{
		Common: common, QR: "data:image/png;base64,AAAA", QRSize: 342, Link: "otpauth://totp/x", Secret: "JBSW Y3DP", Expires: at.Add(15 * time.Minute),
		Clears: []string{"Phone"}, Codes: true, Phone: true, Required: true, Later: "/", Apps: apps, MaxName: 40,
	}
	adds, recovers, grace, reset := setup, setup, setup, setup
	reset.Reset, reset.Clears = true, nil
	adds.Adds, adds.Clears, adds.Required = true, nil, false
	recovers.Required, recovers.Recovers, recovers.Left = false, true, 1
	grace.Required, grace.GraceUntil, grace.Clears = false, at.Add(time.Hour), nil
	onlyKey, added := sheet, sheet
	onlyKey.Codes = nil
	added.Added, added.CodesStay, added.Codes, added.Cleared = true, true, nil, nil
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
	none, required := one, bare
	none.RecoveryCodes = recovery.Summary{}
	required.Required, required.GraceUntil = true, at.Add(time.Hour)
	byPhone := bare
	byPhone.Enrolled, byPhone.Phones = true, phones
	changes := []SampleForm{
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
	app.Recovery, app.Ends = false, "It ends."
	needs.NeedsApp = true
	byPassword.NeedsApp, byPassword.Password = true, true
	which := WhichPage{Common: common, Authenticators: authenticators, Names: []string{"Phone", "Tablet"}, Later: "/"}
	proof := []string{"note", own + "code", own + "back"}
	return []Sample{
		{"code", &CodePage{step, false, "", time.Hour, true}, []SampleForm{{"code", []string{"code", "trust"}}}},
		{"code", &CodePage{SecondStep{Common: calm, App: true}, true, "Wait", 0, false}, []SampleForm{{"code", []string{"code", "code2"}}}},
		{"recovery", &RecoveryPage{step, "ABCD"}, []SampleForm{{"recovery", []string{"recovery_code"}}}},
		{"recovery", &RecoveryPage{SecondStep{Common: calm, Recovery: true, Issued: true}, ""}, []SampleForm{{"recovery", []string{"recovery_code"}}}},
		{"issued", &IssuedPage{step, "ABCD"}, []SampleForm{{"issued", []string{"issued_code"}}}},
		{"issued", &IssuedPage{SecondStep{Common: calm, Issued: true}, ""}, []SampleForm{{"issued", []string{"issued_code"}}}},
		{"phone-code", &PhoneCodePage{step, phones, "p1", "p1", phone.SMS, true, false, "Wait"}, []SampleForm{{"phone-code", []string{"phone_code", "phone", "via"}}, {"phone-code/send", []string{"phone", "via"}}}},
		{"phone-code", &PhoneCodePage{SecondStep{Common: calm, ByPhone: true}, phones[:1], "", "", "", false, false, ""}, []SampleForm{{"phone-code/send", []string{"via"}}}},
		{"phone-code", &PhoneCodePage{SecondStep{Common: calm, ByPhone: true}, phones[:1], "p1", "p1", phone.Voice, true, true, ""}, []SampleForm{{"phone-code", []string{"phone_code"}}, {"phone-code/send", []string{"via"}}}},
		{"replace", &ReplacePage{step, false, ""}, []SampleForm{{"replace", []string{"code"}}}},
		{"replace", &ReplacePage{SecondStep{Common: calm, App: true}, true, "Wait"}, []SampleForm{{"replace", []string{"code", "code2"}}}},
		{"which", &which, []SampleForm{{"setup/which", []string{"goes"}}}},
		{"setup", &setup, []SampleForm{{"setup", []string{"code", "app", "name"}}, {"signout", nil}}},
		{"setup", &adds, []SampleForm{{"setup", []string{"code", "name"}}}},
		{"setup", &recovers, []SampleForm{{"setup", []string{"code"}}}},
		{"setup", &grace, []SampleForm{{"setup", []string{"code"}}}},
		{"setup", &reset, []SampleForm{{"setup", []string{"code"}}, {"signout", nil}}},
		{"password", &PasswordPage{common, "phone", "/"}, []SampleForm{{"setup/password", []string{"password", "to"}}}},
		{"other", &OtherPage{common, "k1", "/"}, []SampleForm{{"security/other", []string{"account", "password"}}}},
		{"sheet", &sheet, []SampleForm{{"security/saved", []string{"next"}}}},
		{"sheet", &onlyKey, nil},
		{"sheet", &added, nil},
		{"phone", &PhonePage{common, "+43", "", true, false, true}, []SampleForm{{"phone", []string{"number", "via"}}}},
		{"phone", &PhonePage{calm, "", "+43 ••• 67", false, true, false}, []SampleForm{{"phone", []string{"via"}}}},
		{"phone-confirm", &PhoneConfirmPage{common, "+43 ••• 67", phone.SMS, false, true, true}, []SampleForm{{"phone/confirm", []string{"phone_code"}}, {"phone/send", []string{"via"}}}},
		{"phone-confirm", &PhoneConfirmPage{calm, "+43 ••• 67", phone.Voice, true, false, false}, []SampleForm{{"phone/confirm", []string{"phone_code"}}, {"phone/send", []string{"via"}}}},
		{"security", &security, changes},
		{"security", &bare, nil},
		{"security", &one, []SampleForm{{"security/rename/a1", []string{"name"}}, {"security/add", nil}, {"security/replace", nil}}},
		{"security", &saved, changes[:2]},
		{"security", &byPhone, nil},
		{"security", &none, []SampleForm{{"security/recovery-codes", nil}}},
		{"security", &required, nil},
		{"stepup", &stepup, []SampleForm{{"sample", proof}}},
		{"stepup", &pair, []SampleForm{{"sample", append([]string{own + "code2"}, proof...)}}},
		{"stepup", &app, []SampleForm{{"sample", proof}}},
		{"stepup", &needs, nil},
		{"stepup", &byPassword, []SampleForm{{"sample", []string{own + "password"}}}},
		{"not-me", &DisownPage{calm, "x", event.Event{Kind: event.Reset, At: at}, false}, []SampleForm{{"not-me", []string{"event"}}}},
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
		for _, x := range samples {
			content, err := try(l, x, h.content, h.Path)
			if err == nil {
				_, err = h.content(l, "layout", Page{Product: h.Product, Title: "Title", Language: l.Tag(), Head: h.head(""), Content: content, Back: "/"})
			}
			if err != nil {
				return fmt.Errorf("%w: %s.html in %s: %w", ErrConfig, x.Page, l.Tag(), err)
			}
		}
	}
	return nil
}

// Try renders the section's samples in every language. Its error matches [ErrConfig], and
// says what a template lacks.
func (s *Section) Try(samples func(*Language) []Sample) error {
	for _, l := range s.Languages() {
		for _, x := range samples(l) {
			if _, err := try(l, x, s.Content, s.Path); err != nil {
				return fmt.Errorf("%w: %s.html in %s: %w", ErrConfig, x.Page, l.Tag(), err)
			}
		}
	}
	return nil
}

// try renders a sample, which must have its forms.
func try(l *Language, x Sample, content func(*Language, string, any) (template.HTML, error), path func(page string) string) (template.HTML, error) {
	page, err := content(l, x.Page, x.Data)
	if err != nil {
		return "", err
	}
	return page, lacks(string(page), path, x.Forms)
}

// lacks reports a form, or a field of one, that the page does not have.
func lacks(content string, path func(page string) string, forms []SampleForm) error {
	root, err := html.Parse(strings.NewReader(content))
	if err != nil {
		return err
	}
	for _, want := range forms {
		var found *html.Node
		for n := range root.Descendants() {
			if n.Type == html.ElementNode && n.Data == "form" && attribute(n, "action") == path(want.To) && strings.EqualFold(attribute(n, "method"), "post") {
				found = n
				break
			}
		}
		if found == nil {
			return fmt.Errorf("there is no form with method post and action %s", path(want.To))
		}
		for _, field := range want.Fields {
			if err := hasField(found, field); err != nil {
				return fmt.Errorf("the form to %s: %w", path(want.To), err)
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
