package app

import (
	"errors"
	"net/http"
	"net/http/httptest"

	"github.com/totpflow/totpflow"
)

// Failures are the words of the API's errors, and their statuses.
func Failures() map[string]int {
	all := map[string]int{"failed": http.StatusInternalServerError}
	for _, f := range failures {
		err := f.err
		if f.word == "malformed_code" { // which comes with a rejection
			err = errors.Join(totpflow.ErrRejected, err)
		}
		code, got := failureOf(httptest.NewRecorder(), err)
		all[got.Error] = code
	}
	return all
}
