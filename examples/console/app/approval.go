package app

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"slices"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/examples/internal/words"
)

// A requestRow is a request that waits for a second administrator, in words.
type requestRow struct {
	admin.Request
	Tenant tenant
	Who    string   // the person who asks for it
	What   string   // what for
	Terms  []term   // of the policy, where it is about one
	For    []string // the accounts that it is about
	Mine   bool     // asked for by the person who looks
}

// requests are those that wait in any of the tenants.
func (c *console) requests(r *http.Request, v *visitor, of []tenant) (rows []requestRow, err error) {
	for _, t := range of {
		st, err := c.admin().Tenant(r.Context(), v.looks(), t.Record)
		if err != nil {
			return nil, err
		}
		for _, q := range st.Pending {
			row, err := c.requestRow(r.Context(), v, t, q)
			if err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func (c *console) requestRow(ctx context.Context, v *visitor, of tenant, q admin.Request) (row requestRow, err error) {
	row = requestRow{Request: q, Tenant: of, What: wanted(spoken(ctx), q), Terms: terms(spoken(ctx), q)}
	if row.Mine, err = c.asked(ctx, v, q); err != nil {
		return row, err
	}
	if row.Who, err = c.users.called(ctx, q.By.User); err != nil {
		return row, err
	}
	for _, id := range q.Targets {
		name, err := c.users.called(ctx, id)
		if err != nil {
			return row, err
		}
		row.For = append(row.For, name)
	}
	return row, nil
}

// asked reports whether it is the visitor who has asked, by whichever account: who
// has two agrees with nobody.
func (c *console) asked(ctx context.Context, v *visitor, q admin.Request) (bool, error) {
	them, err := c.users.byID(ctx, q.By.User)
	if errors.Is(err, sql.ErrNoRows) { // gone, or there is no such request
		return false, nil
	}
	return them.Person == v.Person, err
}

// wanted says in words what a request asks for.
func wanted(l *words.Language, q admin.Request) string {
	switch q.Action {
	case admin.ActionSetPolicy:
		return l.Say("admin.wantPolicy", "Mode", l.Say("mode."+q.Policy.Mode.String()))
	case admin.ActionExemptAccount:
		return l.Say("admin.wantExempt", "Name", q.Name)
	case admin.ActionResetAccount:
		return l.Say("admin.wantReset", "Scope", l.Say("scope."+string(q.Scope)))
	case admin.ActionForgetAccount:
		return l.Say("admin.wantForget")
	default:
		return string(q.Action)
	}
}

// postApprove does what another administrator has asked for.
func (c *console) postApprove(w http.ResponseWriter, r *http.Request, v *visitor) error {
	of, err := c.tenantOf(r, v)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	q, err := c.request(r, v, of, id) // now: it is gone when it is approved
	if err != nil {
		return err
	}
	switch mine, err := c.asked(r.Context(), v, q); {
	case err != nil:
		return err
	case mine: // before a code is spent on it
		return c.showAdmin(w, r, v, "approve/"+id, admin.ErrSelf)
	}
	by, err := v.leave(r, admin.ActionApprove.On(id))
	if err == nil {
		var outcomes []admin.Outcome
		outcomes, err = c.admin().Approve(r.Context(), by, of.Record, id)
		err = c.carriedOut(r.Context(), of, q, outcomes, err)
	}
	return c.administered(w, r, v, "approve/"+id, "approve", err)
}

// request returns what waits in a tenant under an id; the zero Request where
// nothing does, which nobody can approve.
func (c *console) request(r *http.Request, v *visitor, of tenant, id string) (admin.Request, error) {
	st, err := c.admin().Tenant(r.Context(), v.looks(), of.Record)
	if err != nil {
		return admin.Request{}, err
	}
	for _, q := range st.Pending {
		if q.ID == id {
			return q, nil
		}
	}
	return admin.Request{}, nil
}

// carriedOut does what is the console's own part of a request that was approved,
// and returns what the approval has failed of.
func (c *console) carriedOut(ctx context.Context, of tenant, q admin.Request, outcomes []admin.Outcome, err error) error {
	ctx = context.WithoutCancel(ctx) // anyone who goes away now has approved it
	err = beside(err, admin.ErrNoAccount)
	if q.Action != admin.ActionForgetAccount {
		return errors.Join(err, c.users.keepOutcomes(ctx, outcomes))
	}
	if err != nil {
		return err
	}
	// The record is gone. A user that stayed would begin again, with another grace.
	for _, id := range q.Targets {
		u, err := c.users.byID(ctx, id)
		if err == nil && u.Tenant.Record == of.Record {
			err = c.users.delete(ctx, u)
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	return nil
}

// beside returns the errors of an approval that failed for some of its accounts,
// except those with one reason: there is nothing to reset or to forget for a person
// who has never come.
func beside(err, reason error) error {
	var each interface{ Unwrap() []error }
	if !errors.Is(err, reason) || !errors.As(err, &each) {
		return err
	}
	return errors.Join(slices.DeleteFunc(slices.Clone(each.Unwrap()), func(err error) bool { return errors.Is(err, reason) })...)
}

func (c *console) postWithdraw(w http.ResponseWriter, r *http.Request, v *visitor) error {
	of, err := c.tenantOf(r, v)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	by, err := v.leave(r, admin.ActionApprove.On(id))
	if err == nil {
		err = c.admin().Withdraw(r.Context(), by, of.Record, id)
	}
	return c.administered(w, r, v, "withdraw/"+id, "withdraw", err)
}
