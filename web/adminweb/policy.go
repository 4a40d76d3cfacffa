package adminweb

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/web"
)

// A PolicyPage shows a tenant's policy, and its last changes. Its form posts to
// "policy/set", with the fields of Form.
type PolicyPage struct {
	Frame
	Tenants   []Tenant
	Tenant    Tenant
	Status    admin.TenantStatus
	Stricter  bool   // a tenant above asks for more
	Proposed  string // what a link has proposed: "required", or "already" if that is so
	Modes     []string
	RoleModes []string // including the empty word, for the general mode
	Phones    []string
	Days      []string // days that browsers are trusted, to choose from
	Form      map[string]string
	Roles     []RoleField
	Effective []Term
	History   []Entry
}

// A RoleField is the mode of a role in the form.
type RoleField struct {
	Role
	Field, Mode string
}

var modes = []string{"required", "optional", "off"}

func (p *Pages) getPolicy(w http.ResponseWriter, r *http.Request, v visitor) error {
	of := v.tenants // the first one that can be read: its page leads to the others
	if q := r.URL.Query(); q.Has("tenant") {
		t, ok := v.tenant(q.Get("tenant"))
		if !ok {
			return web.ErrNotFound
		}
		of = []Tenant{t}
	}
	var t Tenant
	var st admin.TenantStatus
	found := false
	_, err := p.each(r.Context(), of, func(one Tenant) (err error) {
		if found {
			return nil
		}
		t = one
		st, err = p.Admin.Tenant(r.Context(), v.looks(), t.ID)
		found = err == nil
		return err
	})
	if err != nil {
		return err
	}
	form := p.formOf(ownOr(st))
	if slices.Contains(modes, r.URL.Query().Get("mode")) { // a link that proposes one
		form.Set("mode", r.URL.Query().Get("mode"))
	}
	return p.policyPage(w, r, v, t, st, form, nil)
}

// proposed returns the note for a link that proposes to require the factor. The link comes from
// a list of chosen people, but the policy applies to everybody.
func proposed(r *http.Request, st admin.TenantStatus) string {
	switch {
	case r.Method != http.MethodGet || r.URL.Query().Get("mode") != policy.Required.String():
		return ""
	case st.Effective.Mode == policy.Required && st.Effective.Roles == policy.Roles{}:
		return "already"
	}
	return "required"
}

// ownOr returns the tenant's own policy, or without one what applies to it now: a form with
// the library's defaults would take away what the tenants above allow.
func ownOr(st admin.TenantStatus) policy.Policy {
	if !st.Set {
		return st.Effective
	}
	return st.Own
}

// formOf returns a policy as the form shows it.
func (p *Pages) formOf(own policy.Policy) url.Values {
	form := url.Values{
		"mode": {own.Mode.String()}, "grace": {strconv.Itoa(int(own.Grace / oneDay))}, "browsers": {strconv.Itoa(int(own.TrustFor() / oneDay))},
		"codes": {yesNo(own.Methods.Has(policy.RecoveryCodes))}, "phones": {"no"}, "deadline": {""},
		"issued": {yesNo(own.IssuedCode)}, "two": {yesNo(own.TwoAdministrators)},
	}
	if !own.Deadline.IsZero() {
		form.Set("deadline", own.Deadline.UTC().Format(time.DateOnly))
	}
	switch {
	case own.Methods.Has(policy.Phone) && own.AssignedPhones:
		form.Set("phones", "assigned")
	case own.Methods.Has(policy.Phone):
		form.Set("phones", "yes")
	}
	of := own.Roles.Modes()
	for i, role := range p.Roles {
		if m, ok := of[role.ID]; ok {
			form.Set(roleField(i), m.String())
		}
	}
	return form
}

func roleField(i int) string { return "role-" + strconv.Itoa(i) }

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

// policyPage shows the form as it was filled in, and why it was refused.
func (p *Pages) policyPage(w http.ResponseWriter, r *http.Request, v visitor, t Tenant, st admin.TenantStatus, form url.Values, refused error) (err error) {
	page := &PolicyPage{
		Tenants: v.tenants, Tenant: t, Status: st, Modes: modes, RoleModes: append([]string{""}, modes...),
		Proposed: proposed(r, st), Phones: []string{"no", "yes", "assigned"}, Days: []string{"0", "7", "14", "30", "60", "90"}, Form: map[string]string{},
	}
	own := ownOr(st)
	if st.Mandatory { // by itself, and not by a tenant above
		own.Mode, own.Roles = policy.Required, policy.Roles{}
		page.Modes, page.RoleModes = modes[:1], []string{"", modes[0]}
	}
	page.Stricter = policy.Lowers(st.Effective, own, p.now())
	for name := range form {
		page.Form[name] = form.Get(name)
	}
	if days := page.Form["browsers"]; !slices.Contains(page.Days, days) {
		page.Days = append(page.Days, days)
	}
	for i, role := range p.Roles {
		role.Name = roleName(p.section.Language(r), role)
		page.Roles = append(page.Roles, RoleField{role, roleField(i), form.Get(roleField(i))})
	}
	if page.Frame, err = p.frame(w, r, v); err != nil {
		return err
	}
	if page.History, err = p.history(r.Context(), t.ID, st.Activity); err != nil {
		return err
	}
	l := p.section.Language(r)
	page.Title, page.Effective = l.Say("policy.of", "Tenant", t.Name), p.terms(l, own, st.Effective)
	return p.section.Show(w, r, "admin-policy", refused, page)
}

// postPolicy sets a tenant's policy, after a page has shown every field before and after.
func (p *Pages) postPolicy(w http.ResponseWriter, r *http.Request, v visitor) error {
	t, ok := v.tenant(r.PostForm.Get("tenant"))
	if !ok {
		return web.ErrNotFound
	}
	st, err := p.Admin.Tenant(r.Context(), v.looks(), t.ID)
	if err != nil {
		return err
	}
	refuse := func(err error) error {
		if explained(err) {
			return p.policyPage(w, r, v, t, st, r.PostForm, err)
		}
		return err
	}
	next, err := p.parsePolicy(r.PostForm, ownOr(st))
	if err == nil && st.Mandatory && (next.Mode != policy.Required || policy.Strictest(next).Roles != policy.Roles{}) { // before a code is used
		err = admin.ErrMandatory
	}
	if err != nil {
		return refuse(err)
	}
	c, err := p.confirmPolicy(r, v, t, st, next)
	if err != nil {
		return refuse(err)
	}
	by, ok, err := p.confirm(w, r, v, c)
	if !ok || err != nil {
		return err
	}
	return p.answered(w, r, p.Admin.SetPolicy(r.Context(), by, t.ID, next), "done-policy", c.back, refuse)
}

// confirmPolicy shows what applies now, and what will apply.
func (p *Pages) confirmPolicy(r *http.Request, v visitor, t Tenant, st admin.TenantStatus, next policy.Policy) (confirmation, error) {
	l := p.section.Language(r)
	of, err := p.compare(r.Context(), l, v.looks(), t.ID, ownOr(st), next, st.Effective)
	if err != nil {
		return confirmation{}, err
	}
	c := confirmation{
		action: admin.ActionSetPolicy, target: store.AccountID{Tenant: t.ID}, doing: l.Say("do.policy", "Tenant", t.Name),
		terms: of.terms, back: p.Path("policy") + "?" + url.Values{"tenant": {t.ID}}.Encode(),
	}
	c.purpose = admin.Purpose(c.action, c.target)
	if next.Mode == policy.Required && !next.Deadline.IsZero() && next.Deadline.Before(p.now()) && !next.Deadline.Equal(st.Effective.Deadline) {
		c.details = append(c.details, l.Say("does.deadline"))
	}
	below, err := p.below(r.Context(), l, v, t)
	if err != nil {
		return confirmation{}, err
	}
	c.details = slices.Concat(c.details, below, of.details)
	// As Admin.SetPolicy decides. An own policy that is made milder has an effect once the
	// tenants above are milder, too.
	milder := policy.Lowers(st.Own, next, p.now()) && (st.Set || policy.Lowers(st.Effective, next, p.now()))
	c.mild = !of.lowers && !milder
	if (st.Effective.TwoAdministrators || st.Own.TwoAdministrators) && milder {
		c.details = append(c.details, l.Say("does.second"))
	}
	return c, nil
}

// answered answers for a change that may have become a request.
func (p *Pages) answered(w http.ResponseWriter, r *http.Request, err error, notice, to string, refuse func(error) error) error {
	switch {
	case isApproval(err):
		return p.done(w, r, "waits", p.Path("requests"))
	case err != nil:
		return refuse(err)
	}
	return p.done(w, r, notice, to)
}

// parsePolicy applies the form to the current policy: settings that the form does not
// have stay.
func (p *Pages) parsePolicy(form url.Values, own policy.Policy) (policy.Policy, error) {
	next := own
	var err error
	if next.Mode, err = policy.ParseMode(form.Get("mode")); err != nil {
		return own, errForm
	}
	grace, err := strconv.ParseUint(strings.TrimSpace(form.Get("grace")), 10, 16)
	if err != nil || grace > 90 {
		return own, errForm
	}
	browsers, err := strconv.ParseUint(form.Get("browsers"), 10, 16)
	if err != nil || browsers > 90 {
		return own, errForm
	}
	if next.Grace, next.BrowserAge = time.Duration(grace)*oneDay, time.Duration(browsers)*oneDay; browsers == 0 {
		next.BrowserAge = -1 // not at all
	}
	next.Deadline = time.Time{}
	if day := form.Get("deadline"); day != "" {
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			return own, errForm
		}
		next.Deadline = at.Add(oneDay - time.Minute) // the day's last minute
	}
	next.Methods = policy.App | own.Methods&policy.External
	if own.Methods == 0 {
		next.Methods |= policy.External
	}
	switch form.Get("codes") {
	case "yes":
		next.Methods |= policy.RecoveryCodes
	case "no":
	default:
		return own, errForm
	}
	next.AssignedPhones = form.Get("phones") == "assigned"
	switch form.Get("phones") {
	case "yes", "assigned":
		next.Methods |= policy.Phone
	case "no":
	default:
		return own, errForm
	}
	next.IssuedCode, next.TwoAdministrators = form.Get("issued") == "yes", form.Get("two") == "yes"
	next.Roles, err = p.parseRoles(form, own.Roles)
	if err != nil {
		return own, errForm
	}
	return next, next.Validate()
}

func (p *Pages) parseRoles(form url.Values, own policy.Roles) (policy.Roles, error) {
	all := own.Modes()
	for i, role := range p.Roles {
		word := form.Get(roleField(i))
		if word == "" {
			delete(all, role.ID)
			continue
		}
		m, err := policy.ParseMode(word)
		if err != nil {
			return own, err
		}
		all[role.ID] = m
	}
	return policy.NewRoles(all)
}

// roleName returns the host's text role.ID, where its catalogues have one, and otherwise the name.
func roleName(l *web.Language, role Role) string {
	if text, err := l.Find("role." + role.ID); err == nil {
		return text
	}
	return role.Name
}
