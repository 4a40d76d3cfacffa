package app

import (
	"context"
	"errors"

	"github.com/totpflow/totpflow"
)

// keepGenerations remembers what has become of accounts that an administrator has
// changed, also where the change then failed: else whoever can write to the
// database puts the record of before back, and a phone that was lost signs in
// again. An account is asked without the generation of before: where its record was
// lost or put back already there is nothing to keep.
func (c *console) keepGenerations(ctx context.Context, of tenant, ids ...string) error {
	ctx = context.WithoutCancel(ctx) // what has changed has changed, whoever goes away now
	var failed []error
	for _, id := range ids {
		st, err := c.mfa.Account(totpflow.User{ID: totpflow.AccountID{Tenant: of.Record, User: id}}).Status(ctx)
		if err == nil {
			err = c.users.keepGeneration(ctx, id, st.Generation)
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}
