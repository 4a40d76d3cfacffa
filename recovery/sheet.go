package recovery

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A Sheet is for the person to print or save when codes were made. It REVEALS them in
// [Sheet.Text], in its fields and in JSON only: printed or logged it is a placeholder. Do
// not keep it.
type Sheet struct {
	Issuer  string    // the product, as the person knows it
	Account string    // the name the person signs in with
	Secret  string    // the authenticator's enrollment key, to print it too; may be empty
	Codes   []string  // as [New] returned them
	Made    time.Time // printed in UTC
}

// Text returns the sheet as plain text of at most 78 columns (a long account
// name apart), ending in a newline. It is made to be saved as a file or
// printed; nothing in a name can add a line or a terminal escape.
func (s Sheet) Text() string {
	var b strings.Builder
	title := "Recovery codes"
	if issuer := printable(s.Issuer); issuer != "" {
		title += " for " + issuer
	}
	fmt.Fprintf(&b, "%s\n%s\n\n", title, strings.Repeat("=", utf8.RuneCountInString(title)))
	if account := printable(s.Account); account != "" {
		fmt.Fprintf(&b, "Account:  %s\n", account)
	}
	if !s.Made.IsZero() {
		fmt.Fprintf(&b, "Made on:  %s\n", s.Made.UTC().Format("2 January 2006, 15:04 UTC"))
	}
	b.WriteString(instructions)
	for i, code := range s.Codes {
		fmt.Fprintf(&b, "  %2d.  %s\n", i+1, printable(code))
	}
	if s.Secret != "" {
		fmt.Fprintf(&b, setupKey, fours(printable(s.Secret)))
	}
	return b.String()
}

const instructions = `
When you cannot use your authenticator app, sign in with your password and
one of these codes. Each code works once: cross it out when you have used it.

Keep this page where only you can find it, for example in a locked drawer or
in a password manager, and not on the phone that has the authenticator app.
Nobody who helps you will ever ask you for one of these codes.
When you make new codes, all of these stop working.

`

const setupKey = `
Set-up key of your authenticator app, to set up the same account on another
device. Anyone who has this key can make your codes: guard it like the codes.

       %s
`

// Format writes a placeholder for every verb; [Sheet.Text] reveals.
func (s Sheet) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redactedSheet) }

// LogValue returns a placeholder.
func (s Sheet) LogValue() slog.Value { return slog.StringValue(redactedSheet) }

const redactedSheet = "recovery.Sheet(redacted)"

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// fours sets a key in groups of four, as it is typed.
func fours(key string) string {
	var b strings.Builder
	n := 0
	for _, r := range key {
		if r == ' ' {
			continue
		}
		if n > 0 && n%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}
