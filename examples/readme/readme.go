// Package readme is where the Go snippets of README.md come from, so that they
// compile and run. The lines between "// region NAME" and "// endregion" are
// one snippet; `make docs` writes them into the Markdown files.
package readme

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totphttp"
)

// A product is what is there before this library: users with passwords, and
// sessions.
type product struct {
	mfa      *totpflow.Service
	password func(*http.Request) (totpflow.User, error)
	session  func(w http.ResponseWriter, id string)
	show     func(w http.ResponseWriter, page string, data any)
}

// region new
func newSecondFactor(ctx context.Context, db *sql.DB, keyFile string) (*totpflow.Service, error) {
	text, err := os.ReadFile(keyFile) // made once with keyring.Generate, and kept apart from the database
	if err != nil {
		return nil, err
	}
	keys, err := keyring.Parse(string(text))
	if err != nil {
		return nil, err
	}
	records := sqlstore.New(db, sqlstore.SQLite)
	if err := records.Migrate(ctx); err != nil {
		return nil, err
	}
	return totpflow.New(totpflow.Config{Issuer: "Acme Backup", Store: records, Keys: keys})
}

// endregion

// region integration
// signIn is the handler of the password form.
func (p *product) signIn(w http.ResponseWriter, r *http.Request) {
	user, err := p.password(r) // name and password: yours
	if err != nil {
		http.Error(w, "wrong name or password", http.StatusUnauthorized)
		return
	}
	next, err := p.mfa.SignIn(totphttp.Context(r), user, totphttp.TrustTokens(r)...) // the password is right: what next?
	switch {
	case err != nil:
		p.refuse(w, err)
	case next.Step == totpflow.Passed: // a trusted browser, or two-factor authentication is optional and off
		p.session(w, next.ID)
	case next.Step == totpflow.AskCode:
		totphttp.SetChallenge(w, next.Challenge)
		p.show(w, "code", next)
	case next.Step == totpflow.SetUp: // required, and not set up yet
		totphttp.SetChallenge(w, next.Challenge)
		http.Redirect(w, r, "/setup", http.StatusSeeOther)
	}
}

// code is the handler of the form with the six digits.
func (p *product) code(w http.ResponseWriter, r *http.Request) {
	next, err := p.mfa.VerifyCode(totphttp.Context(r), totphttp.Challenge(r), r.PostFormValue("code"))
	if err != nil { // wrong, used before, too many: whatever it is, nobody is let in
		p.refuse(w, err)
		return
	}
	if r.PostFormValue("trust") != "" {
		if browser, err := p.mfa.TrustBrowser(totphttp.Context(r), next.Proof, totphttp.BrowserLabel(r)); err == nil {
			totphttp.SetTrust(w, browser)
		}
	}
	totphttp.ClearChallenge(w)
	p.session(w, next.ID) // the id is there only when the person has passed
}

// endregion

// region setup
// setUp shows the QR code. The old authenticator, if there is one, goes on
// working until the new one has shown a code.
func (p *product) setUp(w http.ResponseWriter, r *http.Request) {
	page, err := p.mfa.BeginEnrollment(totphttp.Context(r), totphttp.Challenge(r))
	if err != nil {
		p.refuse(w, err)
		return
	}
	totphttp.SetEnrollment(w, page.Token)
	p.show(w, "setup", page.Offer)
}

// confirm takes the first code of the new authenticator.
func (p *product) confirm(w http.ResponseWriter, r *http.Request) {
	done, err := p.mfa.ConfirmEnrollment(totphttp.Context(r), totphttp.Enrollment(r), r.PostFormValue("code"))
	if err != nil {
		p.refuse(w, err)
		return
	}
	totphttp.ClearChallenge(w)
	totphttp.ClearEnrollment(w)
	p.session(w, done.ID)
	p.show(w, "recovery codes", done.Sheet)
}

// endregion

// region errors
// refuse says what went wrong. Whatever it was, nobody is let in.
func (p *product) refuse(w http.ResponseWriter, err error) {
	text := "something went wrong"
	var wait *throttle.Error
	switch {
	case errors.As(err, &wait):
		text = fmt.Sprintf("too many wrong codes; try again after %s", wait.Until.Format("15:04"))
	case errors.Is(err, totpflow.ErrAlreadyUsed):
		text = "this code has been used; wait for the next one"
	case errors.Is(err, totpflow.ErrRejected):
		text = "this code is wrong"
	case errors.Is(err, totpflow.ErrChallenge), errors.Is(err, totpflow.ErrEnrollment):
		text = "this took too long; please start again"
	case errors.Is(err, store.ErrUnavailable):
		text = "we cannot check codes at the moment"
	}
	http.Error(w, text, totphttp.StatusCode(w, err))
}

// endregion

// region operation
// deleteBackups asks for a code once more before something that cannot be undone.
func (p *product) deleteBackups(ctx context.Context, user totpflow.User, code string) error {
	account := p.mfa.Account(user)
	proof, err := account.Reauthenticate(ctx, "delete backups", code)
	if err != nil {
		return err
	}
	return account.Spend(ctx, proof, "delete backups") // works once, for this action only
}

// endregion
