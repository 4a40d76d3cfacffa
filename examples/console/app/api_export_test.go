package app

import "net/http"

// Failures are the words of the console's own errors, and their statuses.
func Failures() map[string]int {
	all := map[string]int{"organisation_required": http.StatusForbidden}
	for _, f := range failures {
		all[f.word] = f.status
	}
	return all
}
