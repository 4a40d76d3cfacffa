package admin

import (
	"cmp"
	"context"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/store"
)

// AssignPhone chooses the number of a person, where policy leaves that to administrators:
// it removes all existing phones, and at the next sign-in the person verifies this one by
// its own code. The zero number only removes the phones. An account that has no factor
// then counts as reset ([Admin.Reset]) and toward [MaxResets]: where two administrators
// are required the call may become a request ([*ApprovalError]). All sessions and trusted
// browsers end.
func (a Admin) AssignPhone(ctx context.Context, by Actor, target store.AccountID, number phone.Number) (_ totpflow.Change, err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.assign_phone")
	defer flow.End(&err)
	if _, err := a.authorise(ctx, by, ActionAssignPhone, target); err != nil { // before the account is looked at
		return totpflow.Change{}, err
	}
	takes, err := a.hasOnlyPhones(ctx, target)
	if err != nil {
		return totpflow.Change{}, err
	}
	req := account.Request{Action: string(ActionAssignPhone), Targets: []string{target.User}, Name: number.E164()}
	who, err := a.authoriseCounted(ctx, by, target, takes, req)
	if err != nil {
		return totpflow.Change{}, err
	}
	return a.assignPhone(ctx, who, target, number.E164(), takes || who.operator())
}

// hasOnlyPhones reports whether the account would be left with nothing.
func (a Admin) hasOnlyPhones(ctx context.Context, id store.AccountID) (bool, error) {
	e, _, err := a.engine.Read(ctx, id)
	if err = cmp.Or(err, e.Err); err != nil {
		return false, err
	}
	return onlyPhones(a.engine.View(e)), nil
}

func onlyPhones(tx *engine.Tx) bool {
	return len(tx.Phones.Phones()) > 0 && len(tx.Enrollment.Authenticators()) == 0
}

// assignPhone refuses to take the last factor where that was not counted: the person has
// verified a phone since the call looked.
func (a Admin) assignPhone(ctx context.Context, who author, target store.AccountID, number string, counted bool) (totpflow.Change, error) {
	return a.changeAccount(ctx, target, func(tx *engine.Tx) error {
		if onlyPhones(tx) {
			if !counted {
				return totpflow.ErrProof
			}
			// No factor is left: this is a reset, not a person who never enrolled.
			if err := forceEnrollment(tx); err != nil {
				return err
			}
		}
		tx.Phones, tx.Assigned = tx.Phones.Clear(), number
		tx.EndSessions()
		who.log(tx, event.Event{Kind: event.PhoneAssigned, Action: masked(number)})
		tx.Save()
		return nil
	})
}

// masked returns a number as it may be printed; empty for none.
func masked(e164 string) string {
	n, err := phone.ParseNumber(e164)
	if err != nil {
		return ""
	}
	return n.String()
}
