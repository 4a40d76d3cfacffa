package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
)

// An Outcome is what became of one account of many.
type Outcome struct {
	ID     store.AccountID
	Change totpflow.Change // how the account then stands; zero with an error
	Err    error           // nil: done
}

// MaxAccounts is how many accounts one call may name, and so what one proof can
// do.
const MaxAccounts = 1000

// ErrBulk means that a call names more than [MaxAccounts] accounts, or none.
var ErrBulk = fmt.Errorf("admin: from 1 to %d accounts at once", MaxAccounts)

// ResetMany is [Admin.Reset] for users of one tenant, by one proof. Each account
// has an outcome of its own. Where the tenant's policy wants two administrators,
// it waits for the second ([*ApprovalError]).
func (a Admin) ResetMany(ctx context.Context, by Actor, tenant string, users []string, what Scope) ([]Outcome, error) {
	switch {
	case !what.known():
		return nil, ErrScope
	case len(users) == 0 || len(users) > MaxAccounts:
		return nil, ErrBulk
	}
	// Each of them is asked for before anything is done.
	for _, user := range users {
		if _, err := a.authorise(ctx, by, ActionResetAccount, store.AccountID{Tenant: tenant, User: user}); err != nil {
			return nil, err
		}
	}
	who, err := a.authoriseChange(ctx, by, ActionResetAccount, store.AccountID{Tenant: tenant})
	if err != nil {
		return nil, err
	}
	req := account.Request{Action: string(ActionResetAccount), Targets: slices.Clone(users), Scope: string(what)}
	if err := a.requestIfTwo(ctx, who, tenant, req); err != nil {
		return nil, err
	}
	err = a.engine.ChangeTenant(ctx, tenant, func(tx *engine.Tx) error {
		logBulk(tx, who, req)
		tx.Save()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return each(tenant, users, func(id store.AccountID) (totpflow.Change, error) {
		return a.reset(ctx, who, id, what)
	}), nil
}

// each does one thing to each user of a tenant.
func each(tenant string, users []string, do func(store.AccountID) (totpflow.Change, error)) (outcomes []Outcome) {
	for _, user := range users {
		id := store.AccountID{Tenant: tenant, User: user}
		change, err := do(id)
		outcomes = append(outcomes, Outcome{id, change, err})
	}
	return outcomes
}

func logBulk(tx *engine.Tx, who author, q account.Request) {
	who.log(tx, event.Event{Kind: event.BulkReset, Action: q.Scope, Remaining: len(q.Targets)})
}

// An Imported is an authenticator that somebody already uses with another
// system: the key from totp.ReadURI or totp.ReadSecret.
type Imported struct {
	ID   store.AccountID
	Name string   // of the authenticator; the default is "Authenticator"
	Key  totp.Key // prints nothing

	// WeakUntil is when a weak key (totp.Key.Weak) ends, 90 days away at most; zero
	// refuses it with enroll.ErrWeak. For other keys it does not matter.
	WeakUntil time.Time
}

// ErrAlreadyEnrolled means that the account has another authenticator or a phone, which
// an import does not touch.
var ErrAlreadyEnrolled = errors.New("admin: an authenticator is set up already")

// Import takes over authenticators as they are, so that nobody has to set up
// again: the person's next code signs in. Recovery codes are not made, since
// nobody is there to save them; lead people to new ones at their next sign-in.
// Codes that the other system saw in the last minute are good here once: stop it
// first.
//
// Secrets of fewer than 128 bits are weak (RFC 4226 §4, R6), and the 16 letters that
// many systems gave out have 80. Until Imported.WeakUntil the code of such a key
// leads its owner to a new authenticator ([totpflow.Service.VerifyCode]); from then on
// nothing is left of it, and the enrollment takes a code that is mailed
// ([Admin.IssueRecoveryCode]), never the password alone.
//
// Every account has an outcome of its own, in the order of rows; to import the
// same again does nothing, so a run that was cut short is repeated. The actor may
// import into tenants that they could administrate, and is asked for each row
// before anything is written: rows that are refused are left out, and one proof
// serves for the others; where there are no others it is not consumed. Errors of
// an outcome: [ErrSelf] for the administrator's own row, [ErrNotAllowed],
// [ErrAlreadyEnrolled], [totp.ErrNoKey], [totp.ErrSample], [enroll.ErrWeak],
// [enroll.ErrTransition] for accounts that were reset or are exempt,
// [totpflow.ErrFrozen], [store.ErrID], [store.ErrUnavailable].
//
// Errors of the call, which then has done nothing: [ErrBulk]; [ErrNotAllowed] for
// who may import none of rows, nor into their own tenant; [totpflow.ErrProof]; [totpflow.ErrPolicy]
// where Config.ParentTenants fails; and that of a [Rule] that could not say, which is one of
// a context or [store.ErrUnavailable].
func (a Admin) Import(ctx context.Context, by Actor, rows []Imported) ([]Outcome, error) {
	if len(rows) == 0 || len(rows) > MaxAccounts {
		return nil, ErrBulk
	}
	authors, outcomes, err := a.importers(ctx, by, rows)
	if err != nil {
		return nil, err
	}
	first := slices.IndexFunc(outcomes, func(o Outcome) bool { return o.Err == nil })
	if first < 0 {
		return a.importNothing(ctx, by, outcomes)
	}
	if _, err := a.authoriseFor(ctx, by, ActionImport.On(""), store.AccountID{Tenant: rows[first].ID.Tenant}); err != nil {
		return nil, err
	}
	for i, row := range rows {
		if outcomes[i].Err == nil {
			outcomes[i].Change, outcomes[i].Err = a.importOne(ctx, authors[i], row)
		}
	}
	return outcomes, nil
}

// importers authorises each row, and each tenant as a whole. It returns who
// imports a row, or why nobody does.
func (a Admin) importers(ctx context.Context, by Actor, rows []Imported) ([]author, []Outcome, error) {
	authors, outcomes := make([]author, len(rows)), make([]Outcome, len(rows))
	tenants := make(map[string]error)
	for i, row := range rows {
		who, err := a.authorise(ctx, by, ActionImport, row.ID)
		if _, known := tenants[row.ID.Tenant]; err == nil && !known {
			_, tenants[row.ID.Tenant] = a.authorise(ctx, by, ActionImport, store.AccountID{Tenant: row.ID.Tenant})
		}
		if err == nil {
			err = tenants[row.ID.Tenant]
		}
		if err != nil && (transient(err) || !errors.Is(err, ErrSelf) && !errors.Is(err, ErrNotAllowed)) {
			return nil, nil, err
		}
		authors[i], outcomes[i] = who, Outcome{ID: row.ID, Err: err}
	}
	return authors, outcomes, nil
}

// transient reports whether a rule has not refused, but could not say.
func transient(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, store.ErrUnavailable)
}

// importNothing answers where no row may be imported: with the rows to whoever may
// import at all.
func (a Admin) importNothing(ctx context.Context, by Actor, outcomes []Outcome) ([]Outcome, error) {
	admin, ok := by.(Administrator)
	if !ok {
		return nil, outcomes[0].Err
	}
	if _, err := a.authorise(ctx, by, ActionImport, store.AccountID{Tenant: admin.User.ID.Tenant}); err != nil {
		return nil, err
	}
	return outcomes, nil
}

func (a Admin) importOne(ctx context.Context, who author, row Imported) (totpflow.Change, error) {
	if row.Key.IsZero() {
		return totpflow.Change{}, totp.ErrNoKey
	}
	return a.changeAccount(ctx, row.ID, func(tx *engine.Tx) error {
		if tx.Frozen() {
			return totpflow.ErrFrozen // what is restored to its owner shall not find another one's phone
		}
		for _, x := range tx.Enrollment.Authenticators() {
			if x.Key.Equal(row.Key) {
				return nil
			}
		}
		if tx.HasFactor() { // a phone, too: whoever exported the secret shall not sign in beside it
			return ErrAlreadyEnrolled
		}
		e, added, err := tx.Enrollment.Import(tx.Now, row.Key, row.Name, row.WeakUntil)
		if err != nil {
			return err
		}
		tx.Enrollment = e
		tx.EndTickets() // proofs of "nothing is set up"; sessions stay, since people do not see the move
		who.log(tx, event.Event{Kind: event.Imported, Authenticator: added.ID})
		tx.Save()
		return nil
	})
}
