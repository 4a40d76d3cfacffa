package totpflow_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/totpflow/totpflow"
)

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

// After too many wrong codes single ones have to wait. Two consecutive codes let the
// owner in meanwhile.
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

// Somebody who has lost the phone signs in with a recovery code, and then sets up an
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

// The token is for a cookie of this browser. It spares the code, never the password.
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
