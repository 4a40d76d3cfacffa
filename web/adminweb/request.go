package adminweb

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/web"
)

// A RequestsPage shows the requests that are pending for a second administrator. The
// forms post to "requests/ID/approve" and "requests/ID/withdraw", with the field tenant.
type RequestsPage struct {
	Frame
	Rows    []RequestRow
	Unread  string // the names of tenants whose requests could not be read
	Several bool   // Error says for how many people it was done, and for whom not
}

// A RequestRow is a request in words.
type RequestRow struct {
	admin.Request
	Tenant Tenant
	What   string // what it asks for
	Who    string // the administrator who asks for it
	For    string // the people that it is about, by name
	Terms  []Term
	Notes  []string // what the request does, in sentences
	Mine   bool     // the administrator's own account asks
}

// RequestsPath returns the address of a tenant's pending requests, for the mail to its
// administrators about event.ApprovalRequested.
func (p *Pages) RequestsPath(tenant string) string {
	return p.Path("requests") + "?" + url.Values{"tenant": {tenant}}.Encode()
}

func isApproval(err error) bool { return errors.Is(err, admin.ErrApproval) }

func (p *Pages) getRequests(w http.ResponseWriter, r *http.Request, v visitor) error {
	return p.requestsPage(w, r, v, r.URL.Query(), nil)
}

func (p *Pages) requestsPage(w http.ResponseWriter, r *http.Request, v visitor, form url.Values, refused error) (err error) {
	of := v.tenants
	if form.Has("tenant") {
		t, ok := v.tenant(form.Get("tenant"))
		if !ok {
			return web.ErrNotFound
		}
		of = []Tenant{t}
	}
	page := &RequestsPage{Several: isSeveral(refused)}
	unread, err := p.each(r.Context(), of, func(t Tenant) error {
		st, err := p.Admin.Tenant(r.Context(), v.looks(), t.ID)
		if err != nil {
			return err
		}
		var rows []RequestRow
		for _, q := range st.Pending {
			row, err := p.requestRow(r, v, t, st, q)
			if err != nil {
				return err
			}
			rows = append(rows, row)
		}
		page.Rows = append(page.Rows, rows...)
		return nil
	})
	if err != nil {
		return err
	}
	page.Unread = firstOf(p.section.Language(r), unread)
	if page.Frame, err = p.frame(w, r, v); err != nil {
		return err
	}
	return p.section.Show(w, r, "admin-requests", refused, page)
}

func (p *Pages) requestRow(r *http.Request, v visitor, t Tenant, st admin.TenantStatus, q admin.Request) (RequestRow, error) {
	row, err := p.describe(r.Context(), p.section.Language(r), v.looks(), t, st, q)
	row.Mine = q.By == v.User.ID
	if err == nil && q.Action == admin.ActionSetPolicy {
		var below []string
		below, err = p.below(r.Context(), p.section.Language(r), v, t)
		row.Notes = slices.Concat(below, row.Notes)
	}
	return row, err
}

// describe returns a request in words, with every field of a policy before and after.
func (p *Pages) describe(ctx context.Context, l *web.Language, by admin.Actor, t Tenant, st admin.TenantStatus, q admin.Request) (row RequestRow, err error) {
	row = RequestRow{Request: q, Tenant: t}
	if row.Who, err = p.nameOf(ctx, q.By); err != nil {
		return row, err
	}
	const few = 20
	var people []Row
	for _, user := range q.Targets[:min(few, len(q.Targets))] {
		them, err := p.kept(ctx, totpflow.AccountID{Tenant: t.ID, User: user})
		if err != nil {
			return row, err
		}
		people = append(people, Row{Person: them, Tenant: t.Name})
	}
	if row.For = l.Quoted(distinct(people)); len(people) == 1 && people[0].Address != "" {
		row.For = people[0].label() + ", " + people[0].Address
	}
	if more := len(q.Targets) - few; more > 0 {
		row.For = l.Say("confirm.andMore", "Names", row.For, "Count", more)
	}
	switch name := row.named(people); q.Action {
	case admin.ActionSetPolicy:
		of, err := p.compare(ctx, l, by, t.ID, q.Before, q.Policy, st.Effective)
		if err != nil {
			return row, err
		}
		row.What, row.Terms, row.Notes = l.Say("request.policy", "Tenant", t.Name), of.terms, of.details
	case admin.ActionResetAccount:
		row.What = l.Say("request.reset-"+string(q.Scope), "Count", len(q.Targets))
	case admin.ActionExemptAccount:
		row.What = l.Say("do.exempt", "Name", name, "Machine", q.Name)
	case admin.ActionForgetAccount:
		row.What = l.Say("do.forget", "Name", name)
	case admin.ActionRestoreAuthenticator:
		row.What = l.Say("request.restore", "Name", name)
	case admin.ActionAssignPhone:
		if row.What = l.Say("do.phoneNone", "Name", name); q.Name != "" {
			row.What = l.Say("do.phone", "Number", q.Name, "Name", name) // whole: a second person judges it
		}
	default:
		row.What = string(q.Action)
	}
	if len(q.Targets) > 0 {
		row.Notes, err = p.does(ctx, l, by, st, row)
	}
	return row, err
}

// named returns the name of the only person whom the request is about.
func (row RequestRow) named(people []Row) string {
	if len(people) != 1 {
		return row.For
	}
	return people[0].label()
}

// does says what the approval of a request about people does.
func (p *Pages) does(ctx context.Context, l *web.Language, by admin.Actor, st admin.TenantStatus, row RequestRow) ([]string, error) {
	does := effect{row.Action, row.Scope, len(row.Targets), row.Name != "", st.Effective.IssuedCode}
	if len(row.Targets) > 1 {
		return does.details(l, admin.Member{}), nil
	}
	m, err := p.Admin.Member(ctx, by, totpflow.AccountID{Tenant: row.Tenant.ID, User: row.Targets[0]})
	if errors.Is(err, admin.ErrNotAllowed) { // the administrator can neither approve it nor see the account
		err = nil
	}
	return does.details(l, m), err
}

// kept returns the person of an account, also of a deleted one: its user ID is the name.
func (p *Pages) kept(ctx context.Context, id totpflow.AccountID) (Person, error) {
	them, err := p.Directory.Person(ctx, id)
	if errors.Is(err, ErrNoPerson) {
		return Person{ID: id, Name: id.User}, nil
	}
	return them, err
}

// nameOf returns the name to show for an account.
func (p *Pages) nameOf(ctx context.Context, id totpflow.AccountID) (string, error) {
	them, err := p.kept(ctx, id)
	return them.label(), err
}

// postRequest approves or withdraws, after a page has shown all of it.
func (p *Pages) postRequest(w http.ResponseWriter, r *http.Request, v visitor) error {
	id, answer := r.PathValue("id"), r.PathValue("answer")
	t, ok := v.tenant(r.PostForm.Get("tenant"))
	if !ok || answer != "approve" && answer != "withdraw" {
		return web.ErrNotFound
	}
	refuse := func(err error) error {
		if explained(err) {
			return p.requestsPage(w, r, v, url.Values{}, err)
		}
		return err
	}
	st, err := p.Admin.Tenant(r.Context(), v.looks(), t.ID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(st.Pending, func(q admin.Request) bool { return q.ID == id })
	if i < 0 {
		return refuse(admin.ErrNoRequest)
	}
	row, err := p.requestRow(r, v, t, st, st.Pending[i])
	if err != nil {
		return err
	}
	switch { // before a code is used
	case answer != "approve" || row.Approvable:
	case row.Mine:
		return refuse(admin.ErrSelf)
	default:
		return refuse(admin.ErrNotAllowed)
	}
	word := answer
	if answer == "withdraw" && !row.Mine {
		word = "refuse"
	}
	l := p.section.Language(r)
	c := confirmation{
		action: admin.ActionApprove, target: store.AccountID{Tenant: t.ID}, purpose: admin.ActionApprove.On(id), terms: row.Terms,
		doing: l.Say("do."+word, "What", row.What), mild: answer == "withdraw", back: p.Path("requests"),
		request: &row, title: maskedTitle(l, word, row),
	}
	if row.For != "" {
		c.details = []string{row.For, t.Name}
	}
	if answer == "approve" {
		c.details = append(c.details, row.Notes...)
	}
	by, ok, err := p.confirm(w, r, v, c)
	if !ok || err != nil {
		return err
	}
	if answer == "withdraw" {
		err = p.Admin.Withdraw(r.Context(), by, t.ID, id)
	} else {
		err = p.approve(r, by, row)
	}
	if err != nil {
		return refuse(err)
	}
	return p.done(w, r, "done-"+word, p.Path("requests"))
}

// maskedTitle returns the title of the page that confirms an answer to a request, where it
// differs from the heading, which has a number whole.
func maskedTitle(l *web.Language, word string, row RequestRow) string {
	if row.Action != admin.ActionAssignPhone || row.Name == "" {
		return ""
	}
	number, _ := phone.ParseNumber(row.Name)
	return l.Say("do."+word, "What", strings.ReplaceAll(row.What, row.Name, number.String()))
}

// approve carries out the request, and makes the host store generations and erase people
// accordingly.
func (p *Pages) approve(r *http.Request, by admin.Administrator, row RequestRow) error {
	outcomes, err := p.Admin.Approve(r.Context(), by, row.Tenant.ID, row.ID)
	ctx := context.WithoutCancel(r.Context()) // the request is used up, even if the browser does not wait
	var several severalError
	for _, o := range outcomes {
		failed := errors.Join(o.Err, p.keep(ctx, o.Change))
		if row.Action == admin.ActionForgetAccount && p.Erase != nil && (failed == nil || errors.Is(failed, admin.ErrNoAccount)) {
			them, err := p.Directory.Person(ctx, o.ID)
			if failed = err; err == nil {
				failed = p.Erase(ctx, them)
			}
		}
		name, nameErr := p.nameOf(ctx, o.ID)
		several.count(strings.TrimSpace(name), errors.Join(failed, nameErr))
	}
	if len(outcomes) == 0 {
		return err
	}
	return several.orNil()
}
