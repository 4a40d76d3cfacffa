package web

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/recovery"
)

// A SheetPage shows the data that cannot be shown again: the recovery codes, the key of a
// new authenticator, or both. With codes, its form posts to path "security/saved"
// with the field next.
type SheetPage struct {
	Common
	Codes         []string
	Secret        string       // the key in groups of four
	QR            template.URL // the QR code of the key; empty where there is none
	QRSize        int
	Site          string // the address where the person signs in
	Made          time.Time
	Authenticator string   // the name of the new one; empty where there is none
	Cleared       []string // authenticators that have stopped working
	Added         bool     // it was added to others
	CodesStay     bool     // the recovery codes that the person has stay valid
	Text          template.URL
	Next          string // the page that follows
}

// sheetPage shows the data that cannot be shown again, and does not keep it. The page comes
// with what is known about the enrollment, and with the page that follows.
func (h *Web) sheetPage(w http.ResponseWriter, r *http.Request, sheet recovery.Sheet, o enroll.Offer, p *SheetPage) (err error) {
	l := h.spoken(r)
	p.Account, p.Codes, p.Secret, p.Made = sheet.Account, sheet.Codes, inFours(sheet.Secret), sheet.Made
	p.Site = orDefault(h.Domain, r.Host) + h.SignIn
	if o.URI() != "" {
		if p.QR, p.QRSize, err = drawn(o); err != nil {
			return err
		}
	}
	if len(p.Codes) == 0 { // the old ones stay, or policy allows none
		p.Title = l.Say("sheet.titleKey")
	}
	// The text is in the page, so that the server need not keep the codes or receive them
	// again.
	p.Text = template.URL("data:text/plain;charset=utf-8," + url.PathEscape(p.text(l, h.Product)))
	return h.show(w, r, "sheet", nil, p)
}

// text returns the sheet as plain text, to be saved as a file. A name cannot add a line
// or a terminal escape to it.
func (p *SheetPage) text(l *Language, product string) string {
	what := "sheet.textTitle"
	if len(p.Codes) == 0 {
		what = "sheet.textTitleKey"
	}
	title := l.Say(what, "Product", printable(product))
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n\n", title, strings.Repeat("=", utf8.RuneCountInString(title)))
	fmt.Fprintf(&b, "%s\n%s\n%s\n\n", l.Say("sheet.textAccount", "Account", printable(p.Account)), l.Say("sheet.textSite", "Site", printable(p.Site)), l.Say("sheet.textMade", "Made", l.Minute(p.Made)))
	if len(p.Codes) > 0 {
		fmt.Fprintf(&b, "%s\n%s\n\n", l.Say("sheet.leadCodes"), l.Say("sheet.keep"))
	}
	for i, code := range p.Codes {
		fmt.Fprintf(&b, "  %2d.  %s\n", i+1, code)
	}
	if p.Secret != "" {
		fmt.Fprintf(&b, "\n%s\n%s\n\n       %s\n", l.Say("sheet.key"), l.Say("sheet.keyUse"), strings.ReplaceAll(p.Secret, " ", ""))
	}
	return b.String()
}

// inFours splits a long text into groups of four, which people can compare and between
// which a line can break.
func inFours(s string) string {
	var groups []string
	for s != "" {
		n := min(4, len(s))
		groups, s = append(groups, s[:n]), s[n:]
	}
	return strings.Join(groups, " ")
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}
