package app

import (
	"net/http"
	"slices"
	"time"

	"github.com/totpflow/totpflow"
)

// credentials are the first step.
type credentials struct {
	Email        string `json:"email"`
	Password     string `json:"password"`
	Organisation string `json:"organisation"` // its id, for people with accounts in several
}

// A signedIn is the answer to a sign-in that is complete.
type signedIn struct {
	Step              string          `json:"step"`
	Session           string          `json:"session"`
	Expires           time.Time       `json:"expires"`
	By                totpflow.Reason `json:"by"`
	Proof             totpflow.Proof  `json:"proof,omitempty"` // begins an enrollment
	SetUpUntil        *time.Time      `json:"setup_until,omitempty"`
	RecoveryCodesLeft *int            `json:"recovery_codes_left,omitempty"`

	// Of an enrollment: what is shown once.
	RecoveryCodes []string `json:"recovery_codes,omitempty"`
	Cleared       []string `json:"cleared,omitempty"`
}

func (c *console) apiSignIn(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[credentials](r)
	if err != nil {
		return err
	}
	u, err := c.account(r, in)
	if err != nil {
		return err
	}
	next, err := c.mfa.SignIn(r.Context(), u.account())
	return c.decided(w, r, next, err)
}

// account is the one that the password is for.
func (c *console) account(r *http.Request, in credentials) (user, error) {
	mine, err := c.users.authenticate(r.Context(), in.Email, in.Password)
	if err != nil {
		return user{}, err
	}
	if len(mine) == 1 && in.Organisation == "" {
		return mine[0], nil
	}
	var which organisationChoice
	for _, u := range mine {
		if u.Tenant.ID == in.Organisation {
			return u, nil
		}
		which = append(which, organisationItem{u.Tenant.ID, u.Tenant.Name})
	}
	return user{}, which
}

// decided answers with a decision: with a session if the sign-in is complete,
// otherwise with an error that says what is next.
func (c *console) decided(w http.ResponseWriter, r *http.Request, next totpflow.Decision, err error) error {
	switch {
	case err != nil:
		return err
	case next.Step != totpflow.Passed:
		return &incomplete{next}
	}
	a, err := c.admit(r, next)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, a)
}

// admit starts the session of a sign-in. No other function of the API does for
// people, and it knows the user from nowhere but the decision.
func (c *console) admit(r *http.Request, d totpflow.Decision) (a signedIn, err error) {
	if d.Step != totpflow.Passed {
		return a, &incomplete{d}
	}
	if err := c.users.keepGeneration(r.Context(), d.ID.User, d.Generation); err != nil {
		return a, err
	}
	a = signedIn{Step: stepWord(d.Step), By: d.Reason}
	a.Session, a.Expires, err = c.programs.begin(r.Context(), session{User: d.ID.User, Mark: d.Mark, Began: c.now(), By: d.Reason}, apiSessionAge)
	if d.Reason != totpflow.ReasonCode { // whose proof would serve to trust a browser
		a.Proof = d.Proof
	}
	if d.Reason == totpflow.ReasonRecoveryCode {
		a.RecoveryCodesLeft = &d.RecoveryCodesLeft
	}
	if d.Reason == totpflow.ReasonGrace {
		a.SetUpUntil = &d.GraceUntil
	}
	return a, err
}

// A codeAnswer is one of the ways to answer the question for a code.
type codeAnswer struct {
	Code         string   `json:"code"`
	Codes        []string `json:"codes"` // two in a row
	RecoveryCode string   `json:"recovery_code"`
	IssuedCode   string   `json:"issued_code"`
}

// ways counts how many there are; a request has one.
func (a codeAnswer) ways() int {
	given := []bool{a.Code != "", a.Codes != nil, a.RecoveryCode != "", a.IssuedCode != ""}
	return len(slices.DeleteFunc(given, func(is bool) bool { return !is }))
}

func (c *console) apiCode(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[struct {
		Challenge totpflow.Challenge `json:"challenge"`
		codeAnswer
	}](r)
	if err != nil {
		return err
	}
	next, err := c.answered(r, in.Challenge, in.codeAnswer)
	return c.decided(w, r, next, err)
}

// answered completes a sign-in with whatever code the person has.
func (c *console) answered(r *http.Request, to totpflow.Challenge, a codeAnswer) (totpflow.Decision, error) {
	switch {
	case a.ways() != 1 || a.Codes != nil && len(a.Codes) != 2:
		return totpflow.Decision{}, errMalformed
	case a.Codes != nil:
		return c.mfa.VerifyPair(r.Context(), to, a.Codes[0], a.Codes[1])
	case a.RecoveryCode != "":
		return c.mfa.VerifyRecoveryCode(r.Context(), to, a.RecoveryCode)
	case a.IssuedCode != "":
		return c.mfa.VerifyIssuedCode(r.Context(), to, a.IssuedCode)
	}
	return c.mfa.VerifyCode(r.Context(), to, a.Code)
}
