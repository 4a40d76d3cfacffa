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
	"github.com/totpflow/totpflow/policy"
)

// A term is one field of a policy that a request would change, or not: an approver who
// sees only the mode approves the rest blindly.
type term struct{ Field, Before, After string }

// Changed reports whether the request changes the field.
func (t term) Changed() bool { return t.Before != t.After }

// terms are all fields of the policy that a request is for.
func terms(l *words.Language, q admin.Request) (all []term) {
	if q.Action != admin.ActionSetPolicy {
		return nil
	}
	before, after := policyWords(l, q.Before), policyWords(l, q.Policy)
	for i := range before {
		all = append(all, term{before[i][0], before[i][1], after[i][1]})
	}
	return all
}

// policyWords are the fields of a policy, each with its value in words.
func policyWords(l *words.Language, p policy.Policy) [][2]string {
	yes := func(yes bool) string {
		if yes {
			return l.Say("admin.yes")
		}
		return l.Say("admin.no")
	}
	length, deadline, browsers := l.Say("admin.none"), l.Say("admin.none"), l.Say("admin.notAllowed")
	if p.Grace > 0 {
		length = l.Span(p.Grace)
	}
	if !p.Deadline.IsZero() {
		deadline = l.Minute(p.Deadline)
	}
	if age := p.TrustFor(); age > 0 {
		browsers = l.Span(age)
	}
	return [][2]string{
		{l.Say("admin.factor"), l.Say("mode." + p.Mode.String())},
		{l.Say("admin.graceTerm"), length},
		{l.Say("admin.deadline"), deadline},
		{l.Say("admin.browsers"), browsers},
		{l.Say("admin.codes"), yes(p.Methods.Has(policy.RecoveryCodes))},
		{l.Say("admin.phones"), yes(p.Methods.Has(policy.Phone))},
		{l.Say("admin.phonesChosen"), yes(p.AssignedPhones)},
		{l.Say("admin.external"), yes(p.Methods.Has(policy.External))},
		{l.Say("admin.issuedCode"), yes(p.IssuedCode)},
		{l.Say("admin.second"), yes(p.TwoAdministrators)},
	}
}

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

func (c *console) mailApprovers(ctx context.Context, record string, q admin.Request) error {
	asker, err := c.users.byID(ctx, q.By.User)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	approvers, of, err := c.approvers(ctx, record)
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
			err = c.send(ctx, Mail{To: u.Email, Language: l.Tag(), Subject: l.Say("mail.requestSubject", "Issuer", Issuer), Text: text})
		}
		if err != nil { // the others hear of it all the same, and the page lists it
			slog.ErrorContext(ctx, "console: a mail about a request was not sent", "user", u.ID, "error", err)
		}
	}
	return nil
}

// approvers are the administrators of the tenant of a record and of those above it.
func (c *console) approvers(ctx context.Context, record string) (found []user, of tenant, err error) {
	all, err := c.tenants.all(ctx)
	if err != nil {
		return nil, of, err
	}
	for _, t := range all {
		if t.Record == record {
			of = t
		}
	}
	for t, ok := of, true; ok; t, ok = all[t.Above] {
		people, err := c.users.ofTenant(ctx, t.ID)
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

// requestLetter is the mail to an administrator about what another one has asked for.
func (c *console) requestLetter(ctx context.Context, l *words.Language, u user, of tenant, asker string, q admin.Request) (string, error) {
	lines := []string{wanted(l, q)}
	for _, t := range terms(l, q) {
		line := "  " + t.Field + ": " + t.After
		if t.Changed() {
			line = "* " + l.Say("admin.termWas", "Field", t.Field, "Before", t.Before, "After", t.After)
		}
		lines = append(lines, line)
	}
	for _, id := range q.Targets {
		name, err := c.users.called(ctx, id)
		if err != nil {
			return "", err
		}
		lines = append(lines, "  "+name)
	}
	if asker == "" {
		asker = l.Say("admin.gone")
	}
	return l.Say("mail.request", "Name", u.Name, "Who", asker, "Organisation", of.Name,
		"What", "    "+strings.Join(lines, "\n    "), "Until", l.Minute(q.Expires), "Link", c.url+"/admin"), nil
}
