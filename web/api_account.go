package web

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/policy"
)

// An accountAnswer is what a signed-in person's program shows of them.
type accountAnswer struct {
	Name              string      `json:"name"`
	SecondFactor      string      `json:"second_factor"`
	Authenticators    []string    `json:"authenticators"`
	Phones            []phoneItem `json:"phones,omitempty"`
	RecoveryCodesLeft int         `json:"recovery_codes_left"`
	SetupUntil        *time.Time  `json:"setup_until,omitempty"`
}

func (h *Web) apiAccount(w http.ResponseWriter, r *http.Request, v visitor) error {
	st, err := v.account.Status(r.Context())
	if err != nil {
		return err
	}
	a := accountAnswer{
		Name: nameOf(v.User), SecondFactor: string(st.State), Authenticators: []string{}, Phones: phoneItems(st.Phones),
		RecoveryCodesLeft: st.RecoveryCodes.Left,
	}
	for _, one := range st.Authenticators {
		a.Authenticators = append(a.Authenticators, one.Name)
	}
	if st.Policy.Mode == policy.Required && !st.Enrolled && !st.GraceUntil.IsZero() {
		a.SetupUntil = &st.GraceUntil
	}
	return reply(w, http.StatusOK, a)
}

// provable are the library's actions that the API gives proofs for, in addition to those
// of [Web.StepUp].
var provable = []totpflow.Action{totpflow.ActionReplaceAuthenticator, totpflow.ActionAddAuthenticator, totpflow.ActionRecoveryCodes}

// A proofAnswer is a proof, with the action and the target that it is for.
type proofAnswer struct {
	Proof   totpflow.Proof  `json:"proof"`
	Action  totpflow.Action `json:"action"`
	Target  string          `json:"target,omitempty"`
	Expires time.Time       `json:"expires"`
}

// apiReauthenticate asks for a code once more, before one action to one target.
func (h *Web) apiReauthenticate(w http.ResponseWriter, r *http.Request, v visitor) error {
	in, err := ReadJSON[struct {
		Action       totpflow.Action `json:"action"`
		Target       string          `json:"target"`
		Code         string          `json:"code"`
		Codes        []string        `json:"codes"`
		RecoveryCode string          `json:"recovery_code"`
	}](r)
	if err != nil {
		return err
	}
	targeted, known := h.targeted(in.Action)
	answer := codeAnswer{Code: in.Code, Codes: in.Codes, RecoveryCode: in.RecoveryCode}
	if !known || targeted != (in.Target != "") || answer.ways() != 1 || in.Codes != nil && len(in.Codes) != 2 {
		return errMalformed
	}
	purpose, proof := in.Action.On(in.Target), totpflow.Proof("")
	switch {
	case in.Codes != nil:
		proof, err = v.account.VerifyPair(r.Context(), purpose, in.Codes[0], in.Codes[1])
	case in.RecoveryCode != "":
		proof, err = h.verifyRecoveryCode(r, v, purpose, in.RecoveryCode)
	default:
		proof, err = v.account.VerifyCode(r.Context(), purpose, in.Code)
	}
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, proofAnswer{proof, in.Action, in.Target, h.now().Add(totpflow.ProofLifetime).UTC().Truncate(time.Second)})
}

// targeted reports whether the action has a target, and whether it is known. A proof for
// a misspelt action would be useless.
func (h *Web) targeted(a totpflow.Action) (targeted, known bool) {
	if slices.Contains(provable, a) {
		return false, true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	targeted, known = h.actions[a]
	return targeted, known
}

// apiRecoveryCodes makes new recovery codes, for a proof of just that.
func (h *Web) apiRecoveryCodes(w http.ResponseWriter, r *http.Request, v visitor) error {
	sheet, change, err := v.account.NewRecoveryCodes(r.Context(), proofOf(r))
	if err != nil {
		return h.withoutProof(r, v, totpflow.ActionRecoveryCodes, Target{}, err)
	}
	if err := h.keepGeneration(r.Context(), v.User, change.Generation); err != nil {
		return err
	}
	return reply(w, http.StatusOK, struct {
		RecoveryCodes []string `json:"recovery_codes"`
	}{sheet.Codes})
}

func (h *Web) apiSaved(w http.ResponseWriter, r *http.Request, v visitor) error {
	if err := v.account.RecoveryCodesSaved(r.Context()); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// consume consumes the proof that a program's request shows.
func (h *Web) consume(r *http.Request, v visitor, action totpflow.Action, on Target) error {
	return h.withoutProof(r, v, action, on, v.account.ConsumeProof(r.Context(), proofOf(r), action.On(on.ID)))
}

// withoutProof reports the action for which a proof is missing, or that the person cannot
// get one because they have no app.
func (h *Web) withoutProof(r *http.Request, v visitor, action totpflow.Action, on Target, err error) error {
	if !errors.Is(err, totpflow.ErrProof) {
		return err
	}
	st, statusErr := v.account.Status(r.Context())
	switch {
	case statusErr != nil:
		return statusErr
	case len(st.Authenticators) == 0:
		return totpflow.ErrNotEnrolled
	}
	return &proofError{action, on}
}
