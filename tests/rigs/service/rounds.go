package service

import (
	"errors"
	"fmt"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totptest"
)

// oneCode: one code of the app lets in once, whether it was typed at the
// sign-in or before an action.
func (f *fixture) oneCode() error {
	p, err := f.regular()
	if err != nil {
		return err
	}
	code := p.phone.Code()
	if _, err := f.all(order{Do: sit, User: p.user}); err != nil {
		return err
	}
	r, err := f.all(order{Do: verify, User: p.user, Code: code})
	if err != nil {
		return err
	}
	return r.exactly(1, ok, used)
}

// oneRecoveryCode: one recovery code lets in once.
func (f *fixture) oneRecoveryCode() error {
	p, err := f.regular()
	if err != nil {
		return err
	}
	if len(p.codes) == 0 {
		if err := f.newRecoveryCodes(p); err != nil {
			return err
		}
	}
	f.clock.Advance(time.Hour + time.Second) // in which that many may be tried
	if _, err := f.all(order{Do: sit, User: p.user}); err != nil {
		return err
	}
	code := p.codes[0]
	p.codes = p.codes[1:]
	r, err := f.all(order{Do: redeem, User: p.user, Code: code})
	if err != nil {
		return err
	}
	if err := r.exactly(1, ok, over, rejected, throttled); err != nil {
		return err
	}
	status, err := f.Account(p.user).Status(f.ctx)
	if err == nil && status.RecoveryCodes.Left != len(p.codes) {
		err = fmt.Errorf("%d recovery codes are left instead of %d", status.RecoveryCodes.Left, len(p.codes))
	}
	return err
}

func (f *fixture) newRecoveryCodes(p *person) error {
	account := f.Account(p.user)
	proof, err := account.VerifyCode(f.ctx, totpflow.ActionRecoveryCodes.On(""), p.phone.Code())
	if err != nil {
		return err
	}
	sheet, _, err := account.NewRecoveryCodes(f.ctx, proof)
	p.codes = sheet.Codes
	return err
}

// oneSetUp: if one person begins several enrollments and confirms them at once, one
// becomes the authenticator, and one sheet of recovery codes is valid: those of the
// caller whose confirmation succeeded.
func (f *fixture) oneSetUp() error {
	o := order{Do: confirm, User: f.user()}
	next, err := f.SignIn(f.ctx, o.User)
	if err != nil {
		return err
	}
	o.Challenge = next.Challenge
	for range 2 {
		page, err := f.BeginEnrollment(f.ctx, next.Challenge)
		if err != nil {
			return err
		}
		phone, err := totptest.ScanURI(page.Offer.URI(), f.clock)
		if err != nil {
			return err
		}
		o.Pages, o.Codes = append(o.Pages, page.Token), append(o.Codes, phone.Peek())
	}
	r, err := f.all(o)
	if err != nil {
		return err
	}
	if err := r.exactly(1, ok, over); err != nil {
		return err
	}
	if len(r.Bound) == 0 { // the answer to the confirmation was lost
		return nil
	}
	return f.holds(o.User, r.Bound[0])
}

// holds checks that the secret and the recovery code of the enrollment work.
func (f *fixture) holds(u totpflow.User, b bound) error {
	status, err := f.Account(u).Status(f.ctx)
	if err != nil {
		return err
	}
	if n := len(status.Authenticators); n != 1 {
		return fmt.Errorf("%d authenticators", n)
	}
	if n := status.RecoveryCodes.Left; n != recovery.Codes {
		return fmt.Errorf("%d recovery codes", n)
	}
	phone, err := totptest.TypeSecret(b.Secret, f.clock)
	if err != nil {
		return err
	}
	f.clock.Advance(time.Minute)
	if _, err := f.pass(&person{user: u, phone: phone}); err != nil {
		return fmt.Errorf("the authenticator that was confirmed: %w", err)
	}
	next, err := f.SignIn(f.ctx, u)
	if err != nil {
		return err
	}
	if _, err := f.VerifyRecoveryCode(f.ctx, next.Challenge, b.Recovery); err != nil {
		return fmt.Errorf("a recovery code of the sheet: %w", err)
	}
	return nil
}

// revokedBrowser: nobody gets in by a browser whose revocation was acknowledged,
// whichever process has acknowledged it. Meanwhile others note that they have seen it,
// since a day has passed.
func (f *fixture) revokedBrowser() error {
	p, err := f.regular()
	if err != nil {
		return err
	}
	passed, err := f.pass(p)
	if err != nil {
		return err
	}
	browser, err := f.TrustBrowser(f.ctx, passed.Proof, "Firefox on Linux")
	if err != nil {
		return err
	}
	status, err := f.Account(p.user).Status(f.ctx)
	if err != nil {
		return err
	}
	if n := len(status.Browsers); n != 1 {
		return fmt.Errorf("%d trusted browsers", n)
	}
	f.clock.Advance(25 * time.Hour)
	o := order{Do: check, User: p.user, Browser: string(browser.Token)}
	during, err := f.each(func(replica int) order {
		o := o
		if replica == f.figures.Rounds%processes {
			o.Revoke = status.Browsers[0].ID
		}
		return o
	})
	if err != nil {
		return err
	}
	if during.Accepted > during.Revoked {
		return errors.New("a browser was trusted after its revocation was acknowledged")
	}
	after, err := f.all(o)
	if err != nil {
		return err
	}
	return after.exactly(0, ok, asked)
}

// simultaneous guesses, of which the budget lets evaluated be compared
const guesses, evaluated = 5000, 5

// oneBudget: however many wrong codes there are, as many as the budget allows are
// compared, and no more.
func (f *fixture) oneBudget() error {
	p, err := f.enrolled()
	if err != nil {
		return err
	}
	if _, err := f.all(order{Do: sit, User: p.user}); err != nil {
		return err
	}
	o := order{Do: guess, User: p.user, Code: p.phone.WrongCode(), Guesses: guesses / processes}
	r, err := f.all(o)
	if err != nil {
		return err
	}
	if err := r.exactly(evaluated, rejected, throttled); err != nil {
		return err
	}
	o.Guesses = 1
	if r, err = f.all(o); err != nil {
		return err
	}
	if err := r.exactly(0, rejected, throttled); err != nil {
		return err
	}
	if _, err := f.pass(p); !errors.Is(err, throttle.ErrThrottled) {
		return fmt.Errorf("a right code while it has to wait: %w", err)
	}
	return nil
}
