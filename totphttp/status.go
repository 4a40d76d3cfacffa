package totphttp

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
)

// statuses are tried in this order: an error that matches several has the code of the
// first.
var statuses = []struct {
	code   int
	errors []error
}{
	{http.StatusTooManyRequests, []error{throttle.ErrThrottled, totpflow.ErrPhoneLimit}},
	{http.StatusForbidden, []error{
		totpflow.ErrRejected, totpflow.ErrAlreadyUsed, totpflow.ErrProof,
		totpflow.ErrFactorRequired, totpflow.ErrTrustNotOffered, totpflow.ErrMethodNotAllowed, totpflow.ErrNotEnrolled, totpflow.ErrWeakAuthenticator,
		totpflow.ErrRecordLost, totpflow.ErrFrozen, totpflow.ErrExempt, totpflow.ErrNotExempt,
		totpflow.ErrPasswordRecent, totpflow.ErrDisownToken, admin.ErrNotAllowed, admin.ErrSelf,
		totpflow.ErrPhoneCode, totpflow.ErrNumberAssigned,
	}},
	{http.StatusUnauthorized, []error{totpflow.ErrChallenge, totpflow.ErrEnrollmentExpired}},
	{http.StatusServiceUnavailable, []error{store.ErrUnavailable, phone.ErrUnavailable, phone.ErrProvider}},
	{http.StatusAccepted, []error{admin.ErrApproval}},
	{http.StatusNotFound, []error{admin.ErrNoAccount, admin.ErrNoRequest, enroll.ErrUnknown, totpflow.ErrNoPhone, totpflow.ErrNoBrowser}},
	{http.StatusConflict, []error{
		admin.ErrAlreadyEnrolled, admin.ErrTooManyRequests, enroll.ErrLast, enroll.ErrTooManyAuthenticators, enroll.ErrSameSecret, enroll.ErrTransition,
		phone.ErrKnown, phone.ErrTooManyPhones, admin.ErrNoGrace,
		totpflow.ErrUsed, // unless it also matches the error of the ticket that was used, which is above
	}},
	{http.StatusBadRequest, []error{
		admin.ErrGrace, admin.ErrScope, admin.ErrBulk, admin.ErrMachineName, store.ErrID, store.ErrQuery, store.ErrCursor,
		enroll.ErrWeak, phone.ErrNumber, phone.ErrDestination, phone.ErrVia, phone.ErrUndeliverable,
	}},
}

// StatusCode returns the status code for an error of the service, and sets the header
// Retry-After if there is a time to wait. It writes no body.
//
//	429  too many wrong codes, too many messages
//	403  a code was refused, a proof is needed, policy or the host's rule says no, the account is closed
//	401  the sign-in or the enrollment is over: start again
//	503  the store or the provider of messages did not answer
//	202  it is pending until a second administrator approves
//	404  409  400  no such account, authenticator, phone, browser or request; it is not in that state; the form is wrong
//	500  anything else
func StatusCode(w http.ResponseWriter, err error) int {
	if err == nil {
		return http.StatusOK
	}
	var wait *throttle.Error
	if errors.As(err, &wait) && wait.Wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(seconds(wait.Wait)))
	}
	for _, s := range statuses {
		for _, known := range s.errors {
			if errors.Is(err, known) {
				return s.code
			}
		}
	}
	return http.StatusInternalServerError
}

func seconds(d time.Duration) int { return max(1, int((d+time.Second-1)/time.Second)) }
