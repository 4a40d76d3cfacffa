package admin

import (
	"context"

	"github.com/totpflow/totpflow/store"
)

// SharedSecrets reports for each of the rows whether another account already has its
// secret, for example from an earlier file of another tenant. One phone could then sign
// in to both. [Admin.Import] sees only the rows of its call; SharedSecrets reads all
// records once, whatever the number of rows, and opens each. Refuse the rows with
// [ErrSharedSecret]. It skips records that do not open. It keeps no index: a list of all
// secrets' fingerprints would have to be erased and sealed again along with the records.
func (a Admin) SharedSecrets(ctx context.Context, by Operator, rows []Imported) (shared []bool, err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.shared_secrets")
	defer flow.End(&err)
	if err := a.authoriseView(ctx, by, store.AccountID{}); err != nil {
		return nil, err
	}
	of := make(map[string][]int, len(rows))
	for i, row := range rows {
		if !row.Key.IsZero() {
			of[row.Key.Secret()] = append(of[row.Key.Secret()], i)
		}
	}
	shared = make([]bool, len(rows))
	for page, err := range a.pages(ctx, "") {
		if err != nil {
			return nil, err
		}
		for _, e := range page.Entries {
			for _, x := range e.Account.Enrollment.Authenticators() {
				for _, i := range of[x.Key.Secret()] {
					shared[i] = shared[i] || rows[i].ID != e.ID
				}
			}
		}
	}
	return shared, nil
}
