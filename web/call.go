package web

import (
	"cmp"
	"net/http"
)

// An APIError is the error of a call of the host's own JSON API: the word is the field
// "error" of the answer, as in the answers of this package's API. [Web.Fail] answers a
// program with it; in a page it is an error that the log explains.
type APIError struct {
	Status int            // such as 409; 0 is 500
	Word   string         // such as "too_many_backups"
	Fields map[string]any // further fields, in addition to error; may be nil
}

func (e *APIError) Error() string { return "web: a call was refused: " + e.Word }

// body returns the answer that a program gets.
func (e *APIError) body() map[string]any {
	all := map[string]any{}
	for name, value := range e.Fields {
		all[name] = value
	}
	all["error"] = e.Word
	return all
}

// Call returns a handler for a call of the host's own JSON API, by the rules of this
// package's calls. The body of the request must be one JSON object with the fields of In
// and no others, of 16 KiB at most; if In is struct{}, it is not read. The answer is what f
// returns, as JSON with the given status (0 is 200), or 204 without a body if that is nil. [Web.Fail]
// answers an error, such as an [APIError]. Put the handler behind [Web.Require] or
// [Web.StepUp] if it needs a session: f then has [SessionOf]. [Config.Token] must be set.
func Call[In any](h *Web, status int, f func(r *http.Request, in In) (any, error)) http.Handler {
	answer := h.handle(func(w http.ResponseWriter, r *http.Request) error {
		h.headers(w)
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		var in In
		if _, none := any(in).(struct{}); !none {
			var err error
			if in, err = ReadJSON[In](r); err != nil {
				return err
			}
		}
		out, err := f(r, in)
		switch {
		case err != nil:
			return err
		case out == nil:
			w.WriteHeader(http.StatusNoContent)
			return nil
		}
		return reply(w, cmp.Or(status, http.StatusOK), out)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.Header.Set("Accept", "application/json") // an error is answered in JSON, whatever the program asks for
		answer(w, r)
	})
}
