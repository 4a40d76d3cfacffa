package admin

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/store"
)

// An Outcome is the result for one account of many.
type Outcome struct {
	ID     store.AccountID
	Change totpflow.Change // the account's state afterwards; zero with an error, and in a preview
	Err    error           // nil: done

	// Set by [Admin.Import] and [Admin.PreviewImport] only.
	Already bool // the authenticator existed before, and nothing is written for it
	New     bool // the account had no record before
}

// MaxAccounts is how many accounts one call may name, and so how many one proof can
// change.
const MaxAccounts = 1000

// ErrBulk means that a call names more than [MaxAccounts] accounts, or none.
var ErrBulk = fmt.Errorf("admin: from 1 to %d accounts at once", MaxAccounts)

// ResetMany is [Admin.Reset] for users of one tenant, with one proof. Each account has
// its own outcome. Where the tenant's policy requires two administrators, the reset is
// pending until the second approves ([*ApprovalError]). Once an administrator's proof is
// used, all accounts are reset, even if ctx ends. After a crash of the process, call it
// again for the accounts that have no event of the reset.
func (a Admin) ResetMany(ctx context.Context, by Actor, tenant string, users []string, what Scope) (_ []Outcome, err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.reset_many")
	defer flow.End(&err)
	switch {
	case !what.known():
		return nil, ErrScope
	case len(users) == 0 || len(users) > MaxAccounts:
		return nil, ErrBulk
	}
	// The rule is asked about each of them before anything is done.
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
	return each(who.lasting(ctx), tenant, users, func(ctx context.Context, id store.AccountID) (totpflow.Change, error) {
		return a.reset(ctx, who, id, what)
	}), nil
}

// each does one thing to each user of a tenant.
func each(ctx context.Context, tenant string, users []string, do func(context.Context, store.AccountID) (totpflow.Change, error)) (outcomes []Outcome) {
	for _, user := range users {
		o := Outcome{ID: store.AccountID{Tenant: tenant, User: user}}
		one(ctx, func(ctx context.Context) { o.Change, o.Err = do(ctx, o.ID) })
		outcomes = append(outcomes, o)
	}
	return outcomes
}

// patience is how long a call for many waits for the store, for each account.
const patience = 30 * time.Second

// one does the part of a call for many that is about one account. A store that hangs ends
// only this part, also if the caller's context has no deadline or was left behind.
func one(ctx context.Context, do func(context.Context)) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	do(ctx)
}

// lasting returns the context for the accounts of a call whose proof is used up: if the
// administrator's browser hangs up after the first of 800 people, the other 799 are done
// as well. An operator used up no proof, and may interrupt the call.
func (w author) lasting(ctx context.Context) context.Context {
	if w.operator() {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

func logBulk(tx *engine.Tx, who author, q account.Request) {
	who.log(tx, event.Event{Kind: event.BulkReset, Action: q.Scope, Remaining: len(q.Targets)})
}
