package totphttp

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
)

// StatusCode is the status code for an error of the service, and sets the header
// Retry-After where there is a time to wait. It writes no body.
//
//	429  too many wrong codes
//	403  a code was refused, a proof is needed, policy says no, the record is lost
//	401  the sign-in or the set-up is over: start again
//	503  the store did not answer
//	500  anything else
func StatusCode(w http.ResponseWriter, err error) int {
	var wait *throttle.Error
	switch {
	case err == nil:
		return http.StatusOK
	case errors.As(err, &wait):
		if wait.Wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(seconds(wait.Wait)))
		}
		return http.StatusTooManyRequests
	case errors.Is(err, totpflow.ErrRejected), errors.Is(err, totpflow.ErrAlreadyUsed),
		errors.Is(err, totpflow.ErrProof), errors.Is(err, totpflow.ErrRequired),
		errors.Is(err, totpflow.ErrTrustNotOffered), errors.Is(err, totpflow.ErrNotEnrolled),
		errors.Is(err, totpflow.ErrRecordLost), errors.Is(err, totpflow.ErrNoBrowser):
		return http.StatusForbidden
	case errors.Is(err, totpflow.ErrChallenge), errors.Is(err, totpflow.ErrEnrollment):
		return http.StatusUnauthorized
	case errors.Is(err, store.ErrUnavailable):
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// seconds rounds up: who comes back at the stated second is not early.
func seconds(d time.Duration) int { return max(1, int((d+time.Second-1)/time.Second)) }
