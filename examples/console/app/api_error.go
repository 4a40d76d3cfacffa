package app

import (
	"errors"
	"net/http"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/totphttp"
	"github.com/totpflow/totpflow/web"
)

// Errors that only programs get, besides those of the request.
var (
	errSignedOut    = errors.New("no session, or it is over")
	errOrganisation = errors.New("which of the accounts?")
	errCodeRequired = errors.New("a code is to come")
	errSetUp        = errors.New("a second factor has to be set up first")
	errPasswordNext = errors.New("the password is needed once more")
	errMachineKey   = errors.New("not the key of a machine")
	errTooLate      = errors.New("the sign-in is too long ago")
)

// failures are the API's answers to errors, in this order: an error that matches
// several of them gets the first word. Without a status it has that of totphttp.
var failures = []struct {
	err    error
	word   string
	status int
}{
	{errNotJSON, "not_json", http.StatusUnsupportedMediaType},
	{errTooLarge, "too_large", http.StatusRequestEntityTooLarge},
	{errMalformed, "malformed", http.StatusBadRequest},
	{web.ErrNotFound, "not_found", http.StatusNotFound},

	{web.ErrPassword, "wrong_password", http.StatusUnauthorized},
	{errMachineKey, "wrong_key", http.StatusUnauthorized},
	{errSignedOut, "signed_out", http.StatusUnauthorized},
	{errOrganisation, "organisation_required", http.StatusForbidden},
	{errCodeRequired, "code_required", http.StatusForbidden},
	{errSetUp, "setup_required", http.StatusForbidden},
	{errPasswordNext, "password_required", http.StatusForbidden},
	{errTooLate, "too_late", http.StatusForbidden},

	{throttle.ErrThrottled, "wait", 0},
	{totp.ErrMalformedCode, "malformed_code", 0},
	{recovery.ErrMalformed, "malformed_code", 0},
	{totpflow.ErrAlreadyUsed, "used_code", 0},
	{totpflow.ErrRejected, "wrong_code", 0}, // after those that are ErrRejected as well
	{totpflow.ErrChallenge, "challenge_over", 0},
	{totpflow.ErrEnrollmentExpired, "setup_over", 0},
	{totpflow.ErrProof, "proof_required", 0},
	{totpflow.ErrNotEnrolled, "not_enrolled", 0},
	{totpflow.ErrMethodNotAllowed, "method_not_allowed", 0},
	{totpflow.ErrPasswordRecent, "password_too_new", 0},
	{totpflow.ErrFrozen, "account_closed", 0},
	{totpflow.ErrRecordLost, "account_closed", 0},
	{totpflow.ErrExempt, "machine_account", 0},
	{totpflow.ErrNotExempt, "not_a_machine", 0},
	{admin.ErrNotAllowed, "not_allowed", 0},
	{enroll.ErrTooManyAuthenticators, "too_many_authenticators", 0},
	{store.ErrUnavailable, "unavailable", 0},
}

// A failure is the body of every answer that is not a success. Besides the word
// it has what a program needs to go on.
type failure struct {
	Error string `json:"error"`

	// Of a sign-in that is not complete.
	Step          string             `json:"step,omitempty"`
	Challenge     string             `json:"challenge,omitempty"`
	Methods       []totpflow.Method  `json:"methods,omitempty"`
	Organisations []organisationItem `json:"organisations,omitempty"`

	// Of too many wrong codes: until when a single one is refused, and whether
	// two in a row are taken meanwhile.
	Until *time.Time `json:"until,omitempty"`
	Pair  bool       `json:"pair,omitempty"`

	// Of an action that requires a proof: what to ask for it with.
	Action totpflow.Action `json:"action,omitempty"`
	Target string          `json:"target,omitempty"`

	// Of an enrollment: how far the device's clock is ahead.
	ClockOff int `json:"clock_off,omitempty"`
}

// An incomplete error says that the password was right, and names the next step.
type incomplete struct{ totpflow.Decision }

func (e *incomplete) Error() string { return "the sign-in is not complete: " + string(e.Step) }

// Is has the error's word depend on what is next.
func (e *incomplete) Is(target error) bool {
	return target == errCodeRequired && e.Step == totpflow.AskCode || target == errSetUp && e.Step == totpflow.Enroll
}

// An organisationChoice is an errOrganisation that lists the organisations.
type organisationChoice []organisationItem

type organisationItem struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (e organisationChoice) Error() string { return errOrganisation.Error() }

// Is makes each an errOrganisation.
func (e organisationChoice) Is(target error) bool { return target == errOrganisation }

// A proofError is totpflow.ErrProof with the action and the target that require the proof.
type proofError struct {
	action totpflow.Action
	target string
}

func (e *proofError) Error() string { return "a proof is needed: " + string(e.action) }

// Is makes every proofError a totpflow.ErrProof.
func (e *proofError) Is(target error) bool { return target == totpflow.ErrProof }

// failureOf is what the API answers to an error. It tells nothing that only the
// operator should know.
func failureOf(w http.ResponseWriter, err error) (code int, f failure) {
	code, f.Error = totphttp.StatusCode(w, err), "failed"
	for _, known := range failures {
		if errors.Is(err, known.err) {
			f.Error = known.word
			if known.status != 0 {
				code = known.status
			}
			break
		}
	}
	var next *incomplete
	var wait *throttle.Error
	var drift *enroll.DriftError
	var proof *proofError
	var which organisationChoice
	if errors.As(err, &next) {
		f.Step, f.Challenge, f.Methods = stepWord(next.Step), string(next.Challenge), next.Methods
		wait = next.Throttled
	}
	if wait != nil || errors.As(err, &wait) {
		f.Pair = wait.Pair
		if !wait.Until.IsZero() {
			f.Until = &wait.Until
		}
	}
	if errors.As(err, &drift) {
		f.ClockOff = int(drift.Off / time.Second)
	}
	if errors.As(err, &proof) {
		f.Action, f.Target = proof.action, proof.target
	}
	if errors.As(err, &which) {
		f.Organisations = which
	}
	return code, f
}

// stepWord is a step as programs read it.
func stepWord(s totpflow.Step) string {
	switch s {
	case totpflow.Passed:
		return "passed"
	case totpflow.AskCode:
		return "code"
	case totpflow.Enroll:
		return "setup"
	}
	return "refused"
}
