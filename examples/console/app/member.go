package app

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/web"
)

// memberPage is what administrators see of one account.
type memberPage struct {
	forms
	User   user
	Member admin.Member
	Self   bool // the administrator's own, or another one of theirs
	Policy policy.Policy
}

// Exempt reports whether it is a machine account.
func (p memberPage) Exempt() bool { return p.Member.Enrollment == enroll.Exempted }

// Offers reports whether a change makes sense in the state that the account is
// in. The page has forms for these; the library decides.
func (p memberPage) Offers(change string) bool {
	m := p.Member
	waiting, frozen, active := m.Enrollment == enroll.ResetPending, !m.FrozenAt.IsZero(), m.Authenticators > 0 || m.Phones > 0
	switch change {
	case "restore":
		return len(m.Recoverable) > 0
	case "unlock":
		return m.Throttled != nil || frozen
	case "issue-code":
		return !frozen && (active || waiting)
	case "grace":
		return m.Required && !active && !waiting && !p.Exempt()
	case "phone":
		return p.Policy.Methods.Has(policy.Phone) && p.Policy.AssignedPhones && !p.Exempt()
	case "revoke-browser":
		return len(m.Browsers) > 0
	case "reset", "exempt":
		return !p.Exempt()
	case "end-exemption":
		return p.Exempt()
	}
	return change == "forget"
}

// MoreTime fills in the form for more time: two weeks from now, or from the end
// that the person has, within what there may be.
func (p memberPage) MoreTime() string {
	from, last := p.now, p.now.Add(policy.MaxGrace-oneDay) // whose last minute is within it
	if p.Member.GraceUntil.After(from) {
		from = p.Member.GraceUntil
	}
	if until := from.Add(14 * oneDay); until.Before(last) {
		last = until
	}
	return last.UTC().Format(time.DateOnly)
}

// member is the account that the address names, if the administrator may see it.
func (c *console) member(r *http.Request, v *visitor) (user, error) {
	u, err := c.users.byID(r.Context(), r.PathValue("id"))
	if errors.Is(err, sql.ErrNoRows) {
		return user{}, web.ErrNotFound
	}
	if err != nil {
		return user{}, err
	}
	under, err := c.tenants.under(r.Context(), v.user.Tenant)
	if err == nil && !slices.Contains(under, u.Tenant) {
		err = admin.ErrNotAllowed
	}
	return u, err
}

func (c *console) getMember(w http.ResponseWriter, r *http.Request, v *visitor) error {
	u, err := c.member(r, v)
	if err != nil {
		return err
	}
	return c.showMember(w, r, v, u, "", nil)
}

// showMember shows one account, and why a form of its page was refused.
func (c *console) showMember(w http.ResponseWriter, r *http.Request, v *visitor, u user, form string, refused error) (err error) {
	if refused != nil { // which may have used up a code, or begun a wait
		if v.Status, err = v.factor.Status(r.Context()); err != nil {
			return err
		}
	}
	m, err := c.admin().Member(r.Context(), v.looks(), u.record())
	if err != nil {
		return err
	}
	of, err := c.admin().Tenant(r.Context(), v.looks(), u.Tenant.Record)
	if err != nil {
		return err
	}
	p := memberPage{forms: forms{visitor: v}, User: u, Member: m, Self: u.Person == v.Person, Policy: of.Effective}
	if v.Enrolled() && p.Offers(form) {
		p.form = form
	}
	return c.showForms(w, r, "member", refused, view{Title: u.Name, Visitor: v, Data: p})
}

// A memberChange is what administrators can do to an account. Each takes their
// own code, for this action and no other.
type memberChange struct {
	action totpflow.Action
	do     func(c *console, r *http.Request, by admin.Actor, them user) (totpflow.Change, error)
}

// memberChanges are the forms of the account's page, by the last part of their
// address.
var memberChanges = map[string]memberChange{
	"reset": {admin.ActionResetAccount, func(c *console, r *http.Request, by admin.Actor, them user) (totpflow.Change, error) {
		return c.admin().Reset(r.Context(), by, them.record(), scope(r))
	}},
	"unlock": {admin.ActionUnlockAccount, func(c *console, r *http.Request, by admin.Actor, them user) (totpflow.Change, error) {
		return totpflow.Change{}, c.admin().Unlock(r.Context(), by, them.record())
	}},
	"revoke-browser": {admin.ActionRevokeBrowser, func(c *console, r *http.Request, by admin.Actor, them user) (totpflow.Change, error) {
		return totpflow.Change{}, c.admin().RevokeBrowser(r.Context(), by, them.record(), r.PostFormValue("browser"))
	}},
	"grace": {admin.ActionExtendGrace, func(c *console, r *http.Request, by admin.Actor, them user) (totpflow.Change, error) {
		until, err := date(r.PostFormValue("until"))
		if err != nil {
			return totpflow.Change{}, err
		}
		return totpflow.Change{}, c.admin().ExtendGrace(r.Context(), by, them.record(), until)
	}},
	"exempt": {admin.ActionExemptAccount, func(c *console, r *http.Request, by admin.Actor, them user) (totpflow.Change, error) {
		return c.admin().Exempt(r.Context(), by, them.record(), r.PostFormValue("name"))
	}},
	"end-exemption": {admin.ActionExemptAccount, func(c *console, r *http.Request, by admin.Actor, them user) (totpflow.Change, error) {
		return c.admin().EndExemption(r.Context(), by, them.record())
	}},
	"issue-code": {admin.ActionIssueCode, func(c *console, r *http.Request, by admin.Actor, them user) (totpflow.Change, error) {
		err := c.admin().IssueRecoveryCode(r.Context(), by, them.record(), c.sendIssued(them))
		switch {
		case errors.Is(err, totpflow.ErrFrozen):
			err = errResetFirst
		case errors.Is(err, totpflow.ErrNotEnrolled):
			err = errNothingLost
		}
		return totpflow.Change{}, err
	}},
	"phone": {admin.ActionAssignPhone, func(c *console, r *http.Request, by admin.Actor, them user) (done totpflow.Change, err error) {
		var n phone.Number // none takes the phone away
		if typed := r.PostFormValue("number"); typed != "" {
			if n, err = phone.ParseNumber(typed); err != nil {
				return done, err
			}
		}
		return c.admin().AssignPhone(r.Context(), by, them.record(), n)
	}},
	"restore": {admin.ActionRestoreAuthenticator, func(c *console, r *http.Request, by admin.Actor, them user) (totpflow.Change, error) {
		return c.admin().RestoreAuthenticator(r.Context(), by, them.record(), r.PostFormValue("authenticator"))
	}},
	"forget": {admin.ActionForgetAccount, func(c *console, r *http.Request, by admin.Actor, them user) (totpflow.Change, error) {
		err := c.admin().Forget(r.Context(), by, them.record())
		if err == nil || errors.Is(err, admin.ErrNoAccount) { // who never came has nothing to be forgotten
			err = c.users.delete(r.Context(), them)
		}
		return totpflow.Change{}, err
	}},
}

// scope is how much a reset clears: everything, unless the form says less.
func scope(r *http.Request) admin.Scope {
	return admin.Scope(cmp.Or(r.PostFormValue("scope"), string(admin.ScopeAll)))
}

// postMember does what one form of the account's page asks for.
func (c *console) postMember(w http.ResponseWriter, r *http.Request, v *visitor) error {
	word := r.PathValue("change")
	change, ok := memberChanges[word]
	if !ok {
		return web.ErrNotFound
	}
	them, err := c.member(r, v)
	if err != nil {
		return err
	}
	if them.Person == v.Person { // before a code is spent on it
		return c.showMember(w, r, v, them, "", admin.ErrSelf)
	}
	by, err := v.leave(r, admin.Purpose(change.action, totpflow.AccountID{Tenant: them.Tenant.Record, User: them.ID}))
	if err == nil {
		var done totpflow.Change
		done, err = change.do(c, r, by, them)
		err = errors.Join(err, c.users.keep(r.Context(), done))
	}
	switch {
	case errors.Is(err, admin.ErrApproval):
		c.setNotice(r, "waits")
	case err != nil:
		return c.showMember(w, r, v, them, word, err)
	default:
		c.setNotice(r, "member-"+word)
	}
	if word == "forget" {
		return redirect(w, r, "/admin")
	}
	return redirect(w, r, "/admin/accounts/"+them.ID)
}

// postResetMany resets the accounts that were ticked, of one organisation.
func (c *console) postResetMany(w http.ResponseWriter, r *http.Request, v *visitor) error {
	targets, of, err := c.ticked(r, v)
	if err != nil {
		return c.showAdmin(w, r, v, "reset-many", err)
	}
	by, err := v.leave(r, admin.Purpose(admin.ActionResetAccount, totpflow.AccountID{Tenant: of.Record}))
	if err != nil {
		return c.showAdmin(w, r, v, "reset-many", err)
	}
	outcomes, err := c.admin().ResetMany(r.Context(), by, of.Record, targets, scope(r))
	err = errors.Join(err, c.users.keepOutcomes(r.Context(), outcomes))
	for _, o := range outcomes {
		if o.Err != nil && !errors.Is(o.Err, admin.ErrNoAccount) { // who never came has nothing to reset
			err = errors.Join(err, o.Err)
		}
	}
	return c.administered(w, r, v, "reset-many", "reset-many", err)
}

// ticked are the ids of the accounts that were chosen in the list.
func (c *console) ticked(r *http.Request, v *visitor) (ids []string, of tenant, err error) {
	under, err := c.tenants.under(r.Context(), v.user.Tenant)
	if err != nil {
		return nil, of, err
	}
	if err := r.ParseForm(); err != nil {
		return nil, of, errForm
	}
	for _, id := range r.PostForm["account"] {
		u, err := c.users.byID(r.Context(), id)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return nil, of, web.ErrNotFound
		case err != nil:
			return nil, of, err
		case !slices.Contains(under, u.Tenant):
			return nil, of, admin.ErrNotAllowed
		case u.Person == v.Person:
			return nil, of, admin.ErrSelf
		case of.ID != "" && of != u.Tenant:
			return nil, of, errSeveralTenants
		}
		ids, of = append(ids, u.ID), u.Tenant
	}
	if len(ids) == 0 {
		return nil, of, errNobody
	}
	return ids, of, nil
}

// exemptMachines exempts the accounts of backup agents that are new: nobody is
// there to type a code. It asks no administrator, and the events say so.
func (c *console) exemptMachines(ctx context.Context) error {
	machines, err := c.users.machines(ctx)
	if err != nil {
		return err
	}
	by := admin.Operator{Name: "console", Reason: "the account was made for a backup agent"}
	for _, u := range machines {
		m, err := c.admin().Member(ctx, by, u.record())
		if err == nil && m.Enrollment == enroll.Disabled {
			var done totpflow.Change
			done, err = c.admin().Exempt(ctx, by, u.record(), u.Name)
			err = errors.Join(err, c.users.keep(ctx, done))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// called is what to call an account, also one that is gone.
func (u *users) called(ctx context.Context, id string) (string, error) {
	found, err := u.byID(ctx, id)
	if errors.Is(err, sql.ErrNoRows) {
		return spoken(ctx).Say("admin.gone"), nil
	}
	return found.Email, err
}
