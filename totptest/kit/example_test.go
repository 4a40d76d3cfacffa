package kit_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/totptest/kit"
)

// A product's test: nobody gets in while the database is down, and Ana is told what was
// done to her account.
func Example() {
	ctx, ana := context.Background(), totpflow.User{ID: totpflow.AccountID{User: "42"}, Name: "ana@acme.example"}
	k := kit.New()
	phone, codes := k.Enroll(ana)
	fmt.Println(len(codes), "recovery codes")

	next, _ := k.Service.SignIn(ctx, ana)
	fmt.Println("after the password:", next.Step)
	k.Store.FailNext(1, errors.New("down"))
	refused, err := k.Service.VerifyCode(ctx, next.Challenge, phone.Code())
	fmt.Println("with the database down:", refused.Step == totpflow.Passed, err != nil)
	in, _ := k.Service.VerifyCode(ctx, next.Challenge, phone.Code())
	fmt.Println("later:", in.Step)

	for _, n := range k.Notifications() {
		fmt.Println("told:", n.Main().Kind)
	}
	// Output:
	// 10 recovery codes
	// after the password: ask code
	// with the database down: false true
	// later: passed
	// told: enrollment_confirmed
}
