package admin

import (
	"context"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/store"
)

// AssignPhone chooses the number of a person, where policy leaves that to administrators:
// it removes all existing phones, and at the next sign-in the person verifies this one by
// its own code. The zero number only removes the phones. An account that has no factor
// then counts as reset ([Admin.Reset]). All sessions and trusted browsers end.
func (a Admin) AssignPhone(ctx context.Context, by Actor, target store.AccountID, number phone.Number) (_ totpflow.Change, err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.assign_phone")
	defer flow.End(&err)
	who, err := a.authoriseChange(ctx, by, ActionAssignPhone, target)
	if err != nil {
		return totpflow.Change{}, err
	}
	return a.changeAccount(ctx, target, func(tx *engine.Tx) error {
		if len(tx.Phones.Phones()) > 0 && len(tx.Enrollment.Authenticators()) == 0 {
			// No factor is left: this is a reset, not a person who never enrolled.
			if err := forceEnrollment(tx); err != nil {
				return err
			}
		}
		tx.Phones, tx.Assigned = tx.Phones.Clear(), number.E164()
		tx.EndSessions()
		who.log(tx, event.Event{Kind: event.PhoneAssigned})
		tx.Save()
		return nil
	})
}
