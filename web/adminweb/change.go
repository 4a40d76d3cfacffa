package adminweb

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/web"
)

// A change is a change by an administrator to one account. Its ask reads the form and
// describes what will happen, before a code is asked for; its do performs it.
type change struct {
	action totpflow.Action
	ask    func(x *asked) error
	do     func(x *asked, by admin.Administrator) (totpflow.Change, error)
}

// An asked change is one that a form has asked for.
type asked struct {
	*Pages
	r      *http.Request
	l      *web.Language
	them   Person
	m      admin.Member
	of     policy.Policy // what applies in the organisation
	c      confirmation
	until  time.Time
	number phone.Number
}

func (x *asked) field(name string) string { return x.r.PostForm.Get(name) }

// effects says what the change does.
func (x *asked) effects(action totpflow.Action, scope admin.Scope, number bool) []string {
	return effect{action, scope, 1, number, x.of.IssuedCode}.details(x.l, x.m)
}

// changes are the forms of a person's page, by the last part of their address.
var changes = map[string]change{
	"reset": {admin.ActionResetAccount, func(x *asked) error {
		scope := admin.Scope(x.field("scope"))
		if !slices.Contains(scopes, scope) {
			return admin.ErrScope
		}
		if x.m.State != admin.StateUnreadable && !resettable(x.m) {
			return errNothing
		}
		x.c.doing = x.l.Say("do.reset-"+string(scope), "Name", x.them.label())
		x.c.details = x.effects(admin.ActionResetAccount, scope, false)
		return nil
	}, func(x *asked, by admin.Administrator) (totpflow.Change, error) {
		return x.Admin.Reset(x.r.Context(), by, x.them.ID, admin.Scope(x.field("scope")))
	}},
	"unlock": {admin.ActionUnlockAccount, func(x *asked) error {
		x.c.doing, x.c.mild = x.l.Say("do.unlock", "Name", x.them.label()), x.m.FrozenAt.IsZero()
		if x.m.FrozenAt.IsZero() {
			x.c.details = []string{x.l.Say("does.unlock")}
			return nil
		}
		x.c.details = []string{x.l.Say("does.unlockClosed")}
		for _, a := range x.m.Apps { // a thief's may be among them
			x.c.details = append(x.c.details, x.l.Say("does.worksAgain", "App", a.Name, "Day", x.l.Minute(a.Added)))
		}
		return nil
	}, func(x *asked, by admin.Administrator) (totpflow.Change, error) {
		return totpflow.Change{}, x.Admin.Unlock(x.r.Context(), by, x.them.ID)
	}},
	"issue": {admin.ActionIssueCode, func(x *asked) error {
		if x.Deliver == nil {
			return errForm
		}
		x.c.doing, x.c.mild = x.l.Say("do.issue", "Name", x.them.label()), true
		x.c.details = []string{x.l.Say("does.issueTo", "Address", x.them.Address)}
		return nil
	}, func(x *asked, by admin.Administrator) (totpflow.Change, error) {
		return totpflow.Change{}, x.Admin.IssueRecoveryCode(x.r.Context(), by, x.them.ID, x.deliver(x.them))
	}},
	"restore": {admin.ActionRestoreAuthenticator, func(x *asked) error {
		for _, kept := range x.m.Recoverable {
			if kept.ID == x.field("authenticator") {
				x.c.doing = x.l.Say("do.restore", "App", kept.Name, "Name", x.them.label())
				x.c.details = x.effects(admin.ActionRestoreAuthenticator, "", false)
				return nil
			}
		}
		return errGone
	}, func(x *asked, by admin.Administrator) (totpflow.Change, error) {
		return x.Admin.RestoreAuthenticator(x.r.Context(), by, x.them.ID, x.field("authenticator"))
	}},
	"grace": {admin.ActionExtendGrace, func(x *asked) error {
		day, err := time.Parse(time.DateOnly, x.field("until"))
		if err != nil {
			return errForm
		}
		x.until = day.Add(oneDay - time.Minute) // the day's last minute
		if now := x.now(); !x.until.After(now) || !x.until.After(x.m.GraceUntil) || x.until.Sub(now) > policy.MaxGrace {
			return admin.ErrGrace // as the call would, which uses up a code
		}
		x.c.doing, x.c.mild = x.l.Say("do.grace", "Name", x.them.label(), "Day", x.l.Minute(x.until)), true
		return nil
	}, func(x *asked, by admin.Administrator) (totpflow.Change, error) {
		return totpflow.Change{}, x.Admin.ExtendGrace(x.r.Context(), by, x.them.ID, x.until)
	}},
	"revoke": {admin.ActionRevokeBrowser, func(x *asked) error {
		for _, b := range x.m.Browsers {
			if b.ID == x.field("browser") {
				x.c.doing = x.l.Say("do.revoke", "Browser", x.l.Browser(b.Label), "Name", x.them.label())
				return nil
			}
		}
		return totpflow.ErrNoBrowser
	}, func(x *asked, by admin.Administrator) (totpflow.Change, error) {
		return totpflow.Change{}, x.Admin.RevokeBrowser(x.r.Context(), by, x.them.ID, x.field("browser"))
	}},
	"phone": {admin.ActionAssignPhone, func(x *asked) (err error) {
		typed := x.field("number")
		if typed == "" { // the phones are removed
			if x.m.Phones == 0 && x.m.Assigned.IsZero() {
				return errNoPhone
			}
			x.c.doing = x.l.Say("do.phoneNone", "Name", x.them.label())
			x.c.details = x.effects(admin.ActionAssignPhone, "", false)
			return nil
		}
		if x.number, err = phone.ParseNumber(typed); err != nil {
			return err
		}
		x.c.doing = x.l.Say("do.phone", "Number", x.number.E164(), "Name", x.them.label()) // whole, for a typing error to be seen
		x.c.title = x.l.Say("do.phone", "Number", x.number.String(), "Name", x.them.label())
		x.c.details = x.effects(admin.ActionAssignPhone, "", true)
		return nil
	}, func(x *asked, by admin.Administrator) (totpflow.Change, error) {
		return x.Admin.AssignPhone(x.r.Context(), by, x.them.ID, x.number)
	}},
	"exempt": {admin.ActionExemptAccount, func(x *asked) error {
		if x.field("machine") == "" {
			return admin.ErrMachineName
		}
		x.c.doing = x.l.Say("do.exempt", "Name", x.them.label(), "Machine", x.field("machine"))
		x.c.details = x.effects(admin.ActionExemptAccount, "", false)
		return nil
	}, func(x *asked, by admin.Administrator) (totpflow.Change, error) {
		return x.Admin.Exempt(x.r.Context(), by, x.them.ID, x.field("machine"))
	}},
	"end-exemption": {admin.ActionExemptAccount, func(x *asked) error {
		x.c.doing = x.l.Say("do.endExemption", "Name", x.them.label())
		x.c.details = []string{x.l.Say("does.endExemption")}
		return nil
	}, func(x *asked, by admin.Administrator) (totpflow.Change, error) {
		return x.Admin.EndExemption(x.r.Context(), by, x.them.ID)
	}},
	"forget": {admin.ActionForgetAccount, func(x *asked) error {
		if x.Erase == nil {
			return errForm
		}
		x.c.doing = x.l.Say("do.forget", "Name", x.them.label())
		x.c.details = x.effects(admin.ActionForgetAccount, "", false)
		return nil
	}, func(x *asked, by admin.Administrator) (totpflow.Change, error) {
		err := x.Admin.Forget(x.r.Context(), by, x.them.ID)
		if err == nil || errors.Is(err, admin.ErrNoAccount) { // a person who never signed in has no record to delete
			err = x.Erase(context.WithoutCancel(x.r.Context()), x.them) // otherwise a browser that hangs up leaves half a person
		}
		return totpflow.Change{}, err
	}},
}

// postPerson handles one form of a person's page.
func (p *Pages) postPerson(w http.ResponseWriter, r *http.Request, v visitor) error {
	word := r.PathValue("change")
	change, ok := changes[word]
	if !ok {
		return web.ErrNotFound
	}
	them, err := p.person(r, v, accountOf(r.PostForm))
	if err != nil {
		return err
	}
	refuse := func(err error) error {
		if explained(err) {
			return p.personPage(w, r, v, them, r.PostForm, err)
		}
		return err
	}
	if them.ID == v.User.ID { // before a code is used
		return refuse(admin.ErrSelf)
	}
	x := &asked{Pages: p, r: r, l: p.section.Language(r), them: them}
	x.c = confirmation{action: change.action, target: them.ID, purpose: admin.Purpose(change.action, them.ID), back: p.address(them.ID)}
	if x.m, err = p.Admin.Member(r.Context(), v.looks(), them.ID); err != nil {
		return err
	}
	st, err := p.Admin.Tenant(r.Context(), v.looks(), them.ID.Tenant)
	if err != nil {
		return err
	}
	x.of = st.Effective
	if err := change.ask(x); err != nil {
		return refuse(err)
	}
	x.c.details = append(v.which(them), x.c.details...)
	if x.of.TwoAdministrators && (word == "exempt" || word == "forget") { // the others do not ask for a second one, or only after many
		x.c.details = append(x.c.details, x.l.Say("does.second"))
	}
	by, ok, err := p.confirm(w, r, v, x.c)
	if !ok || err != nil {
		return err
	}
	done, err := change.do(x, by)
	switch err = errors.Join(err, p.keep(r.Context(), done)); {
	case isApproval(err):
		return p.done(w, r, "waits", p.Path("requests"))
	case err != nil:
		return refuse(err)
	case word == "forget":
		return p.done(w, r, "done-forget", p.Path("people"))
	}
	if word == "phone" && x.number.IsZero() {
		word = "phoneNone"
	}
	return p.done(w, r, "done-"+word, p.address(them.ID))
}

// which says which account it is: a person may have accounts in several tenants, by one name.
func (v visitor) which(them Person) []string {
	t, _ := v.tenant(them.ID.Tenant)
	known := slices.DeleteFunc([]string{them.Address, t.Name}, func(text string) bool { return text == "" })
	if len(known) == 0 {
		return nil
	}
	return []string{strings.Join(known, ", ")}
}

// deliver returns the host's mail for an issued code.
func (p *Pages) deliver(to Person) func(context.Context, admin.IssuedCode) error {
	return func(ctx context.Context, c admin.IssuedCode) error {
		if err := p.Deliver(ctx, to, c); err != nil {
			p.Web.Log.ErrorContext(ctx, "adminweb: a recovery code was not handed over", "error", err)
			return errors.Join(errMail, err)
		}
		return nil
	}
}

// keep makes the host store the generation of a change.
func (p *Pages) keep(ctx context.Context, c totpflow.Change) error {
	if p.Web.KeepGeneration == nil || c.Generation == 0 {
		return nil
	}
	// It is done even if the browser does not wait for the answer.
	return p.Web.KeepGeneration(context.WithoutCancel(ctx), c.ID, c.Generation)
}
