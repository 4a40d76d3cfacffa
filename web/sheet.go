package web

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

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
