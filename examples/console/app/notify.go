package app

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
)

// sink is told what happens to second factors: the log, the watch over all
// accounts, and the person.
func (c *console) sink(log event.Sink) event.Sink {
	if log == nil {
		log = event.Slog(nil)
	}
	fleet := &event.Fleet{Alarm: func(ctx context.Context, guesses []event.Event) {
		slog.ErrorContext(ctx, "console: many accounts are guessed at with the right passwords; these passwords are known to somebody",
			"guesses", len(guesses), "since", guesses[0].At)
	}}
	return event.Tee(log, fleet, event.SinkFunc(c.notify))
}

// notify writes to the person about a change of what lets them in. An error
// means that the event comes again later. In a product, put the mail into a
// table here and send it from there: nobody then waits for the mail server.
func (c *console) notify(ctx context.Context, e event.Event) error {
	if !e.Kind.SecurityChange() || e.User == "" || e.Kind == event.RecoveryCodesSaved {
		return nil
	}
	u, err := c.users.byID(ctx, e.User)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil // deleted meanwhile
	case err != nil:
		return err
	}
	err = c.send(ctx, Mail{To: u.Email, Subject: Issuer + ": " + lowerFirst(happened(e)), Text: c.letter(u, e)})
	if refusedForGood(err) {
		slog.ErrorContext(ctx, "console: a mail was refused for good", "user", u.ID, "error", err)
		return nil // else every later event of the account would wait behind it
	}
	return err
}

var errMail = errors.New("the mail was not sent")

func (c *console) send(ctx context.Context, m Mail) error {
	ctx, cancel := context.WithTimeout(ctx, mailPatience)
	defer cancel()
	if err := c.mail.Send(ctx, m); err != nil {
		return fmt.Errorf("%w: %w", errMail, err)
	}
	return nil
}

// letter is the mail about an event.
func (c *console) letter(u user, e event.Event) string {
	by := ""
	if e.Actor != "" {
		by = ", by an administrator"
	}
	from := ""
	if e.Source.Address != "" && e.Actor == "" {
		from = ", from " + e.Source.Address
	}
	text := fmt.Sprintf("Hello %s,\n\nthis has changed at your account %s of %s:\n\n    %s%s\n    %s%s\n\n",
		u.Name, u.Email, u.Organisation(), happened(e), by, minute(e.At), from)
	token := c.mfa.DisownToken(e)
	if token == "" || e.Kind == event.Frozen || e.Kind == event.Forgotten { // closed already
		return text
	}
	return text + fmt.Sprintf("If this was you, or you know of it, there is nothing to do.\n\n"+
		"If it was not you, open this page and press the button there. It closes your\n"+
		"account until an administrator has looked at it. The link is good for %s.\n\n    %s/not-me?event=%s\n",
		span(totpflow.DisownAge), c.url, url.QueryEscape(string(token)))
}

// sendIssued sends a recovery code that an administrator had made. Only the
// person sees it.
func (c *console) sendIssued(u user) func(context.Context, totpflow.IssuedCode) error {
	return func(ctx context.Context, i totpflow.IssuedCode) error {
		return c.send(ctx, Mail{To: u.Email, Subject: Issuer + ": your recovery code", Text: fmt.Sprintf(
			"Hello %s,\n\nan administrator has sent you this recovery code for your account %s of %s:\n\n    %s\n\n"+
				"Sign in with your password, choose “Use the code from the mail”, and set up your\n"+
				"new phone. The code works once, until %s.\n\nNobody who helps you will ask you for it.\n",
			u.Name, u.Email, u.Organisation(), i.Code, minute(i.Expires))})
	}
}

// getNotMe shows a button and does nothing else: programs that scan mails open
// every link in them.
func (c *console) getNotMe(w http.ResponseWriter, r *http.Request) error {
	return c.show(w, r, "not-me", nil, view{Title: "Was it not you?", Data: notMePage{Event: r.FormValue("event")}})
}

// postNotMe closes the account that the mail was about. It takes no session:
// whoever changed the account may have changed how its owner gets in.
func (c *console) postNotMe(w http.ResponseWriter, r *http.Request) error {
	err := c.mfa.Disown(r.Context(), totpflow.Disown(r.PostFormValue("event")))
	if err != nil && !errors.Is(err, totpflow.ErrDisown) {
		return err
	}
	return c.show(w, r, "not-me", err, view{Title: "Was it not you?", Data: notMePage{Closed: err == nil}})
}

// notMePage is what the page of the link in a mail shows.
type notMePage struct {
	Event  string // the token of the link
	Closed bool
}

// lowerFirst makes a sentence the rest of one.
func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
