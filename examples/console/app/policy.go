package app

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// A policyForm is what is set for a tenant.
type policyForm struct {
	admin.TenantStatus
	Tenant tenant
}

const oneDay = 24 * time.Hour

// Mode, GraceDays, Deadline, BrowserDays and RecoveryCodes are the fields of the
// form as they stand.
func (p policyForm) Mode() string   { return p.Own.Mode.String() }
func (p policyForm) GraceDays() int { return int(p.Own.Grace / oneDay) }
func (p policyForm) Deadline() string {
	if p.Own.Deadline.IsZero() {
		return ""
	}
	return p.Own.Deadline.UTC().Format(time.DateOnly)
}
func (p policyForm) BrowserDays() int    { return int(p.Own.TrustFor() / oneDay) }
func (p policyForm) RecoveryCodes() bool { return p.Own.Methods.Has(policy.RecoveryCodes) }

// A choice is one line of a list.
type choice struct {
	Value, Words string // Words is the id of its text
	Chosen       bool
}

// PhoneChoices are who chooses numbers, if anybody.
func (p policyForm) PhoneChoices() []choice {
	allowed := p.Own.Methods.Has(policy.Phone)
	return []choice{
		{"no", "admin.notAllowed", !allowed},
		{"yes", "admin.allowed", allowed && !p.Own.AssignedPhones},
		{"assigned", "admin.phonesAssigned", allowed && p.Own.AssignedPhones},
	}
}

// Choices are the days to choose from, with those that are set.
func (p policyForm) Choices() []int {
	days := []int{7, 14, 30, 60, 90}
	if n := p.BrowserDays(); n > 0 && !slices.Contains(days, n) {
		days = append(days, n)
	}
	slices.Sort(days)
	return days
}

// Stricter reports that a tenant above asks for more.
func (p policyForm) Stricter() bool { return policy.Lowers(p.Effective, p.Own) }

func (c *console) policyForm(r *http.Request, v *visitor, t tenant) (policyForm, error) {
	st, err := c.admin().Tenant(r.Context(), v.looks(), t.Record)
	return policyForm{TenantStatus: st, Tenant: t}, err
}

// postPolicy sets the policy of the administrator's own tenant, or of the one
// below it that the form names.
func (c *console) postPolicy(w http.ResponseWriter, r *http.Request, v *visitor) error {
	of, err := c.tenantOf(r, v)
	if err != nil {
		return err
	}
	p, err := parsePolicy(r)
	if err != nil {
		return c.showAdmin(w, r, v, "policy", err)
	}
	by, err := v.leave(r, admin.Purpose(admin.ActionSetPolicy, store.AccountID{Tenant: of.Record}))
	if err == nil {
		err = c.admin().SetPolicy(r.Context(), by, of.Record, p)
	}
	return c.administered(w, r, v, "policy", "policy", err)
}

// parsePolicy reads the form. A field that is left out has its default.
func parsePolicy(r *http.Request) (p policy.Policy, err error) {
	if p.Mode, err = policy.ParseMode(r.PostFormValue("mode")); err != nil {
		return p, errForm
	}
	grace, err := days(r.PostFormValue("grace_days"), 0)
	if err != nil {
		return p, err
	}
	browsers, err := days(r.PostFormValue("browser_days"), int(policy.DefaultBrowserAge/oneDay))
	if err != nil {
		return p, err
	}
	if p.Grace, p.BrowserAge = grace, browsers; browsers == 0 {
		p.BrowserAge = -1 // not at all
	}
	if p.Deadline, err = date(r.PostFormValue("deadline")); err != nil {
		return p, err
	}
	if r.PostFormValue("recovery_codes") == "no" {
		p.Methods = policy.App
	}
	switch r.PostFormValue("phones") {
	case "yes", "assigned":
		if p.Methods == 0 {
			p.Methods = policy.App | policy.RecoveryCodes | policy.External
		}
		p.Methods |= policy.Phone
		p.AssignedPhones = r.PostFormValue("phones") == "assigned"
	case "", "no":
	default:
		return p, errForm
	}
	p.IssuedCode = r.PostFormValue("issued_code") != ""
	p.TwoAdministrators = r.PostFormValue("two_administrators") != ""
	return p, nil
}

// days reads a number of days from 0 to 90.
func days(text string, otherwise int) (time.Duration, error) {
	if text = strings.TrimSpace(text); text == "" {
		return time.Duration(otherwise) * oneDay, nil
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n > 90 {
		return 0, errForm
	}
	return time.Duration(n) * oneDay, nil
}

// date reads a day, and returns its last minute.
func date(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}, errForm
	}
	return day.Add(oneDay - time.Minute), nil
}

// tenantOf is the tenant that a form is about.
func (c *console) tenantOf(r *http.Request, v *visitor) (tenant, error) {
	under, err := c.tenants.under(r.Context(), v.user.Tenant)
	if err != nil {
		return tenant{}, err
	}
	of, err := chosen(under, cmp.Or(r.PostFormValue("tenant"), v.user.Tenant.ID))
	if err != nil {
		return tenant{}, err
	}
	return of[0], nil
}
