package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/policy"
)

// A visitor is the signed-in person of a request.
type visitor struct {
	Session
	account totpflow.Account
}

// An endedError is the reason why the request's session has ended.
type endedError struct{ why string } // "closed", "required" or "changed"

func (e *endedError) Error() string { return "web: the session is over: " + e.why }

// Is makes every endedError errSignedOut.
func (e *endedError) Is(target error) bool { return target == errSignedOut }

// visitor returns the signed-in person, or errSignedOut.
func (h *Web) visitor(r *http.Request) (visitor, error) {
	s, err := h.Host.Session(r)
	switch {
	case err != nil:
		return visitor{}, unavailable("reading the session", err)
	case s.IsZero():
		return visitor{}, errSignedOut
	}
	v := visitor{Session: s, account: h.service.Account(s.User)}
	valid, err := v.account.SessionValid(r.Context(), s.Mark)
	switch {
	case err != nil:
		return visitor{}, err
	case !valid:
		return visitor{}, h.ended(r, v)
	}
	return v, nil
}

// ended finds out why a session has ended. It also makes the host store the generation,
// since the change that ended the session raised it.
func (h *Web) ended(r *http.Request, v visitor) error {
	st, err := v.account.Status(r.Context())
	if err != nil {
		return err
	}
	if err := h.keepGeneration(r.Context(), v.User, st.Generation); err != nil {
		return err
	}
	switch {
	case !st.Frozen.IsZero():
		return &endedError{"closed"}
	case st.Policy.Mode == policy.Required && !st.Enrolled && v.Mark == st.Mark:
		return &endedError{"required"}
	}
	return &endedError{"changed"}
}

// keepGeneration makes the host store a generation that it does not have yet.
func (h *Web) keepGeneration(ctx context.Context, u totpflow.User, generation uint64) error {
	if h.KeepGeneration == nil || generation <= u.Generation {
		return nil
	}
	// The factors have changed already, even if the browser does not wait for the answer.
	if err := h.KeepGeneration(context.WithoutCancel(ctx), u.ID, generation); err != nil {
		return unavailable("keeping the generation", err)
	}
	return nil
}

type sessionKey struct{}

// SessionOf returns the session of a request that passed [Web.Require] or
// [Web.StepUp], and the zero Session otherwise.
func SessionOf(r *http.Request) Session {
	s, _ := r.Context().Value(sessionKey{}).(Session)
	return s
}

// Require lets requests with a valid session through. It sends everybody else to the
// sign-in and from there back to this page. If the session ended because of a
// change of factors, a new password, a freeze or a policy, the sign-in page says so.
// Requests that a page of another site sent are refused.
//
// Responses of next are not cached, unless it sets Cache-Control itself: after a sign-out
// the browser's back button must not show the person's pages.
func (h *Web) Require(next http.Handler) http.Handler {
	return h.handle(func(w http.ResponseWriter, r *http.Request) error {
		v, err := h.visitor(r)
		if err != nil {
			return err
		}
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, withSession(r, v))
		return nil
	})
}

// withSession stores the session for [SessionOf].
func withSession(r *http.Request, v visitor) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), sessionKey{}, v.Session))
}

// signedOut leads to the sign-in: directly where nobody was signed in, and through a page
// that gives the reason where a session ended or a form was not processed.
func (h *Web) signedOut(w http.ResponseWriter, r *http.Request, err error) error {
	w.Header().Set("Cache-Control", "no-store")
	var ended *endedError
	if errors.As(err, &ended) {
		if err := h.Host.End(w, r); err != nil {
			return unavailable("ending the session", err)
		}
		h.clearCookies(w, proofCookie, enrollmentCookie, phoneCookie)
		if navigates(r) {
			h.setNext(w, address(r))
		}
		return h.endedPage(w, r, ended.why)
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		if navigates(r) {
			h.setNext(w, address(r))
		}
		return redirect(w, r, h.SignIn)
	}
	h.setNext(w, referrer(r))
	return h.endedPage(w, r, "form")
}
