// Package letters writes the mails of a product with the pages of package web: what has
// changed in a person's account, with the link "it was not me", reminders to set up, and
// codes from an administrator. Begin with [New]. It stores and sends nothing. It defends
// against links that a request has forged and against names that pretend to be lines of
// the letter. Sending the letters is left to you.
//
// Letters are plain text. Their texts are in the languages of [web.Catalogues], and
// [web.Config.Catalogues] changes them as it does those of the pages.
//
//	all, err := letters.New(letters.Config{Web: pages, Site: "https://backup.example"})
//	totpflow.Config{Notifier: event.NotifierFunc(func(ctx context.Context, n event.Notification) error {
//		to, address := …                          // the person n.User
//		return send(address, all.About(to, n))
//	})}
package letters

import (
	"cmp"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/web"
)

// A Config configures the letters. Both fields are required.
type Config struct {
	// Web has the product's name, the languages and the addresses of the pages.
	Web *web.Web

	// Site is the scheme and host of the pages, such as "https://backup.example", for the
	// links. It never comes from a request, which may name any host: the letter would
	// lead people to it.
	Site string
}

// Letters writes letters. It is safe for concurrent use.
type Letters struct {
	Config
	section *web.Section
}

// A Person is the recipient of a letter. Account is required.
type Person struct {
	Name         string // such as "Ana Lee"; empty: the account
	Account      string // the name that the person signs in with
	Organisation string // the organisation, for people who may have accounts in several
	Language     string // the language that the person reads, as a tag such as "de"; English if there are no texts in it
}

// A Letter is a mail in plain text. The lines of Text end with "\n". Text may have a recovery
// code, or a link that closes the account: printed or logged, the letter is a placeholder.
type Letter struct {
	Subject, Text string
	Language      string // the language of the text, as a tag, for the header Content-Language
}

const redacted = "letters.Letter(redacted)"

// Format writes a placeholder for every verb.
func (l Letter) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns a placeholder.
func (l Letter) LogValue() slog.Value { return slog.StringValue(redacted) }

//go:embed words/*.json
var wordFiles embed.FS

// Catalogues returns the package's own texts. A file of [web.Config.Catalogues] changes
// individual texts, or adds a language.
func Catalogues() fs.FS {
	below, err := fs.Sub(wordFiles, "words")
	if err != nil { // unreachable: the path is fixed
		return wordFiles
	}
	return below
}

// New returns the letters of a product, or an error that wraps [web.ErrConfig]. Like
// [web.Web.Section] it must not be called while requests are served.
func New(c Config) (*Letters, error) {
	if c.Web == nil {
		return nil, fmt.Errorf("%w: Web is missing", web.ErrConfig)
	}
	site, err := url.Parse(c.Site)
	if err != nil || site.Scheme != "https" && site.Scheme != "http" || site.Host == "" || strings.TrimSuffix(c.Site, "/") != site.Scheme+"://"+site.Host {
		return nil, fmt.Errorf("%w: Site is %q; it must be scheme and host, such as https://backup.example", web.ErrConfig, c.Site)
	}
	c.Site = strings.TrimSuffix(c.Site, "/")
	section, err := c.Web.Section(web.SectionConfig{Templates: embed.FS{}, Catalogues: Catalogues()})
	if err != nil {
		return nil, err
	}
	return &Letters{c, section}, nil
}

// language returns the language with this tag, otherwise English.
func (l *Letters) language(tag string) *web.Language {
	all := l.section.Languages()
	return all[max(0, slices.IndexFunc(all, func(x *web.Language) bool { return x.Tag() == tag }))]
}

// About returns the letter about a change of the person's account: to ask whether it was
// them, or to tell them what to set up. A link closes the account, through a page with a
// button, if the person did not do it; it is valid for [totpflow.DisownTokenLifetime].
func (l *Letters) About(to Person, n event.Notification) Letter {
	e, x := n.Main(), l.language(to.Language)
	what, account := Line(x.Happened(e)), to.account(x)
	subject := x.Say("letter.subject", "Product", l.Web.Product, "What", what)
	switch e.Kind {
	case event.SetupReminded, event.GraceBegan, event.GraceExtended:
		until := ""
		if !e.Until.IsZero() {
			until = x.Say("letter.reminderUntil", "Until", x.Minute(e.Until))
		}
		if e.Method == string(totpflow.MethodIssuedCode) {
			until += x.Say("letter.reminderCode")
		}
		return to.letter(x, subject, x.Say("letter.reminder", "Account", account, "Until", until, "Link", l.Site+l.Web.Path("setup")))
	}

	when := x.Minute(e.At)
	switch {
	case e.Actor != "": // an actor's address is not the person's
		what = x.Say("letter.byAdmin", "What", what)
	case e.Source.Address != "":
		when = x.Say("letter.from", "When", when, "Address", Line(e.Source.Address))
	}
	text, notMe := "letter.changed", "letter.notMe"
	if e.Kind.Refusal() { // nothing has changed, but somebody else may know the password
		text, notMe = "letter.refused", "letter.refusedNotMe"
	}
	parts := []string{x.Say(text, "Account", account, "What", what, "When", when)}
	switch token := l.Web.Service.NewDisownToken(e); {
	case e.Kind == event.Frozen:
		parts = append(parts, x.Say("letter.closed"))
	case e.Kind == event.PhoneAssigned && e.Action != "": // not if phones were only removed
		parts = append(parts, x.Say("letter.phone", "Link", l.Site+l.Web.Path("phone")))
	case token != "" && e.Kind != event.Forgotten:
		link := l.Site + l.Web.Path("not-me") + "?event=" + url.QueryEscape(string(token))
		parts = append(parts, x.Say(notMe, "For", x.Span(totpflow.DisownTokenLifetime), "Link", link))
	}
	return to.letter(x, subject, parts...)
}

// Issued returns the letter with a recovery code that an administrator has issued. Send
// it to the person and show it to nobody else: with the password, the code lets them in.
// If you send it, do not also send the letter [Letters.About] the [event.RecoveryIssued]
// of the same code. Your notifier recognises the event by its empty Reason: operators,
// whose codes you do not send, have to give one.
func (l *Letters) Issued(to Person, code admin.IssuedCode) Letter {
	x := l.language(to.Language)
	return to.letter(x, x.Say("letter.issuedSubject", "Product", l.Web.Product),
		x.Say("letter.issued", "Account", to.account(x), "Code", code.Code, "Until", x.Minute(code.Expires)))
}

// account names the account in a text.
func (p Person) account(x *web.Language) string {
	if p.Organisation == "" {
		return Line(p.Account)
	}
	return x.Say("letter.accountOf", "Account", Line(p.Account), "Organisation", Line(p.Organisation))
}

// letter begins with the person's name.
func (p Person) letter(x *web.Language, subject string, parts ...string) Letter {
	name := Line(cmp.Or(p.Name, p.Account))
	text := x.Say("letter.hello", "Name", name) + "\n\n" + strings.Join(parts, "\n")
	return Letter{Subject: Line(subject), Language: x.Tag(), Text: Wrap(text, name, Line(p.Account), Line(p.Organisation))}
}

// Line returns a text that a person has chosen on one line, without spaces around it: a
// name with line breaks in it could otherwise say anything in a letter, and add headers to
// the mail.
func Line(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text))
}

// columns is the longest line that RFC 5322 §2.1.1 recommends.
const columns = 78

// Wrap fills the lines of a letter's paragraphs up to 78 characters, because names in a
// text are shorter or longer than in its catalogue. The names, each of which is a [Line],
// are not broken: otherwise a part of a name could look like a line of the letter. A line
// that begins with a space, such as a link, is not filled. If it is too long, it continues
// at the same indent behind "… ", so that no part of it looks like a line of its own.
func Wrap(text string, names ...string) string {
	const joined = "\x00" // is in no Line
	for _, name := range names {
		text = strings.ReplaceAll(text, name, strings.ReplaceAll(name, " ", joined))
	}
	var lines []string
	open := false // the last line is one of a paragraph
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" || line[0] == ' ' {
			lines, open = append(lines, indented(line)...), false
			continue
		}
		for word := range strings.FieldsFuncSeq(line, func(r rune) bool { return r == ' ' }) {
			last := len(lines) - 1
			if !open || utf8.RuneCountInString(lines[last]+" "+word) > columns {
				lines, open = append(lines, word), true
				continue
			}
			lines[last] += " " + word
		}
	}
	return strings.ReplaceAll(strings.Join(lines, "\n"), joined, " ")
}

// indented breaks a line that begins with spaces, if it is too long.
func indented(line string) (lines []string) {
	text := strings.TrimLeft(line, " ")
	indent := line[:len(line)-len(text)]
	if utf8.RuneCountInString(line) <= columns {
		return []string{line}
	}
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ' ' }) {
		switch last := len(lines) - 1; {
		case last < 0:
			lines = append(lines, indent+word)
		case utf8.RuneCountInString(lines[last]+" "+word) > columns:
			lines = append(lines, indent+"… "+word)
		default:
			lines[last] += " " + word
		}
	}
	return lines
}
