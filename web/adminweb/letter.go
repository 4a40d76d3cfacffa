package adminweb

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/web"
	"github.com/totpflow/totpflow/web/letters"
)

// forLetters reads what letters say. It changes nothing.
var forLetters = admin.Operator{Name: "adminweb", Reason: "letter to administrators"}

// Pending returns the request that an event of the kind event.ApprovalRequested is about,
// for the letters to administrators who may approve it. It returns false if the request
// was decided on meanwhile.
func (p *Pages) Pending(ctx context.Context, e event.Event) (q admin.Request, pending bool, err error) {
	st, err := p.Admin.Tenant(ctx, forLetters, e.Tenant)
	if err != nil {
		return q, false, err
	}
	i := slices.IndexFunc(st.Pending, func(q admin.Request) bool { return string(q.Action) == e.Action && q.Expires.Equal(e.Until) })
	if i < 0 {
		return q, false, nil
	}
	return st.Pending[i], true, nil
}

// RequestLetter returns the letter to an administrator about a request of another one,
// with every field of a policy that it changes, before and after: an administrator who
// learns only that a request exists would approve it blindly. Its link leads to the page
// of the tenant's requests. The site is that of [letters.Config]. Send it to the
// administrators of the tenant and of those above it, but not to the administrator who
// asked.
func (p *Pages) RequestLetter(ctx context.Context, site string, to letters.Person, t Tenant, q admin.Request) (letters.Letter, error) {
	spoken := p.section.Languages()
	l := spoken[max(0, slices.IndexFunc(spoken, func(l *web.Language) bool { return l.Tag() == to.Language }))]
	st, err := p.Admin.Tenant(ctx, forLetters, t.ID)
	if err != nil {
		return letters.Letter{}, err
	}
	row, err := p.describe(ctx, l, forLetters, t, st, q)
	if err != nil {
		return letters.Letter{}, err
	}
	what := []string{"    " + letters.Line(row.What)}
	for _, x := range row.Terms {
		if x.Changed() {
			what = append(what, "      "+letters.Line(x.words(l)))
		}
	}
	if row.For != "" {
		what = append(what, "      "+letters.Line(row.For))
	}
	for _, note := range row.Notes {
		what = append(what, "      "+letters.Line(note))
	}
	name, who, tenant := letters.Line(cmp.Or(to.Name, to.Account)), letters.Line(row.Who), letters.Line(t.Name)
	text := l.Say("requestLetter.request", "Name", name, "Who", who, "Tenant", tenant,
		"What", strings.Join(what, "\n"), "Until", l.Minute(q.Expires), "Link", strings.TrimSuffix(site, "/")+p.RequestsPath(t.ID))
	return letters.Letter{
		Subject: l.Say("requestLetter.subject", "Product", p.Web.Product), Language: l.Tag(), Text: letters.Wrap(text, name, who, tenant),
	}, nil
}

// RemindDue reminds the people of a tenant whose time to set up ends soon
// (admin.Admin.RemindDue), page by page of the [Directory], and makes the host store
// their generations. Call it for each tenant once an hour, in any number of processes.
// The notifier sends the letters: event.SetupReminded.
func (p *Pages) RemindDue(ctx context.Context, by admin.Operator, tenant string) error {
	q := Query{Tenants: []string{tenant}, Limit: admin.MaxAccounts}
	var failed []error
	for {
		page, err := p.Directory.People(ctx, q)
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		var users []string
		for _, them := range page.People {
			users = append(users, them.ID.User)
		}
		if len(users) > 0 {
			outcomes, err := p.Admin.RemindDue(ctx, by, tenant, users)
			failed = append(failed, p.reminded(ctx, outcomes, err, admin.ErrNotDue, admin.ErrNotMissing, admin.ErrReminded))
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return errors.Join(failed...)
		}
	}
}

// remindsAs and remindsFor are the operator's name and the beginning of its reason: the
// histories name the administrator instead.
const (
	remindsAs  = "adminweb"
	remindsFor = "asked for by "
)

// remindByNotifier is [Config].Remind for [Config].Reminders.
func (p *Pages) remindByNotifier(ctx context.Context, by totpflow.User, to Person, _ admin.Member) error {
	operator := admin.Operator{Name: remindsAs, Reason: remindsFor + by.ID.Tenant + "/" + by.ID.User}
	outcomes, err := p.Admin.Remind(ctx, operator, to.ID.Tenant, []string{to.ID.User})
	return p.reminded(ctx, outcomes, err)
}

// reminded returns the failures other than the given errors.
func (p *Pages) reminded(ctx context.Context, outcomes []admin.Outcome, err error, but ...error) error {
	failed := []error{err}
	for _, o := range outcomes {
		failed = append(failed, p.keep(ctx, o.Change))
		if !slices.ContainsFunc(but, func(known error) bool { return errors.Is(o.Err, known) }) {
			failed = append(failed, o.Err)
		}
	}
	return errors.Join(failed...)
}
