package app

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"strings"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/examples/internal/words"
	"github.com/totpflow/totpflow/web/adminweb"
)

// notifyApprovers writes to every administrator who could approve what another one
// has asked for. A request that only its asker has seen is approved in a hurry.
func (c *console) notifyApprovers(ctx context.Context, e event.Event) error {
	st, err := c.admin().Tenant(ctx, admin.Operator{Name: "console", Reason: "mail to administrators"}, e.Tenant)
	if err != nil {
		return err
	}
	for _, q := range st.Pending {
		if string(q.Action) == e.Action && q.Expires.Equal(e.Until) {
			return c.mailApprovers(ctx, e.Tenant, q)
		}
	}
	return nil // decided on meanwhile
}

func (c *console) mailApprovers(ctx context.Context, tenant string, q admin.Request) error {
	asker, err := c.users.byID(ctx, q.By.User)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	approvers, of, err := c.approvers(ctx, tenant)
	if err != nil {
		return err
	}
	for _, u := range approvers {
		if u.Person == asker.Person {
			continue
		}
		l := u.reads(ctx)
		text, err := c.requestLetter(ctx, l, u, of, asker.Email, q)
		if err == nil {
			err = c.write(ctx, u, l, l.Say("mail.requestSubject", "Issuer", Issuer), text)
		}
		if err != nil { // the others hear of it all the same, and the page lists it
			slog.ErrorContext(ctx, "console: a mail about a request was not sent", "user", u.ID, "error", err)
		}
	}
	return nil
}

// approvers are the administrators of a tenant and of those above it.
func (c *console) approvers(ctx context.Context, id string) (found []user, of tenant, err error) {
	all, err := c.tenants.all(ctx)
	if err != nil {
		return nil, of, err
	}
	of = all[id]
	for t, ok := of, true; ok; t, ok = all[t.Above] {
		people, err := c.users.ofTenants(ctx, []string{t.ID})
		if err != nil {
			return nil, of, err
		}
		for _, u := range people {
			if u.Administers() {
				found = append(found, u)
			}
		}
	}
	return found, of, nil
}

// requestLetter is the mail to an administrator about what another one has asked for, with
// every field that it would change. Its link leads to the page with all of them.
func (c *console) requestLetter(ctx context.Context, l *words.Language, u user, of tenant, asker string, q admin.Request) (string, error) {
	row, err := c.office.Describe(ctx, l.Tag(), adminweb.Tenant{ID: of.ID, Name: of.Name}, q)
	if err != nil {
		return "", err
	}
	lines := []string{row.What}
	for _, t := range row.Terms {
		if t.Changed() {
			lines = append(lines, "  "+t.Field+": "+t.Before+" → "+t.After)
		}
	}
	for _, id := range q.Targets {
		them, err := c.users.byID(ctx, id)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			them.Email = l.Say("mail.gone")
		case err != nil:
			return "", err
		}
		lines = append(lines, "  "+them.Email)
	}
	if asker == "" {
		asker = l.Say("mail.gone")
	}
	return l.Say("mail.request", "Name", u.Name, "Who", asker, "Organisation", of.Name,
		"What", "    "+strings.Join(lines, "\n    "), "Until", l.Minute(q.Expires), "Link", c.url+c.office.RequestsPath(of.ID)), nil
}
