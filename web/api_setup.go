package web

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
)

func proofOf(r *http.Request) totpflow.Proof { return totpflow.Proof(r.Header.Get(ProofHeader)) }

// A setupAnswer is the data that a program shows for an enrollment. It draws the QR
// code itself, from the URI: a picture would be one more copy of the secret.
type setupAnswer struct {
	Enrollment totpflow.EnrollmentToken `json:"enrollment"`
	URI        string                   `json:"uri"`
	Secret     string                   `json:"secret"`
	Expires    time.Time                `json:"expires"`
	Clears     []string                 `json:"clears,omitempty"`
}

// setupRequest is the body of a request to enroll, for people without a proof.
type setupRequest struct {
	Challenge totpflow.Challenge `json:"challenge"`
	Password  string             `json:"password"`
	Replaces  []string           `json:"replaces"` // names, unless all are replaced
}

func (h *Web) apiSetup(w http.ResponseWriter, r *http.Request) error {
	in, err := ReadJSON[setupRequest](r)
	if err != nil {
		return err
	}
	by, err := h.grant(r, in)
	if err != nil {
		return err
	}
	goes, err := h.named(r, in.Replaces)
	if err != nil {
		return err
	}
	page, err := h.service.BeginEnrollment(r.Context(), by, goes...)
	if errors.Is(err, totpflow.ErrProof) {
		return h.proofOver(r)
	}
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, setupAnswer{page.Token, page.Offer.URI(), page.Offer.Secret(), page.Expires, page.Clears})
}

// proofOver returns the error for a proof that is no longer valid. A person of a session who
// has no authenticator could not show its code: they are asked for the password.
func (h *Web) proofOver(r *http.Request) error {
	if v, err := h.visitor(r); err == nil {
		switch st, err := v.account.Status(r.Context()); {
		case err != nil:
			return err
		case len(st.Authenticators) == 0:
			return errPasswordNext
		}
	}
	return &proofError{action: totpflow.ActionReplaceAuthenticator}
}

// grant returns the grant with which the enrollment may start: never a session alone,
// which a stranger may have found open.
func (h *Web) grant(r *http.Request, in setupRequest) (totpflow.EnrollmentGrant, error) {
	if in.Challenge != "" {
		return in.Challenge, nil
	}
	if p := proofOf(r); p != "" {
		return p, nil
	}
	v, err := h.visitor(r)
	if err != nil {
		return nil, err
	}
	st, err := v.account.Status(r.Context())
	switch {
	case err != nil:
		return nil, err
	case len(st.Authenticators) > 0:
		return nil, &proofError{action: totpflow.ActionReplaceAuthenticator}
	case in.Password == "":
		return nil, errPasswordNext
	}
	switch err := h.Host.CheckPassword(r.Context(), v.User.ID, in.Password); {
	case errors.Is(err, ErrPassword):
		return nil, err
	case err != nil:
		return nil, unavailable("checking the password", err)
	}
	d, err := h.service.SignIn(r.Context(), v.User)
	switch {
	case err != nil:
		return nil, err
	case d.Step == totpflow.Passed:
		return d.Proof, nil
	case d.Step == totpflow.Enroll:
		return d.Challenge, nil
	}
	return nil, &incomplete{Decision: d} // a person with a phone must show its code first
}

// named returns the IDs of the signed-in person's authenticators of these names, which
// are unique in an account.
func (h *Web) named(r *http.Request, names []string) (ids []string, err error) {
	if len(names) == 0 {
		return nil, nil
	}
	v, err := h.visitor(r)
	if err != nil {
		return nil, err
	}
	st, err := v.account.Status(r.Context())
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		i := slices.IndexFunc(st.Authenticators, func(a totpflow.Authenticator) bool { return a.Name == name })
		if i < 0 {
			return nil, enroll.ErrUnknown
		}
		ids = append(ids, st.Authenticators[i].ID)
	}
	return ids, nil
}

// apiConfirm activates the new authenticator. The answer has a new session: a change of
// factors ends those begun before.
func (h *Web) apiConfirm(w http.ResponseWriter, r *http.Request) error {
	in, err := ReadJSON[struct {
		Enrollment totpflow.EnrollmentToken `json:"enrollment"`
		Code       string                   `json:"code"`
		Name       string                   `json:"name"`
	}](r)
	if err != nil {
		return err
	}
	done, err := h.service.ConfirmEnrollment(r.Context(), in.Enrollment, in.Code, in.Name)
	if err != nil {
		return err
	}
	a, err := h.admit(r, done.Decision)
	if err != nil {
		return err
	}
	a.RecoveryCodes, a.Cleared = done.Sheet.Codes, done.Cleared
	return reply(w, http.StatusOK, a)
}
