package app

import (
	"net/http"

	"github.com/totpflow/totpflow/web"
)

// Failures returns the words of the console's own errors, with their statuses.
func Failures() map[string]int {
	all := map[string]int{"organisation_required": http.StatusForbidden}
	for _, e := range []*web.APIError{errSignedOut, errLocked, errMachineKey, errTooLate, errNotAMachine, errNotAllowed, errQuota, errMalformed} {
		all[e.Word] = e.Status
	}
	return all
}
