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
func (h *house) oneCode() error {
	p, err := h.regular()
	if err != nil {
		return err
	}
	code := p.phone.Code()
	if _, err := h.all(order{Do: sit, User: p.user}); err != nil {
		return err
	}
	r, err := h.all(order{Do: verify, User: p.user, Code: code})
	if err != nil {
		return err
	}
	return r.exactly(1, ok, used)
}

// oneRecoveryCode: one recovery code lets in once.
func (h *house) oneRecoveryCode() error {
	p, err := h.regular()
	if err != nil {
		return err
	}
	if len(p.codes) == 0 {
		if err := h.newRecoveryCodes(p); err != nil {
			return err
		}
	}
	h.clock.Advance(time.Hour + time.Second) // in which so many may be tried
	if _, err := h.all(order{Do: sit, User: p.user}); err != nil {
		return err
	}
	code := p.codes[0]
	p.codes = p.codes[1:]
	r, err := h.all(order{Do: redeem, User: p.user, Code: code})
	if err != nil {
		return err
	}
	if err := r.exactly(1, ok, over, rejected, throttled); err != nil {
		return err
	}
	status, err := h.Account(p.user).Status(h.ctx)
	if err == nil && status.RecoveryCodes.Left != len(p.codes) {
		err = fmt.Errorf("%d recovery codes are left instead of %d", status.RecoveryCodes.Left, len(p.codes))
	}
	return err
}

func (h *house) newRecoveryCodes(p *person) error {
	account := h.Account(p.user)
	proof, err := account.Reauthenticate(h.ctx, totpflow.ActionRecoveryCodes, p.phone.Code())
	if err != nil {
		return err
	}
	sheet, err := account.NewRecoveryCodes(h.ctx, proof)
	p.codes = sheet.Codes
	return err
}

// oneSetUp: of all enrollments that one person began and confirms at once, one
// becomes the authenticator, and one sheet of recovery codes is good: those of
// whoever was told so.
func (h *house) oneSetUp() error {
	o := order{Do: confirm, User: h.user()}
	next, err := h.SignIn(h.ctx, o.User)
	if err != nil {
		return err
	}
	o.Challenge = next.Challenge
	for range 2 {
		page, err := h.BeginEnrollment(h.ctx, next.Challenge)
		if err != nil {
			return err
		}
		phone, err := totptest.ScanURI(page.Offer.URI(), h.clock)
		if err != nil {
			return err
		}
		o.Pages, o.Codes = append(o.Pages, page.Token), append(o.Codes, phone.Peek())
	}
	r, err := h.all(o)
	if err != nil {
		return err
	}
	if err := r.exactly(1, ok, over); err != nil {
		return err
	}
	if len(r.Bound) == 0 { // the one that was confirmed was not told
		return nil
	}
	return h.holds(o.User, r.Bound[0])
}

// holds looks whether what was told at the enrollment is what works.
func (h *house) holds(u totpflow.User, b bound) error {
	status, err := h.Account(u).Status(h.ctx)
	if err != nil {
		return err
	}
	if n := len(status.Authenticators); n != 1 {
		return fmt.Errorf("%d authenticators", n)
	}
	if n := status.RecoveryCodes.Left; n != recovery.Codes {
		return fmt.Errorf("%d recovery codes", n)
	}
	phone, err := totptest.TypeSecret(b.Secret, h.clock)
	if err != nil {
		return err
	}
	h.clock.Advance(time.Minute)
	if _, err := h.pass(&person{user: u, phone: phone}); err != nil {
		return fmt.Errorf("the authenticator that was confirmed: %w", err)
	}
	next, err := h.SignIn(h.ctx, u)
	if err != nil {
		return err
	}
	if _, err := h.VerifyRecoveryCode(h.ctx, next.Challenge, b.Recovery); err != nil {
		return fmt.Errorf("a recovery code of the sheet: %w", err)
	}
	return nil
}

// revokedBrowser: nobody gets in by a browser whose revocation was acknowledged,
// whichever process has acknowledged it. Meanwhile others note that they have
// seen it, since it is a day ago.
func (h *house) revokedBrowser() error {
	p, err := h.regular()
	if err != nil {
		return err
	}
	passed, err := h.pass(p)
	if err != nil {
		return err
	}
	browser, err := h.TrustBrowser(h.ctx, passed.Proof, "Firefox on Linux")
	if err != nil {
		return err
	}
	status, err := h.Account(p.user).Status(h.ctx)
	if err != nil {
		return err
	}
	if n := len(status.Browsers); n != 1 {
		return fmt.Errorf("%d trusted browsers", n)
	}
	h.clock.Advance(25 * time.Hour)
	o := order{Do: check, User: p.user, Browser: string(browser.Token)}
	during, err := h.each(func(desk int) order {
		o := o
		if desk == h.figures.Rounds%processes {
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
	after, err := h.all(o)
	if err != nil {
		return err
	}
	return after.exactly(0, ok, asked)
}

// guesses at once, of which the budget allows evaluated.
const guesses, evaluated = 5000, 5

// oneBudget: of wrong codes in whatever number the budget's are evaluated, and
// no further one.
func (h *house) oneBudget() error {
	p, err := h.enrolled()
	if err != nil {
		return err
	}
	if _, err := h.all(order{Do: sit, User: p.user}); err != nil {
		return err
	}
	o := order{Do: guess, User: p.user, Code: p.phone.WrongCode(), Guesses: guesses / processes}
	r, err := h.all(o)
	if err != nil {
		return err
	}
	if err := r.exactly(evaluated, rejected, throttled); err != nil {
		return err
	}
	o.Guesses = 1
	if r, err = h.all(o); err != nil {
		return err
	}
	if err := r.exactly(0, rejected, throttled); err != nil {
		return err
	}
	if _, err := h.pass(p); !errors.Is(err, throttle.ErrThrottled) {
		return fmt.Errorf("a right code while it has to wait: %w", err)
	}
	return nil
}
