package app

import (
	"context"
	"errors"
	"slices"

	"github.com/totpflow/totpflow/admin"
)

// Remind reminds the people whose time to set up ends soon. The library notes each
// reminder, so that of two processes one sends it; the mail is notify's.
func (c *Console) Remind(ctx context.Context) error { return c.console.remindDue(ctx) }

func (c *console) remindDue(ctx context.Context) error {
	all, err := c.tenants.all(ctx)
	if err != nil {
		return err
	}
	by := admin.Operator{Name: "console", Reason: "the time to set up ends soon"}
	var failed []error
	for _, t := range all {
		people, err := c.users.ofTenants(ctx, []string{t.ID})
		failed = append(failed, err)
		for some := range slices.Chunk(people, admin.MaxAccounts) {
			var ids []string
			for _, u := range some {
				ids = append(ids, u.ID)
			}
			outcomes, err := c.admin().RemindDue(ctx, by, t.ID, ids)
			failed = append(failed, c.reminded(ctx, outcomes, err))
		}
	}
	return errors.Join(failed...)
}

// reminded returns what has failed of reminders. That there was nothing to remind of is
// not a fault.
func (c *console) reminded(ctx context.Context, outcomes []admin.Outcome, err error) error {
	failed := []error{err, c.users.keepOutcomes(ctx, outcomes)}
	for _, o := range outcomes {
		if !errors.Is(o.Err, admin.ErrNotDue) && !errors.Is(o.Err, admin.ErrNotMissing) && !errors.Is(o.Err, admin.ErrReminded) {
			failed = append(failed, o.Err)
		}
	}
	return errors.Join(failed...)
}
