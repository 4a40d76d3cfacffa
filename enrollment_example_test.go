package totpflow_test

import (
	"context"
	"fmt"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/totptest"
)

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
