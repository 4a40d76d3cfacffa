package totpflow

import (
	"context"
	"fmt"
	"slices"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
)

// An Outcome is what became of one account of many.
type Outcome struct {
	ID  store.ID
	Err error // nil: done
}

// maxBulk bounds a call for many accounts, and so what one proof can do.
const maxBulk = 1000

// ErrBulk means that a call names more than 1000 accounts, or none.
var ErrBulk = fmt.Errorf("totpflow: from 1 to %d accounts at once", maxBulk)

// ResetMany is [Admin.Reset] for users of one tenant, by one proof. Each account
// has an outcome of its own. Where the tenant's policy wants two administrators,
// it waits for the second ([*ApprovalError]).
func (a Admin) ResetMany(ctx context.Context, by Leave, tenant string, users []string, what Scope) ([]Outcome, error) {
	switch {
	case !what.known():
		return nil, ErrScope
	case len(users) == 0 || len(users) > maxBulk:
		return nil, ErrBulk
	}
	// Each of them is asked for before anything is done.
	for _, user := range users {
		if _, err := a.authorise(ctx, by, ActionResetAccount, store.ID{Tenant: tenant, User: user}); err != nil {
			return nil, err
		}
	}
	who, err := a.act(ctx, by, ActionResetAccount, store.ID{Tenant: tenant})
	if err != nil {
		return nil, err
	}
	ask := account.Request{Action: string(ActionResetAccount), Targets: slices.Clone(users), Scope: string(what)}
	if err := a.second(ctx, who, tenant, ask); err != nil {
		return nil, err
	}
	err = a.service.book.ChangeTenant(ctx, tenant, func(r *account.Round) error {
		logBulk(r, who, ask)
		r.Save()
		return nil
	})
	if err != nil {
		return nil, err
	}
	var outcomes []Outcome
	for _, user := range users {
		target := store.ID{Tenant: tenant, User: user}
		outcomes = append(outcomes, Outcome{target, a.reset(ctx, who, target, what)})
	}
	return outcomes, nil
}

func logBulk(r *account.Round, who actor, q account.Request) {
	who.log(r, event.Event{Kind: event.BulkReset, Action: q.Scope, Remaining: len(q.Targets)})
}

// An Imported is an authenticator that somebody already uses with another
// system: the key from totp.ReadURI or totp.ParseSecret.
type Imported struct {
	ID   store.ID
	Name string   // of the authenticator; the default is "Authenticator"
	Key  totp.Key // prints nothing
}

// ErrEnrolled means that the account has another authenticator or a phone, which
// an import does not touch.
var ErrEnrolled = fmt.Errorf("totpflow: an authenticator is set up already")

// Import takes over authenticators as they are, so that nobody has to set up
// again: the person's next code signs in. Recovery codes are not made, since
// nobody is there to save them; lead people to new ones at their next sign-in.
// Every account has an outcome of its own; to import the same again does nothing,
// so a run that was cut short is repeated. Codes that the other system saw in
// the last minute are good here once: stop it first.
//
// The actor may import into tenants that they could administrate. Errors of an
// outcome: [ErrEnrolled], [totp.ErrNoKey], [enroll.ErrTransition] for accounts
// that were reset or are exempt, [ErrFrozen], [store.ErrID].
func (a Admin) Import(ctx context.Context, by Leave, rows []Imported) ([]Outcome, error) {
	if len(rows) == 0 || len(rows) > maxBulk {
		return nil, ErrBulk
	}
	for _, row := range rows {
		if _, err := a.authorise(ctx, by, ActionImport, row.ID); err != nil {
			return nil, err
		}
	}
	who, err := a.act(ctx, by, ActionImport, store.ID{Tenant: rows[0].ID.Tenant})
	if err != nil {
		return nil, err
	}
	var outcomes []Outcome
	for _, row := range rows {
		outcomes = append(outcomes, Outcome{row.ID, a.importOne(ctx, who, row)})
	}
	return outcomes, nil
}

func (a Admin) importOne(ctx context.Context, who actor, row Imported) error {
	if row.Key.IsZero() {
		return totp.ErrNoKey
	}
	return a.service.book.Change(ctx, row.ID, func(r *account.Round) error {
		if r.Frozen() {
			return ErrFrozen // what is restored to its owner shall not find another one's phone
		}
		for _, x := range r.Enrollment.Authenticators() {
			if x.Key.Equal(row.Key) {
				return nil
			}
		}
		if hasFactor(r) { // a phone, too: whoever exported the secret shall not sign in beside it
			return ErrEnrolled
		}
		e, added, err := r.Enrollment.Import(r.Now, row.Key, row.Name)
		if err != nil {
			return err
		}
		r.Enrollment = e
		r.EndTickets() // proofs of "nothing is set up"; sessions stay, since people do not see the move
		who.log(r, event.Event{Kind: event.Imported, Authenticator: added.ID})
		r.Save()
		return nil
	})
}
