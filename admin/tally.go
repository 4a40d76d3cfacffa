package admin

import (
	"context"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/store"
)

// A Tally counts the accounts that have a record, by state: "37 of 50 have set it up" is
// Enabled of Total minus Exempt. It is for display. It needs one statement for a million
// accounts, since no record is opened, and the state words that it counts prove nothing.
// [Counts] counts records that were opened and judged by policy.
type Tally struct {
	Total       int
	Enabled     int // an authenticator or a phone works
	NotEnrolled int // nothing is set up
	Reset       int // must enroll again
	Exempt      int // machine accounts
	Frozen      int // "it was not me"
}

// Tally counts the accounts of q.Tenant, or of all tenants, which only an [Operator] may
// do. It requires no proof. Errors: [ErrNotAllowed], [store.ErrQuery] for a query with
// other fields, [store.ErrUnavailable].
func (a Admin) Tally(ctx context.Context, by Actor, q store.Query) (_ Tally, err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.tally")
	defer flow.End(&err)
	if err := a.authoriseList(ctx, by, q); err != nil {
		return Tally{}, err
	}
	counts, err := store.Count(ctx, a.engine.Store, q)
	if err != nil {
		return Tally{}, err
	}
	t := Tally{
		Enabled:     counts[string(enroll.Active)] + counts[string(enroll.Replacing)] + counts["phone"],
		NotEnrolled: counts[string(enroll.Disabled)] + counts[string(enroll.Pending)],
		Reset:       counts[string(enroll.ResetPending)],
		Exempt:      counts[string(enroll.Exempted)],
		Frozen:      counts["frozen"],
	}
	t.Total = t.Enabled + t.NotEnrolled + t.Reset + t.Exempt + t.Frozen
	return t, nil
}

// authoriseList lets the actor list what q selects.
func (a Admin) authoriseList(ctx context.Context, by Actor, q store.Query) error {
	if _, operator := by.(Operator); q.AllTenants && !operator {
		return ErrNotAllowed
	}
	return a.authoriseView(ctx, by, store.AccountID{Tenant: q.Tenant})
}
