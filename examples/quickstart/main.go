// Command quickstart goes once through two-factor sign-in: set up, sign in with a code,
// trust a browser, sign in with a recovery code. A virtual phone plays the person's part,
// so the program runs by itself:
//
//	go run ./examples/quickstart
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

func main() {
	if err := run(context.Background(), os.Stdout, os.Getenv("NO_COLOR") == ""); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer, colour bool) error {
	keys, err := keyring.Parse(keyring.Generate()) // in production, read the keys from a secret manager
	if err != nil {
		return err
	}
	clock := totptest.NewClock(time.Now())
	mfa, err := totpflow.New(totpflow.Config{
		Issuer:   "Acme Backup",
		Store:    store.NewMemory(), // in production, sqlstore.New(db, sqlstore.SQLite)
		Keys:     keys,
		Observer: event.Slog(slog.New(slog.DiscardHandler)),
		Now:      clock.Now, // in production, leave it out
	})
	if err != nil {
		return err
	}
	ana := totpflow.User{ID: totpflow.AccountID{User: "42"}, Name: "ana@acme.example"} // from the host's own table

	// The password was right. Nothing is set up, so Ana is signed in, and may set up a
	// second factor.
	next, err := mfa.SignIn(ctx, ana)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "Password only:", next.Step, "because", next.Reason)
	page, err := mfa.BeginEnrollment(ctx, next.Proof)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Scan this, or type %s:\n\n%s\n", page.Offer.Secret(), page.Offer.Terminal(colour))
	phone, err := totptest.ScanURI(page.Offer.URI(), clock)
	if err != nil {
		return err
	}
	done, err := mfa.ConfirmEnrollment(ctx, page.Token, phone.Code())
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "Set up, with", len(done.Sheet.Codes), "recovery codes to print or save.")

	// On another day, a code is required.
	next, err = mfa.SignIn(ctx, ana)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "Password, then:", next.Step)
	challenge, code := next.Challenge, phone.Code() // a cookie keeps the challenge
	if next, err = mfa.VerifyCode(ctx, challenge, code); err != nil {
		return err
	}
	fmt.Fprintln(out, "Code:", next.Step, "as user", next.ID.User)
	browser, err := mfa.TrustBrowser(ctx, next.Proof, "Firefox on Linux")
	if err != nil {
		return err
	}

	// Somebody has seen the code, and knows the password.
	next, _ = mfa.SignIn(ctx, ana)
	_, err = mfa.VerifyCode(ctx, next.Challenge, code)
	fmt.Fprintln(out, "The same code again: refused,", errors.Is(err, totpflow.ErrAlreadyUsed))

	// Ana's own browser is not asked for a code. Elsewhere, a recovery code helps.
	trusted, err := mfa.SignIn(ctx, ana, browser.Token)
	fmt.Fprintln(out, "Trusted browser:", trusted.Step, err)
	next, err = mfa.VerifyRecoveryCode(ctx, next.Challenge, done.Sheet.Codes[0])
	fmt.Fprintln(out, "Recovery code:", next.Step, err, "with", next.RecoveryCodesLeft, "left")
	next, err = mfa.SignIn(ctx, ana, browser.Token)
	fmt.Fprintln(out, "Trusted browser after that:", next.Step, err)
	return err
}
