package totphttp

import (
	"net/http"
	"strings"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/trust"
)

// The cookies' names. Those of trusted browsers go on with a keyed hash of the
// user, so that two people can trust the same browser.
const (
	challengeCookie  = "__Host-totpflow-challenge"
	enrollmentCookie = "__Host-totpflow-setup"
	trustPrefix      = "__Host-totpflow-trust-"
)

// SetChallenge keeps the challenge of a sign-in under way.
func SetChallenge(w http.ResponseWriter, c totpflow.Challenge) {
	set(w, challengeCookie, string(c), totpflow.ChallengeLifetime)
}

// Challenge returns the challenge of the sign-in under way, empty when there is
// none.
func Challenge(r *http.Request) totpflow.Challenge {
	return totpflow.Challenge(value(r, challengeCookie))
}

// ClearChallenge ends the sign-in under way in this browser.
func ClearChallenge(w http.ResponseWriter) { clear(w, challengeCookie) }

// SetEnrollment keeps the token of an enrollment page.
func SetEnrollment(w http.ResponseWriter, t totpflow.EnrollmentToken) {
	set(w, enrollmentCookie, string(t), enroll.CandidateLifetime)
}

// Enrollment returns the token of the enrollment page, empty when there is none.
func Enrollment(r *http.Request) totpflow.EnrollmentToken {
	return totpflow.EnrollmentToken(value(r, enrollmentCookie))
}

// ClearEnrollment ends the enrollment page in this browser.
func ClearEnrollment(w http.ResponseWriter) { clear(w, enrollmentCookie) }

// SetTrust keeps the token of a browser that the person trusts. Tokens of other
// people in the same browser stay.
func SetTrust(w http.ResponseWriter, b totpflow.TrustedBrowser) {
	http.SetCookie(w, cookie(trustPrefix+b.Token.Name(), string(b.Token), trust.MaxAge))
}

// TrustTokens returns the tokens of everybody who trusts the request's browser,
// for SignIn, which passes over those of others.
func TrustTokens(r *http.Request) []trust.Token {
	var tokens []trust.Token
	for _, c := range r.Cookies() {
		if strings.HasPrefix(c.Name, trustPrefix) {
			tokens = append(tokens, trust.Token(c.Value))
		}
	}
	return tokens
}

func set(w http.ResponseWriter, name, value string, age time.Duration) {
	http.SetCookie(w, cookie(name, value, age))
}

func clear(w http.ResponseWriter, name string) {
	c := cookie(name, "", 0)
	c.MaxAge = -1
	http.SetCookie(w, c)
}

// cookie is the one place where the attributes are chosen. Lax, not Strict: a
// link in a mail or a single sign-on's redirect may lead to the code page.
func cookie(name, value string, age time.Duration) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, MaxAge: int(age / time.Second),
		Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

func value(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}
