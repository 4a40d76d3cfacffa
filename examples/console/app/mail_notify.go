package app

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/examples/internal/words"
)

// notify writes to the person about a change of what lets them in, one mail for each
// thing that was done, and to the other administrators about what one of them has
// asked for. An error means that it comes again later.
func (c *console) notify(ctx context.Context, n event.Notification) error {
	if e := n.Main(); e.Kind == event.ApprovalRequested {
		return c.notifyApprovers(ctx, e)
	}
	if n.User == "" {
		return nil
	}
	u, err := c.users.byID(ctx, n.User)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return event.ErrUndeliverable // deleted meanwhile
	case err != nil:
		return err
	}
	e := n.Main()
	l := u.reads(ctx)
	err = c.write(ctx, u, l, subject(l, e), c.letter(u, l, e))
	if refusedForGood(err) {
		return fmt.Errorf("%w: %w", event.ErrUndeliverable, err)
	}
	return err
}

var errMail = errors.New("the mail was not sent")

// write sends a mail to a person, in the language that they read.
func (c *console) write(ctx context.Context, u user, l *words.Language, subject, text string) error {
	ctx, cancel := context.WithTimeout(ctx, mailPatience)
	defer cancel()
	if err := c.mail.Send(ctx, Mail{To: u.Email, Language: l.Tag(), Subject: subject, Text: text}); err != nil {
		return fmt.Errorf("%w: %w", errMail, err)
	}
	return nil
}

// letter is the mail about an event.
func (c *console) letter(u user, l *words.Language, e event.Event) string {
	what, when := happened(l, e), l.Minute(e.At)
	switch {
	case e.Actor != "":
		what = l.Say("mail.byAdmin", "What", what)
	case e.Source.Address != "":
		when = l.Say("mail.from", "When", when, "Address", e.Source.Address)
	}
	text := l.Say("mail.changed", "Name", u.Name, "Email", u.Email, "Organisation", u.Organisation(), "What", what, "When", when)
	if e.Kind == event.SetupReminded {
		until := ""
		if !e.Until.IsZero() {
			until = l.Say("mail.reminderUntil", "Until", l.Minute(e.Until))
		}
		return l.Say("mail.reminder", "Name", u.Name, "Email", u.Email, "Organisation", u.Organisation(), "Until", until, "Link", c.url+c.web.Path("setup"))
	}
	token := c.mfa.NewDisownToken(e)
	if token == "" || e.Kind == event.Frozen || e.Kind == event.Forgotten { // closed already
		return text
	}
	link := c.url + c.web.Path("not-me") + "?event=" + url.QueryEscape(string(token))
	return text + l.Say("mail.notMe", "For", l.Span(totpflow.DisownTokenLifetime), "Link", link)
}

// sendIssued sends a recovery code that an administrator had made. Only the
// person sees it.
func (c *console) sendIssued(ctx context.Context, u user, i admin.IssuedCode) error {
	l := u.reads(ctx)
	return c.write(ctx, u, l, l.Say("mail.issuedSubject", "Issuer", Issuer), l.Say("mail.issued",
		"Name", u.Name, "Email", u.Email, "Organisation", u.Organisation(), "Code", i.Code, "Until", l.Minute(i.Expires)))
}

// reads is the language for mails to the user: the one of their last visit.
// Before there was any, it is that of the request.
func (u user) reads(ctx context.Context) *words.Language {
	return cmp.Or(words.ByTag(u.Language), spoken(ctx))
}

// subject is the subject of the mail about an event.
func subject(l *words.Language, e event.Event) string {
	what := happened(l, e)
	first, n := utf8.DecodeRuneInString(what)
	return l.Say("mail.subject", "Issuer", Issuer, "What", what, "WhatLower", string(unicode.ToLower(first))+what[n:])
}

// happened says in words what an event of the account was. An event that a later
// release adds is shown by its name: it must not be missing.
func happened(l *words.Language, e event.Event) string {
	mode := e.Action
	if word, err := l.Find("mode." + mode); err == nil {
		mode = word
	}
	text, err := l.Find("event."+string(e.Kind), "Count", e.Remaining, "Day", l.Day(e.Until), "Mode", mode, "Action", actionWord(l, e.Action))
	if err != nil {
		return strings.ReplaceAll(string(e.Kind), "_", " ")
	}
	return text
}

// actionWord is what an administrator asks for, in words.
func actionWord(l *words.Language, action string) string {
	if word, err := l.Find("action." + strings.ReplaceAll(action, " ", "-")); err == nil {
		return word
	}
	return action
}
