package totpflow

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/totp"
)

// A ConfirmedEnrollment is a confirmed enrollment. Its decision lets the person in, even
// when the enrollment was part of the sign-in.
type ConfirmedEnrollment struct {
	Decision

	// Sheet is what the person prints or saves: the secret for a later device,
	// and the new recovery codes. Neither can be shown again. The codes are empty when
	// the account keeps other authenticators (the old set stays), and where policy allows
	// no recovery codes.
	Sheet recovery.Sheet

	// Authenticator is the new one. It has the given name, or that of the only one that
	// it replaces. Otherwise it is called "Authenticator", with a number where there are
	// several, until [Account.RenameAuthenticator] changes that.
	Authenticator Authenticator

	// Cleared names the authenticators that have stopped working.
	Cleared []string
}

// ConfirmEnrollment activates the offered authenticator when its code is right. That code
// cannot be used again. In the same write the authenticators that it replaces stop
// working, trusted browsers and all sessions end, and new recovery codes are made. An
// authenticator that replaces none ends only pending tickets: nothing was taken away. A
// name that is not empty becomes the name of the new authenticator. Errors:
// [ErrRejected], [*enroll.DriftError], [ErrEnrollmentExpired].
func (s *Service) ConfirmEnrollment(ctx context.Context, token EnrollmentToken, code string, name ...string) (_ ConfirmedEnrollment, err error) {
	ctx, flow := s.engine.Begin(ctx, "confirm_enrollment")
	defer flow.End(&err)
	t, err := s.engine.UnsealTicket(enrollmentKind, string(token))
	if err != nil {
		return ConfirmedEnrollment{}, ErrEnrollmentExpired
	}
	p, err := s.engine.PolicyOf(ctx, t.Account())
	if err != nil {
		return ConfirmedEnrollment{}, err
	}
	var done ConfirmedEnrollment
	err = s.engine.Change(ctx, t.Account(), func(tx *engine.Tx) error {
		c, err := candidate(tx, t)
		if err != nil {
			return err
		}
		goes := strings.Fields(t.Target)
		e, confirmed, err := tx.Enrollment.Confirm(tx.Now, c.ID, code, s.engine.Window, goes...)
		if err != nil {
			return confirmError(tx, err)
		}
		if e, err = named(e, &confirmed, strings.TrimSpace(strings.Join(name, " "))); err != nil {
			return err // unreachable: it is live
		}
		tx.Enrollment = e
		done = ConfirmedEnrollment{Sheet: s.sheet(t, c), Authenticator: shown(confirmed.Authenticator)}
		done.Sheet.Codes = factorsBound(tx, p, c.Adds && len(goes) == 0)
		done.Sheet.Made = tx.Now
		for _, a := range confirmed.Cleared {
			done.Cleared = append(done.Cleared, a.Name)
		}
		bound := event.EnrollmentConfirmed
		if len(done.Cleared) > 0 {
			bound = event.AuthenticatorsReplaced
		}
		tx.Log(event.Event{Kind: bound, Authenticator: confirmed.Authenticator.ID})
		tx.Save()
		done.Decision = s.pass(tx, t, p, ReasonCode)
		return nil
	})
	return engine.Acknowledged(done, err)
}

// named gives the new authenticator the name, or that of the only one that it replaces.
func named(e enroll.Enrollment, c *enroll.Confirmation, name string) (enroll.Enrollment, error) {
	if name == "" && len(c.Cleared) == 1 {
		name = c.Cleared[0].Name
	}
	if name == "" {
		return e, nil
	}
	e, err := e.Rename(c.Authenticator.ID, name)
	if err == nil {
		all := e.Authenticators()
		c.Authenticator = all[len(all)-1] // the newest is the last
	}
	return e, err
}

// factorsBound applies the effects of a newly bound authenticator, and returns the
// recovery codes made with it.
func factorsBound(tx *engine.Tx, p policy.Policy, added bool) []string {
	tx.FactorConfirmed()
	if added {
		tx.EndTickets() // browsers and sessions stay: nothing was taken away
		if !tx.Recovery.IsZero() {
			return nil
		}
	} else {
		tx.EndSessions()
	}
	if !p.Methods.Has(policy.RecoveryCodes) {
		tx.Recovery = recovery.Set{}
		return nil
	}
	codes, set := recovery.New(tx.Now)
	tx.Recovery = set
	tx.Log(event.Event{Kind: event.RecoveryCodesMade, Remaining: set.Remaining()})
	return codes
}

func (s *Service) sheet(t engine.Ticket, c enroll.Candidate) recovery.Sheet {
	return recovery.Sheet{Issuer: s.engine.Issuer, Account: t.Name, Secret: c.Key.Secret()}
}

// confirmError returns an error that tells the person what to do. Wrong codes are not
// counted here: the holder of the token can read the secret itself.
func confirmError(tx *engine.Tx, err error) error {
	switch {
	case errors.Is(err, enroll.ErrStale), errors.Is(err, enroll.ErrExpired), errors.Is(err, enroll.ErrTransition):
		return fmt.Errorf("%w: %w", ErrEnrollmentExpired, err)
	case errors.Is(err, totp.ErrMalformedCode):
		return fmt.Errorf("%w: %w", ErrRejected, err)
	}
	tx.Log(event.Event{Kind: event.CodeRejected, Method: "confirmation", Reason: err.Error()})
	return err
}
