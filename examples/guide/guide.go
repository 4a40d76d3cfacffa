// Package guide contains the Go snippets of docs/guide.md, docs/migration.md and
// docs/kubernetes.md, so that they compile and run. The lines between "// region NAME"
// and "// endregion" are one snippet; `make docs` copies them into the Markdown files.
package guide

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totphttp"
)

// A product is what exists before this library is added: users with passwords, and
// sessions.
type product struct {
	mfa      *totpflow.Service
	password func(*http.Request) (totpflow.User, error)
	start    func(http.ResponseWriter, totpflow.Decision)
	end      func(http.ResponseWriter, *http.Request)
	current  func(*http.Request) (totpflow.User, totpflow.SessionMark, totpflow.Proof)
	show     func(w http.ResponseWriter, page string, data any)
	mail     func(ctx context.Context, about event.Event, notMe string) error

	checkPassword   func(ctx context.Context, user totpflow.User, password string) error
	mayAdministrate admin.Rule
}

var errSignedOut = errors.New("signed out")

// region new
func newSecondFactor(ctx context.Context, file, keyFile string) (*totpflow.Service, error) {
	db, err := sql.Open("sqlite", "file:"+file+ // modernc.org/sqlite; each part is required, see package sqlstore
		"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	records := sqlstore.New(db, sqlstore.SQLite)
	if err := records.Migrate(ctx); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(keyFile) // made once: fmt.Println(keyring.Generate())
	if err != nil {
		return nil, err
	}
	keys, err := keyring.Parse(string(text))
	if err != nil {
		return nil, err
	}
	mfa, err := totpflow.New(totpflow.Config{
		Issuer: "Acme Backup",
		Store:  records,
		Keys:   keys,
		Policy: policy.Fixed{Mode: policy.Required}, // leave it out if administrators set it for their tenants
	})
	if err != nil {
		return nil, err
	}
	if err := mfa.Ready(ctx); err != nil { // also fails with keys that are not those of the records
		return nil, err
	}
	return mfa, nil
}

// endregion

// region integration
// signIn is the handler of the password form.
func (p *product) signIn(w http.ResponseWriter, r *http.Request) {
	// Yours: a totpflow.User{ID: totpflow.AccountID{User: "42"}, Name: "ana@acme.example"}, from the row that matched, not from what was typed.
	user, err := p.password(r)
	if err != nil {
		http.Error(w, "wrong name or password", http.StatusUnauthorized)
		return
	}
	// Remove everything of the person who used this browser before: otherwise Ana could
	// enroll in their account.
	p.end(w, r) // yours: ends the session
	totphttp.ClearChallenge(w)
	totphttp.ClearEnrollment(w)
	// The password is right: what next?
	next, err := p.mfa.SignIn(totphttp.Context(r), user, totphttp.TrustTokens(r)...)
	if err != nil {
		p.refuse(w, err)
		return
	}
	p.follow(w, r, next)
}

// code is the handler of the form with the six digits.
func (p *product) code(w http.ResponseWriter, r *http.Request) {
	next, err := p.mfa.VerifyCode(totphttp.Context(r), totphttp.Challenge(r), r.PostFormValue("code"))
	if err != nil { // wrong, used before, too many tries: no error lets anyone in
		p.refuse(w, err)
		return
	}
	if r.PostFormValue("trust") != "" {
		browser, err := p.mfa.TrustBrowser(totphttp.Context(r), next.Proof, totphttp.BrowserLabel(r))
		if err == nil { // otherwise the code was still right
			totphttp.SetTrust(w, browser)
		}
	}
	p.follow(w, r, next)
}

// follow does what a decision says, whichever call it comes from.
func (p *product) follow(w http.ResponseWriter, r *http.Request, next totpflow.Decision) {
	switch next.Step {
	case totpflow.Passed: // by code, in a trusted browser, or because the second factor is optional and off
		totphttp.ClearChallenge(w)
		p.start(w, next) // yours: under a new token, a session with next.Mark for next.ID, which is empty unless passed; never for user.ID
		to := "/"
		if next.Reason == totpflow.ReasonRecoveryCode {
			to = "/setup" // to set up a new phone, authorized by next.Proof
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	case totpflow.AskCode:
		totphttp.SetChallenge(w, next.Challenge)
		p.show(w, "code", next)
	case totpflow.Enroll: // required, and not set up yet
		totphttp.SetChallenge(w, next.Challenge)
		http.Redirect(w, r, "/setup", http.StatusSeeOther)
	}
}

// endregion

// region setup
// setUp shows the QR code. The old authenticator, if there is one, works until a code of
// the new one is confirmed.
func (p *product) setUp(w http.ResponseWriter, r *http.Request) {
	by := p.authority(r)
	// If the page was reloaded, the enrollment continues; otherwise it begins.
	page, err := p.mfa.ContinueEnrollment(totphttp.Context(r), totphttp.Enrollment(r), by)
	if errors.Is(err, totpflow.ErrEnrollmentExpired) {
		page, err = p.mfa.BeginEnrollment(totphttp.Context(r), by)
	}
	if err != nil {
		p.refuse(w, err)
		return
	}
	totphttp.SetEnrollment(w, page.Token)
	w.Header().Set("Cache-Control", "no-store")
	p.show(w, "setup", page) // the page says whose account it is: page.Name
}

// authority belongs to the person whose password was right last in this browser: a
// sign-in under way takes precedence over the session, which may be another person's.
func (p *product) authority(r *http.Request) totpflow.EnrollmentGrant {
	if challenge := totphttp.Challenge(r); challenge != "" {
		return challenge
	}
	_, _, proof := p.current(r) // of a signed-in person; start has kept it in the session
	return proof
}

// confirm checks the first code of the new authenticator.
func (p *product) confirm(w http.ResponseWriter, r *http.Request) {
	// The page may be one that another person has left open in this browser.
	if _, err := p.mfa.ContinueEnrollment(totphttp.Context(r), totphttp.Enrollment(r), p.authority(r)); err != nil {
		p.refuse(w, err)
		return
	}
	done, err := p.mfa.ConfirmEnrollment(totphttp.Context(r), totphttp.Enrollment(r), r.PostFormValue("code"))
	if err != nil {
		p.refuse(w, err)
		return
	}
	totphttp.ClearChallenge(w)
	totphttp.ClearEnrollment(w)
	p.start(w, done.Decision)
	w.Header().Set("Cache-Control", "no-store")
	p.show(w, "recovery codes", done.Sheet) // once, to print or save
}

// endregion

// region other
// otherWays is for people who have no code at hand, or who are locked out because
// somebody guessed codes.
func (p *product) otherWays(w http.ResponseWriter, r *http.Request) {
	ctx, challenge := totphttp.Context(r), totphttp.Challenge(r)
	var next totpflow.Decision
	var err error
	switch {
	case r.PostFormValue("recovery_code") != "": // from the person's sheet
		next, err = p.mfa.VerifyRecoveryCode(ctx, challenge, r.PostFormValue("recovery_code"))
	case r.PostFormValue("issued_code") != "": // sent by mail by an administrator; it leads to the enrollment
		next, err = p.mfa.VerifyIssuedCode(ctx, challenge, r.PostFormValue("issued_code"))
	default: // two of the app's codes in a row
		next, err = p.mfa.VerifyPair(ctx, challenge, r.PostFormValue("code"), r.PostFormValue("code2"))
	}
	if err != nil {
		p.refuse(w, err)
		return
	}
	p.follow(w, r, next)
}

// endregion

// region errors
// refuse explains the error. No error lets anyone in.
func (p *product) refuse(w http.ResponseWriter, err error) {
	status := totphttp.StatusCode(w, err)
	text := "this is not possible"
	var wait *throttle.Error
	var drift *enroll.DriftError
	switch {
	case errors.As(err, &wait) && wait.Pair:
		text = "too many wrong codes; type two codes in a row, or wait " + (wait.Wait + 59*time.Second).Truncate(time.Minute).String()
	case errors.As(err, &wait):
		text = "too many tries; wait " + (wait.Wait + 59*time.Second).Truncate(time.Minute).String()
	case errors.As(err, &drift): // only at enrollment
		text = "the clock of your device is off by " + drift.Off.Abs().String() + "; set it to automatic"
	case errors.Is(err, totpflow.ErrAlreadyUsed):
		text = "this code has been used; wait for the next one"
	case errors.Is(err, totpflow.ErrRejected):
		text = "this code is wrong"
	case errors.Is(err, totpflow.ErrPhoneCode), errors.Is(err, totpflow.ErrPhoneLimit):
		text = "no code is valid now; request another one, or use another method"
	case errors.Is(err, totpflow.ErrUsed): // sent twice: nothing is answered twice
		text = "this is already done; check whether you are signed in"
	case errors.Is(err, totpflow.ErrChallenge), errors.Is(err, totpflow.ErrEnrollmentExpired), errors.Is(err, totpflow.ErrProof):
		text = "this took too long; please start again"
	case errors.Is(err, totpflow.ErrFrozen), errors.Is(err, totpflow.ErrRecordLost):
		text = "this account is closed; please ask your administrator for help"
	case errors.Is(err, totpflow.ErrExempt):
		text = "this is a machine's account; people cannot sign in with it"
	case errors.Is(err, totpflow.ErrNotEnrolled):
		text = "set up your second factor first"
	case errors.Is(err, admin.ErrApproval):
		text = "a second administrator must approve this request"
	case errors.Is(err, context.Canceled): // the browser has gone
	case status >= 500: // the database, the keys or the provider of messages: for you to look at
		slog.Error("second factor", "error", err) // the error holds no secret
		text = "we cannot check codes at the moment"
	}
	http.Error(w, text, status)
}

// endregion

// region session
// signedIn returns the user who sends a request. Sessions are yours; the account knows
// which of them are still valid after a new phone, a new password or the end of a grace
// period.
func (p *product) signedIn(r *http.Request) (totpflow.User, error) {
	user, mark, _ := p.current(r)
	valid, err := p.mfa.Account(user).SessionValid(r.Context(), mark)
	if err != nil || !valid {
		return totpflow.User{}, errors.Join(errSignedOut, err)
	}
	return user, nil
}

// endregion

// region operation
const deletion totpflow.Action = "delete backup"

// deleteBackup requires another code before an action that cannot be undone, and the
// password of a person who has no second factor at all.
func (p *product) deleteBackup(ctx context.Context, user totpflow.User, backup, code, password string) error {
	account := p.mfa.Account(user)
	status, err := account.Status(ctx)
	if err != nil {
		return err
	}
	if !status.Enrolled {
		return p.checkPassword(ctx, user, password) // yours
	}
	proof, err := account.VerifyCode(ctx, deletion.On(backup), code) // ErrNotEnrolled: only a phone; set up an app first
	if err != nil {
		return err
	}
	return account.ConsumeProof(ctx, proof, deletion.On(backup)) // works once, for this backup only
}

// endregion

// region phone
// byPhone sends a code to a phone that the page offers (next.Phones), and then checks the
// code.
func (p *product) byPhone(w http.ResponseWriter, r *http.Request) {
	ctx, challenge := totphttp.Context(r), totphttp.Challenge(r)
	typed := r.PostFormValue("phone_code")
	if typed == "" {
		sent, err := p.mfa.SendPhoneCode(ctx, challenge, r.PostFormValue("phone"), phone.SMS) // or phone.Voice
		if err != nil {
			p.refuse(w, err)
			return
		}
		p.show(w, "phone code", sent.To) // prints in masked form
		return
	}
	next, err := p.mfa.VerifyPhoneCode(ctx, challenge, typed)
	if err != nil {
		p.refuse(w, err)
		return
	}
	p.follow(w, r, next)
}

// endregion

// region admin
// reset helps a person who has lost both the phone and the recovery codes. It requires
// the administrator's own code. Afterwards the person sets up again. Keep the generation
// of the change with the person.
func (p *product) reset(ctx context.Context, me totpflow.User, code string, target store.AccountID) (totpflow.Change, error) {
	proof, err := p.mfa.Account(me).VerifyCode(ctx, admin.Purpose(admin.ActionResetAccount, target), code)
	if err != nil {
		return totpflow.Change{}, err
	}
	// Yours: func(ctx, actor, action, target) error, which knows the roles of your users.
	office := admin.New(p.mfa, p.mayAdministrate)
	return office.Reset(ctx, admin.Administrator{User: me, Proof: proof}, target, admin.ScopeAll)
}

// endregion

// region notify
// notify is Config.Notifier: it sends a mail about every change, with a link that closes
// the account if the person did not make the change. The link opens a page with a button,
// and the button's POST calls mfa.Disown.
func (p *product) notify(ctx context.Context, n event.Notification) error {
	if n.User == "" { // about a tenant
		return nil
	}
	e := n.Main()
	return p.mail(ctx, e, "https://acme.example/not-me?t="+string(p.mfa.NewDisownToken(e)))
}

// endregion
