package servicetest

import (
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/trust"
)

// Enroll enrolls u by the proof or the challenge of a sign-in, and returns the phone with
// the app and the recovery codes.
func (h *Harness) Enroll(u totpflow.User) (*totptest.Authenticator, []string) {
	h.T.Helper()
	next, err := h.SignIn(h.Ctx, u)
	h.Must(err)
	var by totpflow.EnrollmentGrant = next.Proof
	if next.Step == totpflow.Enroll {
		by = next.Challenge
	}
	return h.EnrollBy(by)
}

// EnrollBy enrolls by a grant.
func (h *Harness) EnrollBy(by totpflow.EnrollmentGrant) (*totptest.Authenticator, []string) {
	h.T.Helper()
	page, err := h.BeginEnrollment(h.Ctx, by)
	h.Must(err)
	phone, err := totptest.ScanURI(page.Offer.URI(), h.Clock)
	h.Must(err)
	done, err := h.ConfirmEnrollment(h.Ctx, page.Token, phone.Code())
	h.Must(err)
	h.Check(done.Step == totpflow.Passed, "the enrollment does not let in: %v", done.Step)
	return phone, done.Sheet.Codes
}

// Step signs in and returns what is next.
func (h *Harness) Step(u totpflow.User) totpflow.Step {
	h.T.Helper()
	next, err := h.SignIn(h.Ctx, u)
	h.Must(err)
	return next.Step
}

// Challenge signs in to the point where a code is asked for.
func (h *Harness) Challenge(u totpflow.User) totpflow.Challenge {
	h.T.Helper()
	next, err := h.SignIn(h.Ctx, u)
	h.Must(err)
	h.Check(next.Step == totpflow.AskCode, "no code is asked for: %v", next.Step)
	return next.Challenge
}

// PassByCode signs in with a code.
func (h *Harness) PassByCode(u totpflow.User, phone *totptest.Authenticator) totpflow.Decision {
	h.T.Helper()
	next, err := h.VerifyCode(h.Ctx, h.Challenge(u), phone.Code())
	h.Must(err)
	h.Check(next.Step == totpflow.Passed, "the code does not let in: %v", next.Step)
	return next
}

// TrustBrowserOf signs in with a code and trusts the browser.
func (h *Harness) TrustBrowserOf(u totpflow.User, phone *totptest.Authenticator) trust.Token {
	h.T.Helper()
	b, err := h.TrustBrowser(h.Ctx, h.PassByCode(u, phone).Proof, "Firefox on Linux")
	h.Must(err)
	return b.Token
}

// Status returns what u's security page shows.
func (h *Harness) Status(u totpflow.User) totpflow.Status {
	h.T.Helper()
	st, err := h.Account(u).Status(h.Ctx)
	h.Must(err)
	return st
}

// Mark returns the mark of a session that begins now.
func (h *Harness) Mark(u totpflow.User) totpflow.SessionMark {
	h.T.Helper()
	return h.Status(u).Mark
}

// SessionStands reports whether a session with the mark is valid.
func (h *Harness) SessionStands(u totpflow.User, mark totpflow.SessionMark) bool {
	h.T.Helper()
	valid, err := h.Account(u).SessionValid(h.Ctx, mark)
	h.Must(err)
	return valid
}

// Prove returns a proof for an action that has no target, by a code of the phone.
func (h *Harness) Prove(u totpflow.User, a totpflow.Action, phone *totptest.Authenticator) totpflow.Proof {
	h.T.Helper()
	return h.ProveFor(u, a.On(""), phone)
}

// ProveFor returns a proof for the purpose, by a code of the phone.
func (h *Harness) ProveFor(u totpflow.User, p totpflow.Purpose, phone *totptest.Authenticator) totpflow.Proof {
	h.T.Helper()
	proof, err := h.Account(u).VerifyCode(h.Ctx, p, phone.Code())
	h.Must(err)
	return proof
}

// NewRecoveryCodes makes a new set, by a code of the phone.
func (h *Harness) NewRecoveryCodes(u totpflow.User, phone *totptest.Authenticator) []string {
	h.T.Helper()
	sheet, _, err := h.Account(u).NewRecoveryCodes(h.Ctx, h.Prove(u, totpflow.ActionRecoveryCodes, phone))
	h.Must(err)
	return sheet.Codes
}

// Freeze has the person say "it was not me" about the last event.
func (h *Harness) Freeze(u totpflow.User) {
	h.T.Helper()
	e := event.Event{Tenant: u.ID.Tenant, User: u.ID.User, At: h.Clock.Now().Truncate(time.Millisecond), Kind: event.AuthenticatorsReplaced}
	h.Must(ErrorOf(h.Disown(h.Ctx, h.NewDisownToken(e))))
	h.Check(!h.Status(u).Frozen.IsZero(), "the account is not frozen")
}
