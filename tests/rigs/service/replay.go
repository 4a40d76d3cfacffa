package service

import (
	"context"
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

// A Replay is one person with one code, who types it more than once while the database
// behind it changes. No time passes, so the code stays right.
type Replay struct {
	mfa       *totpflow.Service
	user      totpflow.User
	challenge totpflow.Challenge // the challenge of the sign-in under way
	code      string
}

// NewReplay sets the person up on the store, and has them sign in up to the code.
func NewReplay(ctx context.Context, s store.Store) (*Replay, error) {
	keys, err := keyring.Parse(keyring.Generate())
	if err != nil {
		return nil, err
	}
	clock := totptest.NewClock(time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC))
	mfa, err := totpflow.New(totpflow.Config{
		Issuer: "Acme Backup", Store: s, Keys: keys, Now: clock.Now,
		Policy: policy.Fixed{Mode: policy.Required}, Observer: event.Slog(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		return nil, err
	}
	r := &Replay{mfa: mfa, user: totpflow.User{ID: totpflow.AccountID{User: "42"}, Name: "ana@acme.example"}}
	next, err := mfa.SignIn(ctx, r.user)
	if err != nil {
		return nil, err
	}
	page, err := mfa.BeginEnrollment(ctx, next.Challenge)
	if err != nil {
		return nil, err
	}
	phone, err := totptest.ScanURI(page.Offer.URI(), clock)
	if err != nil {
		return nil, err
	}
	if _, err := mfa.ConfirmEnrollment(ctx, page.Token, phone.Code()); err != nil {
		return nil, err
	}
	next, err = mfa.SignIn(ctx, r.user)
	r.challenge, r.code = next.Challenge, phone.Code()
	return r, err
}

// Pass types the code into the sign-in under way; nil: they are in.
func (r *Replay) Pass(ctx context.Context) error {
	next, err := r.mfa.VerifyCode(ctx, r.challenge, r.code)
	if (err == nil) != (next.Step == totpflow.Passed) {
		return fmt.Errorf("the step %v with the error %w", next.Step, err)
	}
	return err
}

// Again signs in once more, with the same code. It returns nil if they are in.
func (r *Replay) Again(ctx context.Context) error {
	next, err := r.mfa.SignIn(ctx, r.user)
	if err != nil {
		return err
	}
	r.challenge = next.Challenge
	return r.Pass(ctx)
}
