package adminweb

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/web"
	"github.com/totpflow/totpflow/web/letters"
)

// forLetters reads what letters say. It changes nothing.
var forLetters = admin.Operator{Name: "adminweb", Reason: "letter to administrators"}

// A PendingRequest is a request of an administrator, with the tenant that it is about.
type PendingRequest struct {
	admin.Request
	Tenant Tenant
}

// Pending returns the request that an event of the kind event.ApprovalRequested is about,
// for the letters to administrators who may approve it. It returns false if the request
// was decided on meanwhile.
func (p *Pages) Pending(ctx context.Context, e event.Event) (q PendingRequest, pending bool, err error) {
	st, err := p.Admin.Tenant(ctx, forLetters, e.Tenant)
	if err != nil {
		return q, false, err
	}
	i := slices.IndexFunc(st.Pending, func(q admin.Request) bool { return string(q.Action) == e.Action && q.Expires.Equal(e.Until) })
	if i < 0 {
		return q, false, nil
	}
	q.Request = st.Pending[i]
	q.Tenant, err = p.tenantOf(ctx, q.By, e.Tenant)
	return q, err == nil, err
}

// tenantOf returns the tenant by the name that its administrator knows, or otherwise by its ID.
func (p *Pages) tenantOf(ctx context.Context, administrator totpflow.AccountID, id string) (Tenant, error) {
	all, err := p.Directory.Tenants(ctx, totpflow.User{ID: administrator})
	if i := slices.IndexFunc(all, func(t Tenant) bool { return t.ID == id }); i >= 0 {
		return all[i], err
	}
	return Tenant{ID: id, Name: id}, err
}

// spoken returns the language with this tag, otherwise English.
func (p *Pages) spoken(tag string) *web.Language {
	all := p.section.Languages()
	return all[max(0, slices.IndexFunc(all, func(l *web.Language) bool { return l.Tag() == tag }))]
}

// RequestLetter returns the letter to an administrator about a request of another one,
// with every field of a policy that it changes, before and after: an administrator who
// learns only that a request exists would approve it blindly. Its link leads to the page
// of the tenant's requests. The site is that of [letters.Config]. Send it to the
// administrators of the tenant and of those above it, but not to the administrator who
// asked.
func (p *Pages) RequestLetter(ctx context.Context, site string, to letters.Person, q PendingRequest) (letters.Letter, error) {
	l, t := p.spoken(to.Language), q.Tenant
	st, err := p.Admin.Tenant(ctx, forLetters, t.ID)
	if err != nil {
		return letters.Letter{}, err
	}
	row, err := p.describe(ctx, l, forLetters, t, st, q.Request)
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

// An Answer is the decision of one administrator on the request of another one.
type Answer struct {
	RequestedBy Person // the administrator who asked; zero if nobody needs a letter
	AnsweredBy  string // the name of the one who answered
	Tenant      Tenant
	Action      string    // what was asked for, such as admin.ActionSetPolicy
	Asked       time.Time // the time of the request
	Approved    bool      // otherwise it was refused, and nothing has changed
}

// Answered returns the answer that an event of the kind event.ApprovalGranted or
// event.ApprovalWithdrawn is about, for the letter to the administrator who asked. The
// answer is zero for other events, for a request that the administrator withdrew, and if the
// tenant's history no longer has the request or the directory no longer has the
// administrator. It does not find an administrator whose id, with the id of another tenant
// before it, is longer than the 190 bytes that an event keeps. Requests that expire, or end
// because another policy is set, have no answer.
func (p *Pages) Answered(ctx context.Context, e event.Event) (Answer, error) {
	if e.Kind != event.ApprovalGranted && e.Kind != event.ApprovalWithdrawn {
		return Answer{}, nil
	}
	st, err := p.Admin.Tenant(ctx, forLetters, e.Tenant)
	if err != nil {
		return Answer{}, err
	}
	// The request itself is gone, but the event of it has the same end. The actor of an
	// approval names both administrators, and may be cut off.
	i := slices.IndexFunc(st.Activity, func(x event.Event) bool {
		return x.Kind == event.ApprovalRequested && x.Action == e.Action && x.Until.Equal(e.Until)
	})
	who, _ := admin.Approved(e.Actor)
	if i < 0 || st.Activity[i].Actor == who {
		return Answer{}, nil
	}
	a := Answer{Action: e.Action, Asked: st.Activity[i].At, Approved: e.Kind == event.ApprovalGranted}
	asker, err := p.actor(ctx, e.Tenant, st.Activity[i].Actor)
	if errors.Is(err, ErrNoPerson) {
		return Answer{}, nil
	}
	if err != nil {
		return Answer{}, err
	}
	if a.AnsweredBy, err = p.called(ctx, e.Tenant, who); err != nil {
		return Answer{}, err
	}
	if a.Tenant, err = p.tenantOf(ctx, asker.ID, e.Tenant); err != nil {
		return Answer{}, err
	}
	a.RequestedBy = asker
	return a, nil
}

// AnswerLetter returns the letter to the administrator who asked, a.RequestedBy. It also says what
// to do if they did not ask. The site is that of [letters.Config].
func (p *Pages) AnswerLetter(site string, to letters.Person, a Answer) letters.Letter {
	l, word, page := p.spoken(to.Language), "refused", "people"
	if a.Approved {
		word = "approved"
	}
	if a.Action == string(admin.ActionSetPolicy) {
		page = "policy"
	}
	what, err := l.Find("requested." + strings.ReplaceAll(a.Action, " ", "-"))
	if err != nil {
		what = a.Action
	}
	name, who, tenant := letters.Line(cmp.Or(to.Name, to.Account)), letters.Line(a.AnsweredBy), letters.Line(a.Tenant.Name)
	link := strings.TrimSuffix(site, "/") + p.Path(page) + "?" + url.Values{"tenant": {a.Tenant.ID}}.Encode()
	text := l.Say("requestLetter."+word, "Name", name, "Who", who, "Tenant", tenant, "What", letters.Line(what), "Asked", l.Minute(a.Asked), "Link", link)
	return letters.Letter{
		Subject: letters.Line(l.Say("requestLetter."+word+"Subject", "Product", p.Web.Product)), Language: l.Tag(), Text: letters.Wrap(text, name, who, tenant),
	}
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
