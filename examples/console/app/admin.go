package app

import (
	"bytes"
	"context"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/web"
)

var (
	errNotAdministrator = errors.New("not an administrator")
	errSetUpFirst       = errors.New("the administrator has no second factor")
	errForm             = errors.New("the form was not filled in")
	errNobody           = errors.New("no account was ticked")
	errSeveralTenants   = errors.New("accounts of several organisations were ticked")
	errResetFirst       = errors.New("the account is closed")
	errNothingLost      = errors.New("the account has nothing to be locked out of")
)

// admin returns the administrators' calls, under the console's rule. The
// library holds that the target is of the administrator's own tenant or of one
// below it, and is somebody else.
func (c *console) admin() admin.Admin { return admin.New(c.mfa, c.rule) }

// rule lets administrators do everything, but not to another account of
// themselves, nor approve what they have asked for by another one. It asks the
// table each time: who was one a minute ago may not be one now.
func (c *console) rule(ctx context.Context, actor totpflow.User, action totpflow.Action, target store.AccountID) error {
	me, err := c.users.byID(ctx, actor.ID.User)
	switch {
	case err != nil:
		return err
	case !me.Administers() || me.Tenant.Record != actor.ID.Tenant:
		return errNotAdministrator
	case target.User == "" || action == admin.ActionViewAccounts:
		return nil
	}
	them, err := c.users.byID(ctx, target.User)
	if err == nil && them.Person == me.Person {
		err = admin.ErrSelf
	}
	return err
}

// leave is the administrator's own code, turned into the leave for one call.
func (v *visitor) leave(r *http.Request, p totpflow.Purpose) (admin.Administrator, error) {
	proof, err := v.reauthenticate(r, p)
	if errors.Is(err, totpflow.ErrNotEnrolled) {
		err = errSetUpFirst
	}
	return admin.Administrator{User: v.account(), Proof: proof}, err
}

// looks is the leave for what only looks, which takes no code.
func (v *visitor) looks() admin.Administrator { return admin.Administrator{User: v.account()} }

// administrator is signedIn for administrators. For others there is no such page.
func (c *console) administrator(h func(http.ResponseWriter, *http.Request, *visitor) error) http.Handler {
	return c.signedIn(func(w http.ResponseWriter, r *http.Request, v *visitor) error {
		if !v.Administers() {
			return web.ErrNotFound
		}
		return h(w, r, v)
	})
}

// A memberRow is one account in the list.
type memberRow struct {
	User   user
	Member admin.Member
}

// Exempt reports whether it is a machine account, which a reset would make a
// person's again.
func (m memberRow) Exempt() bool { return m.Member.Enrollment == enroll.Exempted }

// adminPage is what the administrators' page shows.
type adminPage struct {
	forms
	Tenants  []tenant // of the administrator and those below
	Tenant   string   // the chosen one; empty: all of them
	State    string   // the chosen one; empty: all of them
	Rows     []memberRow
	Counts   admin.Counts
	Page     int
	Pages    int
	Requests []requestRow // of all the tenants whose accounts are listed
	Policy   policyForm   // of the first of them
}

const perPage = 25

// list reads the accounts that the address asks for, all on one page.
func (c *console) list(r *http.Request, v *visitor) (p adminPage, of []tenant, err error) {
	p = adminPage{forms: forms{visitor: v}, Tenant: r.FormValue("tenant"), State: r.FormValue("state")}
	if p.Tenants, err = c.tenants.under(r.Context(), v.user.Tenant); err != nil {
		return p, nil, err
	}
	of = p.Tenants
	if p.Tenant != "" {
		if of, err = chosen(p.Tenants, p.Tenant); err != nil {
			return p, nil, err
		}
	}
	if p.Rows, err = c.members(r.Context(), v, of); err != nil {
		return p, nil, err
	}
	p.count()
	return p, of, nil
}

// members are the accounts of the tenants, with their states. The list is the
// console's own: a person who has never signed in is not in the store.
func (c *console) members(ctx context.Context, v *visitor, of []tenant) ([]memberRow, error) {
	var rows []memberRow
	var ids []store.AccountID
	for _, t := range of {
		users, err := c.users.ofTenant(ctx, t.ID)
		if err != nil {
			return nil, err
		}
		for _, u := range users {
			rows, ids = append(rows, memberRow{User: u}), append(ids, u.record())
		}
	}
	i := 0
	for m, err := range c.admin().Status(ctx, v.looks(), ids...) {
		if err != nil {
			return nil, err
		}
		rows[i].Member = m
		i++
	}
	return rows, nil
}

// count takes the counts of all, and leaves those in the chosen state.
func (p *adminPage) count() {
	for _, row := range p.Rows {
		p.Counts.Add(row.Member)
	}
	p.Rows = slices.DeleteFunc(p.Rows, func(row memberRow) bool {
		return p.State != "" && p.State != string(row.Member.State)
	})
}

// turn leaves the rows of one page. A value that is not a page counts as the first.
func (p *adminPage) turn(page string) {
	p.Pages = max(1, (len(p.Rows)+perPage-1)/perPage)
	p.Page, _ = strconv.Atoi(page)
	p.Page = min(max(1, p.Page), p.Pages)
	first := (p.Page - 1) * perPage
	p.Rows = p.Rows[first:min(first+perPage, len(p.Rows))]
}

// People is how many accounts should have a second factor.
func (p adminPage) People() int { return p.Counts.Total - p.Counts.Exempt }

// Previous and Next are the numbers of the pages beside this one; 0 for none.
func (p adminPage) Previous() int { return p.Page - 1 }
func (p adminPage) Next() int {
	if p.Page == p.Pages {
		return 0
	}
	return p.Page + 1
}

// Query is the address of the list as it is chosen, on another page. It is safe
// to mark it so: it is encoded here.
func (p adminPage) Query(page int) template.URL {
	q := url.Values{}
	for name, value := range map[string]string{"tenant": p.Tenant, "state": p.State} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if page > 1 {
		q.Set("page", strconv.Itoa(page))
	}
	return template.URL(q.Encode())
}

// States are those to choose from.
func (adminPage) States() []admin.MemberState { return states }

var states = []admin.MemberState{
	admin.StateEnabled, admin.StateRequired, admin.StateGrace, admin.StateDisabled,
	admin.StateExempt, admin.StateFrozen, admin.StateUnreadable,
}

func chosen(tenants []tenant, id string) ([]tenant, error) {
	i := slices.IndexFunc(tenants, func(t tenant) bool { return t.ID == id })
	if i < 0 {
		return nil, web.ErrNotFound
	}
	return tenants[i : i+1], nil
}

func (c *console) getAdmin(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return c.showAdmin(w, r, v, "", nil)
}

// showAdmin shows the administrators' page, and why a form of it was refused.
func (c *console) showAdmin(w http.ResponseWriter, r *http.Request, v *visitor, form string, refused error) (err error) {
	if refused != nil { // which may have used up a code, or begun a wait
		if v.Status, err = v.factor.Status(r.Context()); err != nil {
			return err
		}
	}
	p, of, err := c.list(r, v)
	if err != nil {
		return err
	}
	p.turn(r.FormValue("page"))
	if p.Requests, err = c.requests(r, v, of); err != nil {
		return err
	}
	if p.Policy, err = c.policyForm(r, v, of[0]); err != nil {
		return err
	}
	if p.offers(form) {
		p.form = form
	}
	return c.showForms(w, r, "admin", refused, view{Visitor: v, Data: p})
}

// administered answers a form of the administrators' page.
func (c *console) administered(w http.ResponseWriter, r *http.Request, v *visitor, form, notice string, err error) error {
	switch {
	case errors.Is(err, admin.ErrApproval):
		notice = "waits"
	case err != nil:
		return c.showAdmin(w, r, v, form, err)
	}
	c.setNotice(r, notice)
	back := "/admin"
	if t := r.PostFormValue("tenant"); t != "" {
		back += "?tenant=" + url.QueryEscape(t)
	}
	return redirect(w, r, back)
}

// offers reports whether the page has this form.
func (p adminPage) offers(form string) bool {
	word, id, _ := strings.Cut(form, "/")
	switch {
	case !p.Enrolled():
		return false
	case form == "reset-many":
		return len(p.Rows) > 0
	case id != "":
		return slices.ContainsFunc(p.Requests, func(q requestRow) bool { return q.ID == id && (word == "withdraw" || !q.Mine) })
	}
	return form == "policy"
}

// getCSV is the list for anyone who has to show that everybody has a second factor.
func (c *console) getCSV(w http.ResponseWriter, r *http.Request, v *visitor) error {
	p, _, err := c.list(r, v)
	if err != nil {
		return err
	}
	emails := make(map[store.AccountID]string)
	for _, row := range p.Rows {
		emails[row.Member.ID] = row.User.Email
	}
	members := func(yield func(admin.Member, error) bool) {
		for _, row := range p.Rows {
			if !yield(row.Member, nil) {
				return
			}
		}
	}
	var b bytes.Buffer // whole or not at all
	if err := admin.WriteCSV(&b, members, func(id store.AccountID) string { return emails[id] }); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="accounts.csv"`)
	_, _ = b.WriteTo(w)
	return nil
}

// ofAdministration is the text for why an administrator's form was refused; empty for any
// other error.
func ofAdministration(err error) string {
	for _, known := range administration {
		if errors.Is(err, known.err) {
			return known.text
		}
	}
	return ""
}

var administration = []struct {
	err  error
	text string
}{
	{errSetUpFirst, "error.setUpFirst"},
	{admin.ErrSelf, "error.self"},
	{errForm, "error.form"},
	{errNobody, "error.nobody"},
	{errSeveralTenants, "error.severalTenants"},
	{errResetFirst, "error.resetFirst"},
	{errNothingLost, "error.nothingLost"},
	{errMail, "error.mail"},
	{admin.ErrNotAllowed, "error.notAllowed"},
	{admin.ErrNoAccount, "error.noAccount"},
	{admin.ErrGrace, "error.grace"},
	{admin.ErrNoGrace, "error.noGrace"},
	{admin.ErrScope, "error.scope"},
	{admin.ErrBulk, "error.bulk"},
	{admin.ErrMachineName, "error.machineName"},
	{admin.ErrNoRequest, "error.noRequest"},
	{admin.ErrTooManyRequests, "error.requests"},
	{totpflow.ErrNotExempt, "error.notExempt"},
	{totpflow.ErrNoBrowser, "error.noBrowser"},
	{enroll.ErrTransition, "error.transition"},
}
