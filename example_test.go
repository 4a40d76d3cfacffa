package totpflow_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

// A person sets up an authenticator because policy requires it, and signs in
// with its codes from then on.
func Example() {
	ctx := context.Background()
	clock := totptest.NewClock(time.Date(2026, 1, 2, 15, 4, 0, 0, time.UTC))
	keys, _ := keyring.Parse(keyring.Generate())
	mfa, err := totpflow.New(totpflow.Config{
		Issuer:   "Acme Backup",
		Store:    store.NewMemory(),
		Keys:     keys,
		Policy:   policy.Fixed{Mode: policy.Required},
		Observer: event.Slog(slog.New(slog.DiscardHandler)),
		Now:      clock.Now,
	})
	if err != nil {
		panic(err)
	}
	ana := totpflow.User{ID: totpflow.AccountID{User: "42"}, Name: "ana@acme.example"}

	next, err := mfa.SignIn(ctx, ana) // the password was right
	fmt.Println(next.Step, err)

	page, err := mfa.BeginEnrollment(ctx, next.Challenge)
	fmt.Println(len(page.Offer.Secret()), err)
	phone, _ := totptest.ScanURI(page.Offer.URI(), clock) // a person scans the QR code

	code := phone.Code()
	done, err := mfa.ConfirmEnrollment(ctx, page.Token, code)
	fmt.Println(done.Step, "as", done.ID.User, "with", len(done.Sheet.Codes), "recovery codes", err)

	next, _ = mfa.SignIn(ctx, ana) // another day
	fmt.Println(next.Step)
	_, err = mfa.VerifyCode(ctx, next.Challenge, code)
	fmt.Println("the old code again:", errors.Is(err, totpflow.ErrAlreadyUsed))
	next, err = mfa.VerifyCode(ctx, next.Challenge, phone.Code())
	fmt.Println(next.Step, "by", next.Reason, err)

	// Output:
	// enroll <nil>
	// 39 <nil>
	// passed as 42 with 10 recovery codes <nil>
	// ask code
	// the old code again: true
	// passed by code <nil>
}

// service returns a service that requires a second factor, and its clock.
func service() (*totpflow.Service, *totptest.Clock) {
	clock := totptest.NewClock(time.Date(2026, 1, 2, 15, 4, 0, 0, time.UTC))
	keys, err := keyring.Parse(keyring.Generate())
	if err != nil {
		panic(err)
	}
	mfa, err := totpflow.New(totpflow.Config{
		Issuer:   "Acme Backup",
		Store:    store.NewMemory(),
		Keys:     keys,
		Policy:   policy.Fixed{Mode: policy.Required, BrowserAge: 30 * 24 * time.Hour},
		Observer: event.Slog(slog.New(slog.DiscardHandler)),
		Now:      clock.Now,
	})
	if err != nil {
		panic(err)
	}
	return mfa, clock
}

// person returns a service, a person, and the app on this person's phone.
func person() (*totpflow.Service, totpflow.User, *totptest.Authenticator) {
	mfa, ana, phone, _ := personWithCodes()
	return mfa, ana, phone
}

func personWithCodes() (*totpflow.Service, totpflow.User, *totptest.Authenticator, []string) {
	ctx := context.Background()
	mfa, clock := service()
	ana := totpflow.User{ID: totpflow.AccountID{User: "42"}, Name: "ana@acme.example"}
	next, err := mfa.SignIn(ctx, ana)
	if err != nil {
		panic(err)
	}
	page, err := mfa.BeginEnrollment(ctx, next.Challenge)
	if err != nil {
		panic(err)
	}
	phone, err := totptest.ScanURI(page.Offer.URI(), clock)
	if err != nil {
		panic(err)
	}
	done, err := mfa.ConfirmEnrollment(ctx, page.Token, phone.Code())
	if err != nil {
		panic(err)
	}
	return mfa, ana, phone, done.Sheet.Codes
}

// The offer is a QR code and a text to type. The authenticator that is in use goes on
// working until the new one has shown a code.
func ExampleService_BeginEnrollment() {
	ctx := context.Background()
	mfa, ana, phone := person()
	proof, _ := mfa.Account(ana).VerifyCode(ctx, totpflow.ActionReplaceAuthenticator.On(""), phone.Code())
	page, err := mfa.BeginEnrollment(ctx, proof)
	fmt.Println("of", page.Name, "and in place of", page.Clears, err)
	png, _ := page.Offer.PNG(0)
	fmt.Println(len(png) > 0, len(page.Offer.Secret()))
	// Output:
	// of ana@acme.example and in place of [Authenticator] <nil>
	// true 39
}

// The new authenticator shows a code. The sheet can be shown only now.
func ExampleService_ConfirmEnrollment() {
	ctx := context.Background()
	mfa, clock := service()
	ana := totpflow.User{ID: totpflow.AccountID{User: "42"}, Name: "ana@acme.example"}
	next, _ := mfa.SignIn(ctx, ana)
	page, _ := mfa.BeginEnrollment(ctx, next.Challenge)
	phone, _ := totptest.ScanURI(page.Offer.URI(), clock)

	done, err := mfa.ConfirmEnrollment(ctx, page.Token, phone.Code())
	fmt.Println(done.Step, "with", len(done.Sheet.Codes), "recovery codes", err)
	// Output:
	// passed with 10 recovery codes <nil>
}

// A page that is loaded again shows the same offer, to the person who began it.
func ExampleService_ContinueEnrollment() {
	ctx := context.Background()
	mfa, _ := service()
	ana := totpflow.User{ID: totpflow.AccountID{User: "42"}, Name: "ana@acme.example"}
	next, _ := mfa.SignIn(ctx, ana)
	page, _ := mfa.BeginEnrollment(ctx, next.Challenge)

	again, err := mfa.ContinueEnrollment(ctx, page.Token, next.Challenge)
	fmt.Println(again.Offer.URI() == page.Offer.URI(), err)
	// Output:
	// true <nil>
}

// Ask at each request: the session ends when a factor or the password changes, wherever
// that happens.
func ExampleAccount_SessionValid() {
	ctx := context.Background()
	mfa, ana, phone := person()
	next, _ := mfa.SignIn(ctx, ana)
	passed, _ := mfa.VerifyCode(ctx, next.Challenge, phone.Code())
	mark := passed.Mark // kept with the session

	valid, err := mfa.Account(ana).SessionValid(ctx, mark)
	fmt.Println(valid, err)
	_, _ = mfa.Account(ana).PasswordChanged(ctx)
	valid, err = mfa.Account(ana).SessionValid(ctx, mark)
	fmt.Println(valid, err)
	// Output:
	// true <nil>
	// false <nil>
}

// A session alone is not enough to delete a backup: the person shows a code for it, and
// the proof deletes no other.
func ExampleAccount_VerifyCode() {
	ctx := context.Background()
	mfa, ana, phone := person()
	const deleteBackup totpflow.Action = "delete backup"

	proof, err := mfa.Account(ana).VerifyCode(ctx, deleteBackup.On("b7"), phone.Code())
	fmt.Println("proved:", err)
	err = mfa.Account(ana).ConsumeProof(ctx, proof, deleteBackup.On("b8"))
	fmt.Println("another backup:", errors.Is(err, totpflow.ErrProof))
	err = mfa.Account(ana).ConsumeProof(ctx, proof, deleteBackup.On("b7"))
	fmt.Println("this one:", err)
	// Output:
	// proved: <nil>
	// another backup: true
	// this one: <nil>
}

// A proof serves once. Delete the backup after ConsumeProof has returned without an error.
func ExampleAccount_ConsumeProof() {
	ctx := context.Background()
	mfa, ana, phone := person()
	purpose := totpflow.Action("delete backup").On("b7")
	proof, _ := mfa.Account(ana).VerifyCode(ctx, purpose, phone.Code())
	fmt.Println(mfa.Account(ana).ConsumeProof(ctx, proof, purpose))
	fmt.Println(errors.Is(mfa.Account(ana).ConsumeProof(ctx, proof, purpose), totpflow.ErrUsed))
	// Output:
	// <nil>
	// true
}

// Call PasswordChanged after the new password was stored. Every session and every trusted
// browser ends; this one goes on under a new token, with the new mark.
func ExampleAccount_PasswordChanged() {
	ctx := context.Background()
	mfa, ana, _ := person()
	change, err := mfa.Account(ana).PasswordChanged(ctx)
	fmt.Println(err)
	valid, _ := mfa.Account(ana).SessionValid(ctx, change.Mark)
	fmt.Println(valid)
	// Output:
	// <nil>
	// true
}

// The data of a security page contains no secret.
func ExampleAccount_Status() {
	mfa, ana, _ := person()
	st, err := mfa.Account(ana).Status(context.Background())
	fmt.Println(st.State, err)
	for _, a := range st.Authenticators {
		fmt.Println(a.Name)
	}
	fmt.Println(st.RecoveryCodes.Left, "of", st.RecoveryCodes.Total, "recovery codes")
	// Output:
	// active <nil>
	// Authenticator
	// 10 of 10 recovery codes
}

// New recovery codes replace the old ones. They can be shown only now.
func ExampleAccount_NewRecoveryCodes() {
	ctx := context.Background()
	mfa, ana, phone := person()
	proof, _ := mfa.Account(ana).VerifyCode(ctx, totpflow.ActionRecoveryCodes.On(""), phone.Code())
	sheet, _, err := mfa.Account(ana).NewRecoveryCodes(ctx, proof)
	fmt.Println(len(sheet.Codes), "codes for", sheet.Account, err)
	fmt.Println(mfa.Account(ana).RecoveryCodesSaved(ctx)) // when the person says so
	// Output:
	// 10 codes for ana@acme.example <nil>
	// <nil>
}

// "Sign out everywhere": the host goes on under a new token, with the new mark.
func ExampleAccount_EndSessions() {
	ctx := context.Background()
	mfa, ana, _ := person()
	before, _ := mfa.Account(ana).Status(ctx)
	change, err := mfa.Account(ana).EndSessions(ctx)
	fmt.Println(change.Mark != before.Mark, err)
	// Output:
	// true <nil>
}

// The proof names the authenticator, so it cannot remove another one. The last one cannot
// be removed, only replaced or, if the policy allows it, disabled.
func ExampleAccount_RemoveAuthenticator() {
	ctx := context.Background()
	mfa, ana, phone := person()
	st, _ := mfa.Account(ana).Status(ctx)
	id := st.Authenticators[0].ID
	proof, _ := mfa.Account(ana).VerifyCode(ctx, totpflow.ActionRemoveAuthenticator.On(id), phone.Code())
	_, err := mfa.Account(ana).RemoveAuthenticator(ctx, proof, id)
	fmt.Println(errors.Is(err, enroll.ErrLast))
	// Output:
	// true
}

// A lost browser that is revoked is asked for a code again.
func ExampleAccount_RevokeBrowser() {
	ctx := context.Background()
	mfa, ana, phone := person()
	next, _ := mfa.SignIn(ctx, ana)
	passed, _ := mfa.VerifyCode(ctx, next.Challenge, phone.Code())
	browser, _ := mfa.TrustBrowser(ctx, passed.Proof, "Firefox on Linux")

	fmt.Println(mfa.Account(ana).RevokeBrowser(ctx, browser.ID))
	next, _ = mfa.SignIn(ctx, ana, browser.Token)
	fmt.Println(next.Step)
	// Output:
	// <nil>
	// ask code
}

// After the password was right, SignIn says what comes next.
func ExampleService_SignIn() {
	mfa, ana, _ := person()
	next, err := mfa.SignIn(context.Background(), ana)
	if err != nil {
		fmt.Println("nobody is let in:", err)
		return
	}
	switch next.Step {
	case totpflow.Passed: // start a session for next.ID under a new token, with next.Mark
	case totpflow.AskCode:
		fmt.Println("keep next.Challenge and ask for:", next.Methods)
	case totpflow.Enroll: // keep next.Challenge and go to the enrollment page
	}
	// Output:
	// keep next.Challenge and ask for: [code recovery-code]
}

// The session is started for the account that the decision names, and for no other.
func ExampleService_VerifyCode() {
	ctx := context.Background()
	mfa, ana, phone := person()
	next, _ := mfa.SignIn(ctx, ana)
	_, err := mfa.VerifyCode(ctx, next.Challenge, phone.WrongCode())
	fmt.Println(errors.Is(err, totpflow.ErrRejected))

	passed, err := mfa.VerifyCode(ctx, next.Challenge, phone.Code())
	fmt.Println(passed.Step, "as", passed.ID.User, err)

	_, err = mfa.VerifyCode(ctx, next.Challenge, phone.Code())
	fmt.Println(errors.Is(err, totpflow.ErrUsed), "of a challenge that was answered already")
	// Output:
	// true
	// passed as 42 <nil>
	// true of a challenge that was answered already
}

// After too many wrong codes, single codes are locked for a while. Two consecutive codes
// still let the owner in.
func ExampleService_VerifyPair() {
	ctx := context.Background()
	mfa, ana, phone := person()
	next, _ := mfa.SignIn(ctx, ana)
	for next.Throttled == nil {
		_, _ = mfa.VerifyCode(ctx, next.Challenge, phone.WrongCode())
		next, _ = mfa.SignIn(ctx, ana)
	}
	fmt.Println("single codes wait:", next.Throttled.Wait > 0, "two are taken:", next.Throttled.Pair)

	first, second := phone.Pair()
	passed, err := mfa.VerifyPair(ctx, next.Challenge, first, second)
	fmt.Println(passed.Step, err)
	// Output:
	// single codes wait: true two are taken: true
	// passed <nil>
}

// A person who has lost the phone signs in with a recovery code, and then sets up an
// authenticator with the proof that comes with it.
func ExampleService_VerifyRecoveryCode() {
	ctx := context.Background()
	mfa, ana, _, codes := personWithCodes()
	next, _ := mfa.SignIn(ctx, ana)
	passed, err := mfa.VerifyRecoveryCode(ctx, next.Challenge, codes[0])
	fmt.Println(passed.Step, "by", passed.Reason, err)
	fmt.Println("recovery codes left:", passed.RecoveryCodesLeft)

	page, err := mfa.BeginEnrollment(ctx, passed.Proof)
	fmt.Println("stops working when the new one is confirmed:", page.Clears, err)
	// Output:
	// passed by recovery code <nil>
	// recovery codes left: 9
	// stops working when the new one is confirmed: [Authenticator] <nil>
}

// The token is for a cookie of this browser. It saves typing the code, never the
// password.
func ExampleService_TrustBrowser() {
	ctx := context.Background()
	mfa, ana, phone := person()
	next, _ := mfa.SignIn(ctx, ana)
	passed, _ := mfa.VerifyCode(ctx, next.Challenge, phone.Code())
	browser, err := mfa.TrustBrowser(ctx, passed.Proof, "Firefox on Linux")
	fmt.Println("for", browser.Expires.Sub(browser.Issued).Round(time.Hour), err)

	next, err = mfa.SignIn(ctx, ana, browser.Token)
	fmt.Println(next.Step, "by", next.Reason, err)
	// Output:
	// for 720h0m0s <nil>
	// passed by trusted browser <nil>
}
