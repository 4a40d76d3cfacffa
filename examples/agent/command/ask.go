package command

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/totpflow/totpflow/examples/internal/words"
	"golang.org/x/term"
)

// An asker puts questions to a person at a terminal. If a script gives the answers, it
// reads one line for each answer instead.
type asker struct {
	System
	words    *words.Language
	keys     *keyboard
	terminal *term.Terminal // one for all questions, because it may hold text that was typed ahead
	lines    *bufio.Reader
	typed    history // the lines typed at the shell's prompt

	// watch is called while a question is open and after it is answered. An error ends
	// the question, and its answer is discarded.
	watch func() error
}

func newAsker(s System) *asker {
	a := &asker{System: s, words: words.OfEnvironment(s.Getenv), watch: func() error { return nil }}
	if s.Raw == nil {
		a.lines = bufio.NewReader(s.In)
	} else {
		a.keys = newKeyboard(s.In)
		a.begin()
	}
	return a
}

// begin takes over the terminal, with nothing typed yet.
func (a *asker) begin() {
	a.keys.forget()
	a.terminal = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{a.keys, a.Err}, "")
}

// person reports whether the answers come from a person, who can be asked again.
func (a *asker) person() bool { return a.terminal != nil }

// A question is something that a person is asked.
type question struct {
	text    string
	hidden  bool // the answer must not appear on the screen
	history term.History
	each    func(say func(string)) error // called now and then until there is an answer; an error ends the question
}

// ask returns the answer to a question. It returns io.EOF at the end of the input, and if
// the person cancels the question.
func (a *asker) ask(ctx context.Context, text string) (string, error) {
	return a.watched(ctx, question{text: text})
}

// secret is like ask, for input that must not appear on the screen.
func (a *asker) secret(ctx context.Context, text string) (string, error) {
	return a.watched(ctx, question{text: text, hidden: true})
}

// watched asks a question. It notices a lock while the question is open, and once more
// before the answer is used.
func (a *asker) watched(ctx context.Context, q question) (string, error) {
	q.history = none{}
	q.each = func(func(string)) error { return a.watch() }
	text, err := a.read(ctx, q)
	if err == nil {
		err = a.watch()
	}
	if err != nil {
		return "", err
	}
	return text, nil
}

const tick = time.Second

func (a *asker) read(ctx context.Context, q question) (string, error) {
	if !a.person() {
		line, err := a.lines.ReadString('\n')
		if err != nil && line == "" {
			return "", err
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	width, restore, err := a.Raw()
	if err != nil {
		return "", err
	}
	text, err := a.answer(ctx, q, width)
	restore()
	if err != nil { // Ctrl-C or Ctrl-D, which the terminal would otherwise read again, or a question that was ended
		fmt.Fprintln(a.Err)
		a.begin()
	}
	return text, err
}

// answer waits until the person has typed the answer.
func (a *asker) answer(ctx context.Context, q question, width int) (string, error) {
	terminal := a.terminal
	_ = terminal.SetSize(width, 24)
	terminal.SetPrompt(q.text)
	terminal.History = q.history
	end := a.keys.next()

	answers := make(chan stroke, 1)
	go func() {
		read := terminal.ReadLine
		if q.hidden {
			read = func() (string, error) { return terminal.ReadPassword(q.text) }
		}
		text, err := read()
		answers <- stroke{[]byte(text), err}
	}()
	clock := time.NewTicker(tick)
	defer clock.Stop()
	for {
		var err error
		select {
		case got := <-answers:
			return string(got.text), got.err
		case <-ctx.Done(): // the program ends
			err = ctx.Err()
		case <-clock.C:
			err = q.each(func(text string) { _, _ = terminal.Write([]byte(text + "\n")) })
		}
		if err != nil {
			end()
			<-answers // wait until nothing reads from the terminal
			return "", err
		}
	}
}

// A code is the answer to a question for a code, in the form that the API requires.
type code object

// askCode asks this question for a code, or for two in a row while single codes are not
// accepted. Whatever the question names, askCode accepts a recovery code, and the code from
// a mail: the server decides.
func (a *asker) askCode(ctx context.Context, pair, byPhone bool, question string) (code, error) {
	if pair {
		first, err := a.ask(ctx, a.text("askFirstCode"))
		if err != nil {
			return nil, err
		}
		second, err := a.ask(ctx, a.text("askNextCode"))
		return code{"codes": []string{first, second}}, err
	}
	text, err := a.ask(ctx, a.text(question))
	if err != nil {
		return nil, err
	}
	mail := question == "askMailCode"
	if strings.EqualFold(strings.TrimSpace(text), wordMail) {
		mail = true
		text, err = a.ask(ctx, a.text("askMailCode"))
	}
	if mail {
		return code{"issued_code": text}, err
	}
	if strings.ContainsFunc(text, isLetter) {
		return code{"recovery_code": text}, nil
	}
	if byPhone {
		return code{"phone_code": text}, nil
	}
	return code{"code": text}, nil
}

// with returns the request with a code in it.
func with(ask object, given code) object {
	all := object{}
	for name, value := range ask {
		all[name] = value
	}
	for name, value := range given {
		all[name] = value
	}
	return all
}

// empty reports whether the person pressed Enter alone.
func (c code) empty() bool { return c["code"] == "" || c["phone_code"] == "" }

// isLetter tells recovery codes, which contain letters, from the codes of apps, in any
// script and with any separators. Japanese keyboards type the long vowel mark, which
// Unicode counts as a letter, where a hyphen is meant.
func isLetter(r rune) bool { return unicode.IsLetter(r) && r != 'ー' && r != 'ｰ' }
