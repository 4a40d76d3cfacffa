package web

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
)

// The JSON API is for programs such as a backup agent, and for a product's own scripts.
// It is served under path "api" where [Config.Token] is set, and described there at
// "api/openapi.json". The host handles the first step: if its handler gets a JSON request
// and ends with [Web.AfterPassword], the answer is JSON as well.

//go:embed openapi.json
var openAPI []byte

// ProofHeader is the header in which a request shows a proof, to [Web.StepUp] and to the
// API.
const ProofHeader = "Proof"

// apiRoutes lists the calls.
func (h *Web) apiRoutes(mux *http.ServeMux) {
	call := func(pattern string, f func(http.ResponseWriter, *http.Request) error) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+h.Path("api/"+path), h.handle(f))
	}
	signedIn := func(pattern string, f func(http.ResponseWriter, *http.Request, visitor) error) {
		call(pattern, func(w http.ResponseWriter, r *http.Request) error {
			v, err := h.visitor(r)
			if err != nil {
				return err
			}
			return f(w, r, v)
		})
	}
	call("POST code", h.apiCode)
	call("POST replace", h.apiReplace)
	call("POST phone-code", h.apiPhoneCode)
	call("POST setup", h.apiSetup)
	call("POST setup/confirm", h.apiConfirm)
	call("POST signout", h.apiSignOut)
	signedIn("GET account", h.apiAccount)
	signedIn("POST reauthenticate", h.apiReauthenticate)
	signedIn("POST recovery-codes", h.apiRecoveryCodes)
	signedIn("POST recovery-codes/saved", h.apiSaved)
	call("GET openapi.json", func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(bytes.ReplaceAll(openAPI, []byte(`"/2fa/api"`), []byte(`"`+h.Path("api")+`"`)))
		return nil
	})
	mux.HandleFunc(h.Path("api/"), h.handle(func(http.ResponseWriter, *http.Request) error { return errNotFound }))
}

// wantsJSON reports whether a program sent the request: it gets JSON, and is never
// redirected to a page.
func (h *Web) wantsJSON(r *http.Request) bool {
	if h.Token == nil {
		return false
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	default: // no form has another method
		return true
	}
	return strings.HasPrefix(r.URL.Path, h.Path("api/")) || isJSON(r) || hasBearer(r) || r.Header.Get(ProofHeader) != "" ||
		strings.HasPrefix(r.Header.Get("Accept"), "application/json")
}

// hasBearer reports whether the request shows the key of a session. A browser sends the
// scheme Basic with every form where a proxy in front asks for a password.
func hasBearer(r *http.Request) bool {
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer")
}

func isJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}

// Errors of a request to the API.
var (
	errMalformed = errors.New("web: this call does not accept the request")
	errNotJSON   = errors.New("web: the request is not in JSON")
)

// ReadJSON reads the body of a request as the calls of this package's API do, for a handler
// of the host such as the first step of the sign-in; other calls use [Call]. It refuses
// unknown fields, because a misspelt field would be ignored silently, and a body of more than
// 16 KiB. [Web.Fail] answers its
// errors.
func ReadJSON[T any](r *http.Request) (in T, err error) {
	if !isJSON(r) {
		return in, errNotJSON
	}
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxForm))
	d.DisallowUnknownFields()
	err = d.Decode(&in)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.Join(errMalformed, more)
		}
	}
	var large *http.MaxBytesError
	var none T // not what was read of a body that is refused
	switch {
	case errors.As(err, &large):
		return none, err
	case err != nil:
		return none, errMalformed
	}
	return in, nil
}

// reply answers with JSON.
func reply(w http.ResponseWriter, status int, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // a program that has gone away is not a fault
	return nil
}
