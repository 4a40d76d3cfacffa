package web

import (
	"errors"
	"net/http"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totp"
)

// errPasswordNext means that an enrollment needs the password once more.
var errPasswordNext = errors.New("web: the password is needed once more")

// failures are the API's answers to errors, in this order: an error that matches several
// of them gets the first word. The statuses are those of [Web.status].
var failures = []struct {
	err  error
	word string
}{
	{errNotJSON, "not_json"},
	{errMalformed, "malformed"},
	{errForm, "malformed"},
	{totpflow.ErrPurpose, "malformed"}, // a target of kilobytes
	{errNotFound, "not_found"},
	{errOtherSite, "not_allowed"},

	{ErrPassword, "wrong_password"},
	{errSignedOut, "signed_out"},
	{errPasswordNext, "password_required"},

	{totpflow.ErrChallenge, "challenge_over"},
	{totpflow.ErrMethodNotAllowed, "method_not_allowed"},
	{errNotSent, "not_sent"},
	{throttle.ErrThrottled, "wait"},
	{totp.ErrMalformedCode, "malformed_code"},
	{recovery.ErrMalformed, "malformed_code"},
	{totpflow.ErrAlreadyUsed, "used_code"},
	{totpflow.ErrRejected, "wrong_code"}, // after those that are ErrRejected as well
	{totpflow.ErrPhoneCode, "no_code"},
	{totpflow.ErrEnrollmentExpired, "setup_over"},
	{totpflow.ErrProof, "proof_required"},
	{totpflow.ErrNotEnrolled, "not_enrolled"},
	{totpflow.ErrPasswordRecent, "password_too_new"},
	{totpflow.ErrFrozen, "account_closed"},
	{totpflow.ErrRecordLost, "account_closed"},
	{totpflow.ErrExempt, "machine_account"},
	{enroll.ErrTooManyAuthenticators, "too_many_authenticators"},
	{enroll.ErrUnknown, "unknown_authenticator"},
	{totpflow.ErrWeakAuthenticator, "weak_authenticator"},
	{store.ErrUnavailable, "unavailable"},
}

// unsent are the reasons of not_sent.
var unsent = []struct {
	err  error
	word string
}{
	{throttle.ErrThrottled, "wait"},
	{totpflow.ErrPhoneLimit, "limit"},
	{totpflow.ErrNoPhone, "no_phone"},
	{phone.ErrVia, "via"},
	{phone.ErrUndeliverable, "undeliverable"},
	{phone.ErrDestination, "undeliverable"},
	{phone.ErrProvider, "provider"},
	{phone.ErrUnavailable, "provider"},
}

// unsentReason returns "" where the error is not about sending.
func unsentReason(err error) string {
	for _, known := range unsent {
		if errors.Is(err, known.err) {
			return known.word
		}
	}
	return ""
}

// A failure is the body of every answer that is not a success. Besides the word it has
// the values that a program needs to go on.
type failure struct {
	Error  string `json:"error"`
	Reason string `json:"reason,omitempty"` // the reason of signed_out and not_sent

	// Of a sign-in that is not complete.
	Step      string            `json:"step,omitempty"`
	Challenge string            `json:"challenge,omitempty"`
	Methods   []totpflow.Method `json:"methods,omitempty"`
	Phones    []phoneItem       `json:"phones,omitempty"`
	Sent      *sentAnswer       `json:"sent,omitempty"` // a code is on its way already

	// Of too many wrong codes: until when a single one is refused, and whether two in a row
	// are accepted meanwhile.
	Until *time.Time `json:"until,omitempty"`
	Pair  bool       `json:"pair,omitempty"`

	// Of an action that requires a proof: its name and target, and the name by which the
	// person knows the target. A person who confirms an ID confirms anything.
	Action     totpflow.Action `json:"action,omitempty"`
	Target     string          `json:"target,omitempty"`
	TargetName string          `json:"target_name,omitempty"`

	// Of an enrollment: how far the device's clock is ahead.
	ClockOff int `json:"clock_off,omitempty"`
}

// An incomplete error says that the password was right, and names the next step.
type incomplete struct {
	totpflow.Decision
	sent *sentAnswer // a code that is on its way already
}

func (e *incomplete) Error() string { return "web: the sign-in is not complete: " + string(e.Step) }

// A proofError is totpflow.ErrProof with the action that requires the proof, and its target.
type proofError struct {
	action totpflow.Action
	on     Target
}

func (e *proofError) Error() string { return "web: a proof is needed: " + string(e.action) }

// Is makes every proofError a totpflow.ErrProof.
func (e *proofError) Is(target error) bool { return target == totpflow.ErrProof }

// failJSON answers a program's request that failed. It discloses nothing that only
// the operator should know.
func (h *Web) failJSON(w http.ResponseWriter, status int, err error) {
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	var own *APIError
	if errors.As(err, &own) {
		if broken := reply(w, status, own.body()); broken == nil {
			return
		}
	}
	f := failure{Error: "failed"}
	for _, known := range failures {
		if errors.Is(err, known.err) {
			f.Error = known.word
			break
		}
	}
	var next *incomplete
	var wait *throttle.Error
	var drift *enroll.DriftError
	var proof *proofError
	var ended *endedError
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		f.Error = "too_large"
	}
	if errors.As(err, &next) {
		f.Error, f.Step = "code_required", "code"
		if next.Step == totpflow.Enroll {
			f.Error, f.Step = "setup_required", "setup"
		}
		f.Challenge, f.Methods, f.Phones = string(next.Challenge), next.Methods, phoneItems(next.Phones)
		f.Sent = next.sent
		wait = next.Throttled
	}
	if wait != nil || errors.As(err, &wait) {
		f.Pair = wait.Pair
		if !wait.Until.IsZero() {
			f.Until = &wait.Until
		}
	}
	if f.Error == "not_sent" {
		f.Pair, f.Reason = false, unsentReason(err)
	}
	if errors.As(err, &drift) {
		f.ClockOff = int(drift.Off / time.Second)
	}
	if errors.As(err, &proof) {
		f.Action, f.Target, f.TargetName = proof.action, proof.on.ID, proof.on.Name
	}
	if errors.As(err, &ended) {
		f.Reason = ended.why
	}
	_ = reply(w, status, f) // a failure is strings and times
}
