package app

import (
	"errors"
	"net/http"
	"time"

	"github.com/totpflow/totpflow"
)

// proofHeader is where a request shows a proof.
const proofHeader = "Proof"

func proofOf(r *http.Request) totpflow.Proof { return totpflow.Proof(r.Header.Get(proofHeader)) }

// A setUpAnswer is what a program shows for an enrollment. It draws the QR code
// itself, from the URI: a picture would be one more copy of the secret.
type setUpAnswer struct {
	Enrollment totpflow.EnrollmentToken `json:"enrollment"`
	URI        string                   `json:"uri"`
	Secret     string                   `json:"secret"`
	Expires    time.Time                `json:"expires"`
	Clears     []string                 `json:"clears,omitempty"`
}

// setUpRequest is what an enrollment starts from, where it is not a proof.
type setUpRequest struct {
	Challenge totpflow.Challenge `json:"challenge"`
	Password  string             `json:"password"`
}

func (c *console) apiSetUp(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[setUpRequest](r)
	if err != nil {
		return err
	}
	by, err := c.authority(r, in)
	if err != nil {
		return err
	}
	page, err := c.mfa.BeginEnrollment(r.Context(), by)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, setUpAnswer{page.Token, page.Offer.URI(), page.Offer.Secret(), page.Expires, page.Clears})
}

// authority is what the enrollment may start from: never a session alone, which
// somebody may have found open.
func (c *console) authority(r *http.Request, in setUpRequest) (totpflow.EnrollmentGrant, error) {
	if in.Challenge != "" {
		return in.Challenge, nil
	}
	if p := proofOf(r); p != "" {
		return p, nil
	}
	v, err := c.bearer(r)
	switch {
	case err != nil:
		return nil, err
	case v.Enrolled():
		return nil, &proofError{action: totpflow.ActionReplaceAuthenticator}
	case in.Password == "":
		return nil, errPasswordNext
	}
	if _, err := c.users.authenticate(r.Context(), v.Email, in.Password); err != nil {
		return nil, err
	}
	next, err := c.mfa.SignIn(r.Context(), v.account())
	if err != nil {
		return nil, err
	}
	switch next.Step {
	case totpflow.Passed:
		return next.Proof, nil
	case totpflow.Enroll:
		return next.Challenge, nil
	}
	return nil, &incomplete{next} // a person who gets codes by phone shows one first
}

// apiConfirm makes the new authenticator work. The answer has a new session: a
// change of factors ends those begun before.
func (c *console) apiConfirm(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[struct {
		Enrollment totpflow.EnrollmentToken `json:"enrollment"`
		Code       string                   `json:"code"`
	}](r)
	if err != nil {
		return err
	}
	done, err := c.mfa.ConfirmEnrollment(r.Context(), in.Enrollment, in.Code)
	if err != nil {
		return err
	}
	a, err := c.admit(r, done.Decision)
	if err != nil {
		return err
	}
	a.RecoveryCodes, a.Cleared = done.Sheet.Codes, done.Cleared
	return reply(w, http.StatusOK, a)
}

// provable are the actions that the API takes proofs of, and whether they are
// done to something.
var provable = map[totpflow.Action]bool{
	actionDeleteBackup:                  true,
	actionShowKey:                       true,
	actionRegister:                      false,
	totpflow.ActionReplaceAuthenticator: false,
	totpflow.ActionAddAuthenticator:     false,
}

// A proofAnswer is a proof, with the action and the target that it is valid for.
type proofAnswer struct {
	Proof   totpflow.Proof  `json:"proof"`
	Action  totpflow.Action `json:"action"`
	Target  string          `json:"target,omitempty"`
	Expires time.Time       `json:"expires"`
}

func (c *console) apiReauthenticate(w http.ResponseWriter, r *http.Request, v *visitor) error {
	in, err := decode[struct {
		Action totpflow.Action `json:"action"`
		Target string          `json:"target"`
		codeAnswer
	}](r)
	if err != nil {
		return err
	}
	targeted, known := provable[in.Action]
	if !known || targeted != (in.Target != "") || in.ways() != 1 || in.IssuedCode != "" {
		return errMalformed
	}
	proof, err := v.prove(r, in.Action.On(in.Target), in.codeAnswer)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, proofAnswer{proof, in.Action, in.Target, c.now().Add(totpflow.ProofLifetime).UTC().Truncate(time.Second)})
}

// prove shows the codes of an answer, one or two of an app or a recovery code.
func (v *visitor) prove(r *http.Request, p totpflow.Purpose, in codeAnswer) (totpflow.Proof, error) {
	switch {
	case len(in.Codes) == 2:
		return v.factor.VerifyPair(r.Context(), p, in.Codes[0], in.Codes[1])
	case in.Codes != nil:
		return "", errMalformed
	case in.RecoveryCode != "":
		return v.byRecoveryCode(r.Context(), p, in.RecoveryCode)
	default:
		return v.factor.VerifyCode(r.Context(), p, in.Code)
	}
}

// spend consumes the proof that the request shows, of this action to this
// target. Without one it says what the proof has to be of.
func (v *visitor) spend(r *http.Request, a totpflow.Action, target string) error {
	err := v.factor.ConsumeProof(r.Context(), proofOf(r), a.On(target))
	switch {
	case errors.Is(err, totpflow.ErrProof) && !v.Enrolled():
		return totpflow.ErrNotEnrolled // a person who cannot show a code has to set up first
	case errors.Is(err, totpflow.ErrProof):
		return &proofError{a, target}
	}
	return err
}
