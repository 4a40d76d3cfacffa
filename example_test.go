package totpflow_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/totpflow/totpflow"
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
