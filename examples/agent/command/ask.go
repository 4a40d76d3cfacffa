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

// An asker asks the person: on the terminal, or by reading a line for each
// answer when somebody else than a person gives them.
type asker struct {
	System
	words    *words.Language
	terminal *term.Terminal // one for all questions: it may hold what was typed ahead
	lines    *bufio.Reader
}

func newAsker(s System) *asker {
	a := &asker{System: s, words: words.OfEnvironment(s.Getenv)}
	if s.Raw == nil {
		a.lines = bufio.NewReader(s.In)
	} else {
		a.begin()
	}
	return a
}

// begin takes up the terminal with nothing typed.
func (a *asker) begin() {
	a.terminal = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{a.In, a.Err}, "")
}

// person reports whether somebody is there who can be asked again.
func (a *asker) person() bool { return a.terminal != nil }

// ask returns the answer to a question. At the end of the input, and when the
// person does not want to answer, it is io.EOF.
func (a *asker) ask(ctx context.Context, question string) (string, error) {
	return a.read(ctx, question, false, nil)
}

// secret is ask for input that must not appear on the screen.
func (a *asker) secret(ctx context.Context, question string) (string, error) {
	return a.read(ctx, question, true, nil)
}

const tick = time.Second

// read asks, and calls meanwhile, where there is one, now and then until there is
// an answer.
func (a *asker) read(ctx context.Context, question string, hidden bool, meanwhile func(say func(string))) (string, error) {
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
	text, err := a.typed(ctx, question, width, hidden, meanwhile)
	restore()
	if err != nil { // Ctrl-C and Ctrl-D, which the terminal would go on to find
		fmt.Fprintln(a.Err)
		a.begin()
	}
	return text, err
}

// typed waits until the person has typed the answer.
func (a *asker) typed(ctx context.Context, question string, width int, hidden bool, meanwhile func(say func(string))) (string, error) {
	terminal := a.terminal
	_ = terminal.SetSize(width, 24)
	terminal.SetPrompt(question)

	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		var got answer
		if hidden {
			got.text, got.err = terminal.ReadPassword(question)
		} else {
			got.text, got.err = terminal.ReadLine()
		}
		answers <- got
	}()
	clock := time.NewTicker(tick)
	defer clock.Stop()
	for {
		select {
		case got := <-answers:
			return got.text, got.err
		case <-ctx.Done(): // the program ends
			return "", ctx.Err()
		case <-clock.C:
			if meanwhile != nil {
				meanwhile(func(text string) { _, _ = terminal.Write([]byte(text + "\n")) })
			}
		}
	}
}

// A code is an answer to the question for one, as the API takes it.
type code object

// askCode asks for a code of the app, for two in a row while single ones have to
// wait, or takes a recovery code, or the one of a mail.
func (a *asker) askCode(ctx context.Context, pair, byPhone bool) (code, error) {
	if pair {
		first, err := a.ask(ctx, a.text("askFirstCode"))
		if err != nil {
			return nil, err
		}
		second, err := a.ask(ctx, a.text("askNextCode"))
		return code{"codes": []string{first, second}}, err
	}
	question := "askCode"
	if byPhone {
		question = "askPhoneCode"
	}
	text, err := a.ask(ctx, a.text(question))
	if err != nil {
		return nil, err
	}
	if strings.EqualFold(strings.TrimSpace(text), wordMail) {
		text, err = a.ask(ctx, a.text("askMailCode"))
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

// empty reports whether the person pressed Enter alone.
func (c code) empty() bool { return c["code"] == "" || c["phone_code"] == "" }

// isLetter tells recovery codes, which have letters, from those of apps, in whatever
// script and with whatever signs between they are typed. Japanese keyboards type the
// long mark, which is a letter for Unicode, where a hyphen is meant.
func isLetter(r rune) bool { return unicode.IsLetter(r) && r != 'ー' && r != 'ｰ' }
