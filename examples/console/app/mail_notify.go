package app

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/web/letters"
)

// notify writes to the person about a change of the ways in which they sign in, one mail
// for each thing that was done. It writes to the other administrators about a request of
// one of them, and to that one about the answer. An error means that the notification is
// delivered again later.
//
// A recovery code that an administrator sends comes with a letter of its own. An
// operator, who always gives a reason, has the code in a file: the person is told of that.
func (c *console) notify(ctx context.Context, n event.Notification) error {
	e := n.Main()
	answer, err := c.office.Answered(ctx, e)
	to := cmp.Or(n.User, answer.RequestedBy.ID.User)
	switch {
	case e.Kind == event.ApprovalRequested:
		return c.notifyApprovers(ctx, e)
	case to == "", e.Kind == event.RecoveryIssued && e.Reason == "":
		return err
	}
	u, err := c.users.byID(ctx, to)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return event.ErrUndeliverable // the account was deleted meanwhile
	case err != nil || u.Role == roleMachine: // a machine reads no mail
		return err
	}
	letter := c.letters.About(u.reads(ctx), n)
	if n.User == "" {
		letter = c.office.AnswerLetter(c.url, u.reads(ctx), answer)
	}
	if err = c.send(ctx, u, letter); refusedForGood(err) {
		err = fmt.Errorf("%w: %w", event.ErrUndeliverable, err)
	}
	return err
}

// reads returns the user as the reader of a letter: in the language of their last visit,
// or in that of the request before they have visited.
func (u user) reads(ctx context.Context) letters.Person {
	return letters.Person{Name: u.Name, Account: u.Email, Organisation: u.Organisation(), Language: cmp.Or(u.Language, spoken(ctx).Tag())}
}

var errMail = errors.New("the mail was not sent")

// send sends a letter to a person.
func (c *console) send(ctx context.Context, u user, l letters.Letter) error {
	if c.mail == nil {
		return errMail
	}
	ctx, cancel := context.WithTimeout(ctx, mailPatience)
	defer cancel()
	if err := c.mail.Send(ctx, Mail{To: u.Email, Subject: l.Subject, Text: l.Text, Language: l.Language}); err != nil {
		return fmt.Errorf("%w: %w", errMail, err)
	}
	return nil
}

// notifyApprovers writes to every administrator who could approve a request of another
// one, and is not its target: those of the organisation and of those above it. An
// administrator who first hears of a request from the person who made it can be hurried
// into approving it.
func (c *console) notifyApprovers(ctx context.Context, e event.Event) error {
	q, pending, err := c.office.Pending(ctx, e)
	if err != nil || !pending {
		return err
	}
	asker, err := c.users.byID(ctx, q.By.User)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	above, err := c.tenants.above(ctx, e.Tenant)
	if err != nil {
		return err
	}
	approvers, err := c.users.ofTenants(ctx, append(above, e.Tenant))
	if err != nil {
		return err
	}
	for _, u := range slices.DeleteFunc(approvers, func(u user) bool {
		return !u.Administers() || u.Person == asker.Person || slices.Contains(q.Targets, u.ID)
	}) {
		l, err := c.office.RequestLetter(ctx, c.url, u.reads(ctx), q)
		if err == nil {
			err = c.send(ctx, u, l)
		}
		if err != nil { // the others are still told, and the page lists the request
			slog.ErrorContext(ctx, "console: a mail about a request was not sent", "user", u.ID, "error", err)
		}
	}
	return nil
}
