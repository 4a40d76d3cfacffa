package guide

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
)

// region migrate
// migrate imports the secrets that the product has stored for pquerna/otp, in a column of
// its users. Running it again does no harm: an account that has an authenticator is left
// as it is. Secrets of fewer than 128 bits are valid until weakUntil, at most 90 days
// from now; then their owners set up again.
func migrate(ctx context.Context, db *sql.DB, mfa *totpflow.Service, weakUntil time.Time) error {
	rows, err := db.QueryContext(ctx, `SELECT id, totp_secret FROM users WHERE totp_secret <> ''`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	var all []admin.Imported
	for rows.Next() {
		var user, secret string
		if err := rows.Scan(&user, &secret); err != nil {
			return err
		}
		key, err := totp.ReadSecret(secret, totp.Params{}) // or totp.ReadURI, if you have stored key.URL()
		if err != nil {
			return fmt.Errorf("user %s: %w", user, err) // the error does not contain the secret
		}
		all = append(all, admin.Imported{ID: store.AccountID{User: user}, Name: "Authenticator", Key: key, WeakUntil: weakUntil})
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return importAll(ctx, db, mfa, all)
}

// importAll imports a thousand accounts at a time, and stores the generation of each. It
// goes on after a row that fails: the others of its batch are imported already.
func importAll(ctx context.Context, db *sql.DB, mfa *totpflow.Service, all []admin.Imported) error {
	var failed []error
	office := admin.New(mfa, nil) // an operator needs no rule
	by := admin.Operator{Name: "migration", Reason: "from pquerna/otp"}
	for len(all) > 0 {
		batch := all[:min(len(all), admin.MaxAccounts)]
		all = all[len(batch):]
		outcomes, err := office.Import(ctx, by, batch)
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		for _, o := range outcomes {
			err := o.Err
			if err == nil {
				_, err = db.ExecContext(ctx, `UPDATE users SET generation = MAX(generation, ?) WHERE id = ?`, o.Change.Generation, o.ID.User)
			}
			if err != nil && !errors.Is(err, admin.ErrAlreadyEnrolled) { // that is by an earlier run, or in the new pages
				failed = append(failed, fmt.Errorf("user %s: %w", o.ID.User, err))
			}
		}
	}
	return errors.Join(failed...)
}

// endregion
