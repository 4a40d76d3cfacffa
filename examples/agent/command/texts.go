package command

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Everything that the agent says to people is in package words, and is put together here.
// The output for scripts, which is the words of --json and the exit codes, is the same in
// every language.

// text returns a text in the language of the terminal. It cleans the names among its
// arguments, because anyone may have chosen them.
func (a *asker) text(id string, args ...any) string {
	for i, value := range args {
		if s, ok := value.(string); ok {
			args[i] = clean(s)
		}
	}
	return a.words.Say("agent."+id, args...)
}

// invocations matches the commands as a command line has them, in every language.
var invocations = regexp.MustCompile(`\bagent (` + strings.Join(order, "|") + `)\b`)

// here returns a text that names commands in the form that works here: the shell has no
// "agent" in front of them.
func (a *agent) here(text string) string {
	if !a.inside {
		return text
	}
	return invocations.ReplaceAllString(text, "$1")
}

// wordMail is what a person types in place of a code if they have one in a mail.
const wordMail = "mail"

func (a *agent) usage(all map[string]command) string {
	var b strings.Builder
	b.WriteString(a.text("usage") + "\n\n")
	for _, name := range order {
		help := strings.Split(wrap(a.text("help-"+name), 79-23), "\n")
		fmt.Fprintf(&b, "  %-20s %s\n", strings.TrimSpace(name+" "+all[name].args), strings.Join(help, "\n"+strings.Repeat(" ", 23)))
	}
	b.WriteString(wrap(a.text("usageEnd"), 79))
	return b.String()
}

func (a *agent) textUsageOf(name, args string) string {
	return a.text("usageOf", "Command", strings.TrimSpace("agent "+name+" "+args))
}

func (a *agent) textWait(until time.Time, pair bool, now time.Time) string {
	switch {
	case pair && until.IsZero():
		return a.text("waitOnlyPair")
	case until.IsZero():
		return a.text("waitAdmin")
	case pair:
		return a.text("waitPair", "Wait", a.words.Span(until.Sub(now)))
	}
	return a.text("wait", "Wait", a.words.Span(until.Sub(now)))
}

func (a *agent) textClock(off time.Duration) string {
	if off < 0 {
		return a.text("behind", "Off", a.words.Span(-off))
	}
	return a.text("ahead", "Off", a.words.Span(off))
}

func (a *agent) textRecoveryCodes(codes []string) string {
	var b strings.Builder
	b.WriteString(a.text("recoveryCodes") + "\n")
	for _, code := range codes {
		b.WriteString("\n  " + clean(code))
	}
	return b.String()
}

func (a *agent) textStatus(s standing) string {
	var rows [][2]string
	row := func(name, value string) {
		if value != "" {
			rows = append(rows, [2]string{name, clean(value)})
		}
	}
	row(a.text("state"), map[string]string{"signed-out": a.text("signed-out"), "locked": a.text("state-locked"), "unlocked": a.text("unlocked")}[s.State])
	if s.LocksAt != nil {
		row(a.text("locks"), a.text("locksAt", "At", a.textTime(*s.LocksAt)))
	}
	row(a.text("rowServer"), s.Server)
	row(a.text("account"), s.Email)
	row(a.text("organisation"), s.Organisation)
	row(a.text("keptIn"), map[string]string{"keyring": a.text("keyring"), "file": a.text("file")}[s.KeptIn])
	row(a.text("factor"), a.factor(s.SecondFactor))
	if s.RecoveryCodesLeft != nil {
		row(a.text("codes"), a.text("codesLeft", "Count", *s.RecoveryCodesLeft))
	}
	row(a.text("job"), s.Machine)

	column := 17
	for _, r := range rows {
		column = max(column, utf8.RuneCountInString(r[0])+2)
	}
	lines := make([]string, len(rows))
	for i, r := range rows {
		lines[i] = r[0] + strings.Repeat(" ", column-utf8.RuneCountInString(r[0])) + r[1]
	}
	return strings.Join(lines, "\n")
}

// factor returns the text for a state of the second factor. A state that only a later
// server knows is shown as it is.
func (a *agent) factor(state string) string {
	text, err := a.words.Find("factor." + state)
	if err != nil {
		return state
	}
	return text
}

// textTime is the same in every language, because the times in a list are aligned in
// columns. It is in the zone of the clock on the wall.
func (a *agent) textTime(t time.Time) string {
	return t.In(a.Now().Location()).Format("2006-01-02 15:04 MST")
}

// wrap breaks lines between words, so that no line is longer than width; 0 means no
// limit. A single word that is longer stays whole, because it may be a key.
func wrap(text string, width int) string {
	if width <= 0 {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if utf8.RuneCountInString(line) <= width {
			continue
		}
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		now := ""
		var broken []string
		for _, word := range strings.Fields(line) {
			switch {
			case now == "":
				now = indent + word
			case utf8.RuneCountInString(now)+1+utf8.RuneCountInString(word) <= width:
				now += " " + word
			default:
				broken, now = append(broken, now), indent+word
			}
		}
		lines[i] = strings.Join(append(broken, now), "\n")
	}
	return strings.Join(lines, "\n")
}

// clean prevents a name that somebody else has chosen from repainting the terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// printable returns a name that the server accepts. The server refuses names that repaint
// a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return '-'
		}
		return r
	}, s)
}

// plain returns JSON whose texts do not repaint the terminal either: the encoder does not
// escape control characters beyond ASCII.
func plain(text []byte) string {
	var b strings.Builder
	for _, r := range string(text) {
		if r == '\n' || unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}
