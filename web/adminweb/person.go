package adminweb

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/policy"
)

// A PersonPage shows one account. Each change is a form that posts to a path under
// "person", and is confirmed on the next page.
type PersonPage struct {
	Frame
	Row
	Offers   map[string]bool // the changes that make sense in the account's state, by their path
	First    []string        // those of them that help the person, best first
	Scopes   []admin.Scope
	Scope    string // the scope of a reset, as chosen
	MoreTime string // the date of the form for more time
	Machine  string // as typed
	Number   string // as typed
	History  []Entry
}

// An Entry is one change in a history, with the person who made it and the reason.
type Entry struct {
	event.Event
	Who, Asked string // the names of the person who did it, and of the one who had asked for it
}

var scopes = []admin.Scope{admin.ScopeAll, admin.ScopeAuthenticators, admin.ScopeBrowsers, admin.ScopeRecoveryCodes}

func (p *Pages) getPerson(w http.ResponseWriter, r *http.Request, v visitor) error {
	them, err := p.person(r, v, accountOf(r.URL.Query()))
	if err != nil {
		return err
	}
	return p.personPage(w, r, v, them, url.Values{}, nil)
}

func accountOf(form url.Values) totpflow.AccountID {
	return totpflow.AccountID{Tenant: form.Get("tenant"), User: form.Get("user")}
}

// address returns the address of a person's page.
func (p *Pages) address(id totpflow.AccountID) string {
	return p.Path("person") + "?" + url.Values{"tenant": {id.Tenant}, "user": {id.User}}.Encode()
}

// personPage shows one account, and why a form of its page was refused, with everything as
// it was chosen.
func (p *Pages) personPage(w http.ResponseWriter, r *http.Request, v visitor, them Person, form url.Values, refused error) error {
	m, err := p.Admin.Member(r.Context(), v.looks(), them.ID)
	if err != nil {
		return err
	}
	st, err := p.Admin.Tenant(r.Context(), v.looks(), them.ID.Tenant)
	if err != nil {
		return err
	}
	t, _ := v.tenant(them.ID.Tenant)
	page := &PersonPage{
		Row:    Row{Person: them, Key: personKey(them.ID), Tenant: t.Name, Member: m, Self: them.ID == v.User.ID},
		Scopes: scopes, Scope: form.Get("scope"), Machine: form.Get("machine"), Number: form.Get("number"), MoreTime: form.Get("until"),
	}
	if page.MoreTime == "" {
		page.MoreTime = moreTime(m, p.now())
	}
	page.Offers = p.offers(m, st.Effective)
	page.First = helps(m, page.Offers)
	if page.Frame, err = p.frame(w, r, v); err != nil {
		return err
	}
	page.Title = them.label()
	if page.History, err = p.history(r.Context(), them.ID.Tenant, m.Activity); err != nil {
		return err
	}
	return p.section.Show(w, r, "admin-person", refused, page)
}

// offers returns the changes that make sense. The library decides.
func (p *Pages) offers(m admin.Member, of policy.Policy) map[string]bool {
	exempt, frozen := m.Enrollment == enroll.Exempted, !m.FrozenAt.IsZero()
	active, reset := m.Authenticators > 0 || m.Phones > 0, m.Enrollment == enroll.ResetPending
	return map[string]bool{
		"restore":       len(m.Recoverable) > 0,
		"reset":         resettable(m),
		"issue":         p.Deliver != nil && issuable(m),
		"unlock":        m.Throttled != nil || frozen,
		"grace":         m.Required && !active && !reset && !exempt,
		"phone":         of.Methods.Has(policy.Phone) && of.AssignedPhones && !exempt,
		"revoke":        len(m.Browsers) > 0,
		"exempt":        !exempt && m.State != admin.StateUnreadable,
		"end-exemption": exempt,
		"forget":        p.Erase != nil,
	}
}

// resettable reports whether a reset would remove something. If nothing is set up and no set-up
// is under way, it would end only the sessions and the grace period. A set-up may be a thief's.
func resettable(m admin.Member) bool {
	has := m.Authenticators > 0 || m.Phones > 0 || m.RecoveryCodesLeft > 0 || len(m.Browsers) > 0 || !m.IssuedUntil.IsZero() ||
		m.Enrolling || len(m.Recoverable) > 0
	return m.Enrollment != enroll.Exempted && (has || m.Enrollment == enroll.ResetPending || !m.FrozenAt.IsZero())
}

// issuable reports whether a recovery code can be issued.
func issuable(m admin.Member) bool {
	return m.FrozenAt.IsZero() && (m.Authenticators > 0 || m.Phones > 0 || m.Enrollment == enroll.ResetPending)
}

// helps returns the changes that let a person in again, in the order in which they are safe.
// Unlocking an account that was closed by "it was not me" comes last: a thief's
// authenticator works again then.
func helps(m admin.Member, offers map[string]bool) (first []string) {
	order := []string{"unlock", "issue", "restore", "reset"}
	if !m.FrozenAt.IsZero() {
		order = []string{"restore", "reset", "unlock"}
	}
	for _, change := range order {
		if offers[change] {
			first = append(first, change)
		}
	}
	return first
}

const oneDay = 24 * time.Hour

// moreTime fills in the form for more time: two weeks from now, or from the end that the
// person has, within the limit.
func moreTime(m admin.Member, now time.Time) string {
	from, last := now, now.Add(policy.MaxGrace-oneDay)
	if m.GraceUntil.After(from) {
		from = m.GraceUntil
	}
	if until := from.Add(14 * oneDay); until.Before(last) {
		last = until
	}
	return last.UTC().Format(time.DateOnly)
}

// history returns a list of changes with the names of those who made them.
func (p *Pages) history(ctx context.Context, tenant string, events []event.Event) (all []Entry, err error) {
	const most = 10
	known := map[string]string{}
	name := func(actor string) (string, error) {
		if called, ok := known[actor]; ok || actor == "" {
			return called, nil
		}
		called, err := p.called(ctx, tenant, actor)
		known[actor] = called
		return called, err
	}
	for _, e := range events[:min(most, len(events))] {
		one := Entry{Event: e}
		who, asked := admin.Approved(e.Actor)
		if by, ok := strings.CutPrefix(e.Reason, remindsFor); ok && who == "operator "+remindsAs {
			who, one.Reason = by, ""
		}
		if one.Who, err = name(who); err != nil {
			return nil, err
		}
		if one.Asked, err = name(asked); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// called returns the name of an actor. A person whom the directory cannot read stays as the
// event has them: a provider's directory that is down must not close its customers' pages.
func (p *Pages) called(ctx context.Context, tenant, actor string) (string, error) {
	them, err := p.actor(ctx, tenant, actor)
	switch {
	case err == nil:
		return them.label(), nil
	case ctx.Err() != nil:
		return "", ctx.Err()
	case !errors.Is(err, ErrNoPerson):
		p.logUnread(ctx, "people", 1, err)
	}
	return actor, nil
}

// actor returns the person whom an event names: a user of the tenant, or one of another
// tenant behind its ID. It returns ErrNoPerson for an operator.
func (p *Pages) actor(ctx context.Context, tenant, actor string) (Person, error) {
	ids := []totpflow.AccountID{{Tenant: tenant, User: actor}}
	if i := strings.LastIndex(actor, "/"); i >= 0 {
		ids = append(ids, totpflow.AccountID{Tenant: actor[:i], User: actor[i+1:]})
	}
	for _, id := range ids {
		if them, err := p.Directory.Person(ctx, id); !errors.Is(err, ErrNoPerson) {
			return them, err
		}
	}
	return Person{}, ErrNoPerson
}
