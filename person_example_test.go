package totpflow_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
)

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

// A session alone does not delete a backup: the person shows a code for it, and the proof
// deletes no other.
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

// What a security page shows holds no secret.
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

// The proof names the authenticator, so that it removes no other. The last one cannot be
// removed, only replaced or, where the policy lets it, disabled.
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

// A browser that was lost is asked for a code again.
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
