package adminweb

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/web"
)

func storeQuery(tenant string) store.Query { return store.Query{Tenant: tenant} }

// postPeople performs one action on everybody who was chosen, after a page has named
// them.
func (p *Pages) postPeople(w http.ResponseWriter, r *http.Request, v visitor) error {
	do := r.PostForm.Get("do")
	rows, err := p.chosen(r, v)
	if err == nil {
		switch do {
		case "reset":
			err = p.resetMany(w, r, v, rows)
		case "issue":
			err = p.issueMany(w, r, v, rows)
		case "help":
			err = p.helpMany(w, r, v, rows)
		case "remind":
			err = p.remindMany(w, r, v, rows)
		case "require":
			return p.requireOf(w, r, v, rows)
		default:
			return errForm
		}
	}
	if isSeveral(err) || explained(err) {
		return p.peoplePage(w, r, v, r.PostForm, err)
	}
	return err
}

// A severalError names the people for whom a change of several failed.
type severalError struct {
	done, of int
	names    []string
	errs     []error
}

func (e *severalError) Error() string   { return "adminweb: not all of them were changed" }
func (e *severalError) Unwrap() []error { return e.errs }

func (e *severalError) count(name string, err error) {
	e.of++
	if err == nil {
		e.done++
		return
	}
	e.names, e.errs = append(e.names, name), append(e.errs, err)
}

func (e *severalError) orNil() error {
	if len(e.errs) == 0 {
		return nil
	}
	return e
}

func isSeveral(err error) bool {
	var several *severalError
	return errors.As(err, &several)
}

// tenantsOf returns the tenants of the rows.
func tenantsOf(rows []Row) (ids []string) {
	for _, row := range rows {
		if !slices.Contains(ids, row.ID.Tenant) {
			ids = append(ids, row.ID.Tenant)
		}
	}
	return ids
}

// whom names the people: how many, in which organisations, and the first by name. The
// page names more than one organisation before anything happens.
func whom(l *web.Language, v visitor, rows []Row) (details []string) {
	ids := tenantsOf(rows)
	if len(ids) > 1 {
		details = append(details, l.Say("confirm.several", "Count", len(ids)))
		for _, id := range ids {
			t, _ := v.tenant(id)
			n := 0
			for _, row := range rows {
				if row.ID.Tenant == id {
					n++
				}
			}
			details = append(details, l.Say("confirm.ofTenant", "Tenant", t.Name, "Count", n))
		}
	}
	return append(details, firstOf(l, distinct(rows)))
}

// firstOf returns the first of many names in words, and how many more there are.
func firstOf(l *web.Language, names []string) string {
	const few = 10
	who := l.Quoted(names[:min(few, len(names))])
	if more := len(names) - few; more > 0 {
		who = l.Say("confirm.andMore", "Names", who, "Count", more)
	}
	return who
}

// distinct returns the name of each person, and more where several have the same name: the
// organisation, as for the accounts of one person, or the address within one organisation.
func distinct(rows []Row) (names []string) {
	type place struct{ name, tenant string }
	named, placed := map[string]int{}, map[place]int{}
	for _, row := range rows {
		named[row.label()]++
		placed[place{row.label(), row.ID.Tenant}]++
	}
	for _, row := range rows {
		name := row.label()
		switch {
		case placed[place{name, row.ID.Tenant}] > 1:
			name += ", " + cmp.Or(row.Address, row.ID.User)
		case named[name] > 1:
			name += ", " + row.Tenant
		}
		names = append(names, name)
	}
	return names
}

// confirmMany is confirm for everybody who was chosen. It is shown again where the list has
// changed since the page named them.
func (p *Pages) confirmMany(w http.ResponseWriter, r *http.Request, v visitor, rows []Row, c confirmation) (admin.Administrator, bool, error) {
	var people []Person
	for _, row := range rows {
		people = append(people, row.Person)
	}
	l := p.section.Language(r)
	if r.PostForm.Has(partlyField) {
		c.details = slices.Insert(c.details, 0, l.Say("confirm.partly", "Count", maxLooks))
	}
	c.details = append(whom(l, v, rows), c.details...)
	if !named(r, people) {
		c.again = true
	}
	c.back = p.list(r)
	return p.confirm(w, r, v, c)
}

// eachByWindow performs one action on each of up to twenty people with one code, and then
// closes the window.
func (p *Pages) eachByWindow(w http.ResponseWriter, r *http.Request, v visitor, rows []Row, c confirmation, do func(context.Context, admin.Administrator, Row) error) error {
	if len(rows) > admin.MaxTargets {
		return errTooMany
	}
	actions, targets := []totpflow.Action{c.action}, idsOf(rows)
	c.purpose = admin.WindowPurpose(actions, targets)
	by, ok, err := p.confirmMany(w, r, v, rows, c)
	if !ok || err != nil {
		return err
	}
	window, err := p.Admin.OpenWindow(r.Context(), by, actions, targets)
	if err != nil {
		return err
	}
	by = admin.Administrator{User: v.User, Window: window}
	ctx := context.WithoutCancel(r.Context()) // the code is used: the rest is done even if the browser does not wait
	var several severalError
	for i, name := range distinct(rows) {
		several.count(name, do(ctx, by, rows[i]))
	}
	// The window also ends by itself. Its failure beside calls that succeeded would read as
	// theirs, and they would be repeated.
	if err := p.Admin.CloseWindow(ctx, v.User); err != nil {
		p.Web.Log.ErrorContext(r.Context(), "adminweb: a window was not closed", "error", err)
	}
	return p.doneMany(w, r, c, several.orNil())
}

func idsOf(rows []Row) (ids []totpflow.AccountID) {
	for _, row := range rows {
		ids = append(ids, row.ID)
	}
	return ids
}

// doneMany answers for a change of several people. Where some of those who were chosen were
// left out, it does not say that the change is done for all.
func (p *Pages) doneMany(w http.ResponseWriter, r *http.Request, c confirmation, err error) error {
	var several *severalError
	if errors.As(err, &several) {
		for _, failed := range several.errs {
			if !explained(failed) && !isApproval(failed) { // a page cannot explain it
				p.Web.Log.ErrorContext(r.Context(), "adminweb: a change of several failed", "error", failed)
			}
		}
	}
	switch {
	case errors.Is(err, admin.ErrApproval) && onlyApproval(err):
		return p.done(w, r, "waits", p.Path("requests"))
	case err != nil:
		return err
	case c.partial || r.PostForm.Has(partlyField):
		return p.done(w, r, "done-some", p.list(r))
	}
	return p.done(w, r, "done-many", p.list(r))
}

// list is the address of the list that the people of a form were chosen from.
func (p *Pages) list(r *http.Request) string {
	q := url.Values{}
	for _, name := range []string{"tenant", "q", "filter"} {
		if value := r.PostForm.Get(name); value != "" {
			q.Set(name, value)
		}
	}
	if len(q) == 0 {
		return p.Path("people")
	}
	return p.Path("people") + "?" + q.Encode()
}

// onlyApproval reports whether the only error is that a second administrator must
// approve.
func onlyApproval(err error) bool {
	var several *severalError
	if !errors.As(err, &several) {
		return true
	}
	return !slices.ContainsFunc(several.errs, func(e error) bool { return !errors.Is(e, admin.ErrApproval) })
}

// fitting returns the people for whom a change is possible, and a line that names the others.
// The page shows it before the change, and not only the answer after it.
func fitting(l *web.Language, rows []Row, is func(admin.Member) bool) (fit []Row, left []string, err error) {
	var others []string
	for i, name := range distinct(rows) {
		if is(rows[i].Member) {
			fit = append(fit, rows[i])
		} else {
			others = append(others, name)
		}
	}
	switch {
	case len(fit) == 0:
		return nil, nil, errNothing
	case len(others) > 0:
		left = []string{l.Say("does.left", "Names", firstOf(l, others))}
	}
	return fit, left, nil
}

// helpable reports whether one of the actions of a window makes sense for the person.
func helpable(m admin.Member) bool {
	return m.Enrollment != enroll.Exempted && (resettable(m) || issuable(m) || m.Required || m.Throttled != nil)
}

// reminds reports whether the person can be reminded. The notifier reminds only people who must
// set up; the host's own function may also remind those who need not.
func (p *Pages) reminds(m admin.Member) bool {
	return missing(m) && (m.State != admin.StateDisabled || !p.Reminders)
}

// issueMany mails a recovery code to each of up to twenty people.
func (p *Pages) issueMany(w http.ResponseWriter, r *http.Request, v visitor, rows []Row) error {
	if p.Deliver == nil {
		return errForm
	}
	l := p.section.Language(r)
	rows, left, err := fitting(l, rows, issuable)
	if err != nil {
		return err
	}
	c := confirmation{action: admin.ActionIssueCode, doing: l.Say("do.issueMany", "Count", len(rows)), mild: true, partial: len(left) > 0, details: append([]string{l.Say("does.issue")}, left...)}
	return p.eachByWindow(w, r, v, rows, c, func(ctx context.Context, by admin.Administrator, row Row) error {
		return p.Admin.IssueRecoveryCode(ctx, by, row.ID, p.deliver(row.Person))
	})
}

// helpMany opens a window for up to twenty people, which stays open.
func (p *Pages) helpMany(w http.ResponseWriter, r *http.Request, v visitor, rows []Row) error {
	l := p.section.Language(r)
	rows, left, err := fitting(l, rows, helpable)
	switch {
	case err != nil:
		return err
	case len(rows) > admin.MaxTargets:
		return errTooMany
	}
	actions, targets := admin.WindowActions(), idsOf(rows)
	by, ok, err := p.confirmMany(w, r, v, rows, confirmation{
		action: admin.ActionOpenWindow, purpose: admin.WindowPurpose(actions, targets), mild: true,
		doing: l.Say("do.help", "Count", len(rows)), details: append([]string{l.Say("does.help", "For", l.Span(admin.WindowLifetime))}, left...),
	})
	if !ok || err != nil {
		return err
	}
	window, err := p.Admin.OpenWindow(r.Context(), by, actions, targets)
	if err != nil {
		return err
	}
	p.section.SetCookie(w, windowCookie, string(window), admin.WindowLifetime)
	return p.done(w, r, "window-open", p.list(r))
}

// remindMany mails those of the people who have not set up yet. It takes nothing away, so
// it needs no code.
func (p *Pages) remindMany(w http.ResponseWriter, r *http.Request, v visitor, rows []Row) error {
	if p.Remind == nil {
		return errForm
	}
	l := p.section.Language(r)
	rows, left, err := fitting(l, rows, p.reminds)
	if err != nil {
		return errNobodyMissing
	}
	c := confirmation{free: true, mild: true, partial: len(left) > 0, doing: l.Say("do.remind", "Count", len(rows)), details: append([]string{l.Say("does.remind")}, left...)}
	_, ok, err := p.confirmMany(w, r, v, rows, c)
	if !ok || err != nil {
		return err
	}
	var several severalError
	for i, name := range distinct(rows) {
		several.count(name, p.Remind(r.Context(), v.User, rows[i].Person, rows[i].Member))
	}
	return p.doneMany(w, r, c, several.orNil())
}

// requireOf leads to the policy of the people's tenant. A policy requires a code for each
// tenant, and the page says so first.
func (p *Pages) requireOf(w http.ResponseWriter, r *http.Request, v visitor, rows []Row) error {
	tenants := tenantsOf(rows)
	if len(tenants) > 1 {
		return p.peoplePage(w, r, v, r.PostForm, errOnePolicy)
	}
	q := url.Values{"tenant": tenants, "mode": {"required"}}
	http.Redirect(w, r, p.Path("policy")+"?"+q.Encode(), http.StatusSeeOther)
	return nil
}
