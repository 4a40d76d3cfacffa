package totphttp

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/trust"
)

// Cookies keeps a sign-in under way and the tokens of trusted browsers in cookies.
// Browsers do not separate cookies by port: two products on one host need two prefixes,
// otherwise each ends the sign-ins of the other. The zero Cookies has the prefix
// "totpflow", like the functions of this package. It is safe for concurrent use.
type Cookies struct{ prefix string }

// ErrPrefix means that a prefix is not 1 to 32 letters, digits and hyphens.
var ErrPrefix = errors.New("totphttp: a prefix of cookies must have 1 to 32 letters, digits and hyphens")

// NewCookies returns cookies whose names begin with __Host- and the prefix.
func NewCookies(prefix string) (Cookies, error) {
	other := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
	}
	if prefix == "" || len(prefix) > 32 || strings.ContainsFunc(prefix, other) {
		return Cookies{}, ErrPrefix
	}
	return Cookies{prefix}, nil
}

func (k Cookies) name(what string) string {
	return "__Host-" + cmp.Or(k.prefix, "totpflow") + "-" + what
}

// The names of the cookies of trusted browsers end with a keyed hash of the user, so that
// two people can trust the same browser.
const (
	challenge  = "challenge"
	enrollment = "enrollment"
	trusted    = "trust-"
)

// SetChallenge keeps the challenge of a sign-in under way.
func (k Cookies) SetChallenge(w http.ResponseWriter, c totpflow.Challenge) {
	set(w, k.name(challenge), string(c), totpflow.ChallengeLifetime)
}

// Challenge returns the challenge of the sign-in under way, empty when there is
// none.
func (k Cookies) Challenge(r *http.Request) totpflow.Challenge {
	return totpflow.Challenge(value(r, k.name(challenge)))
}

// ClearChallenge ends the sign-in under way in this browser.
func (k Cookies) ClearChallenge(w http.ResponseWriter) { clear(w, k.name(challenge)) }

// SetEnrollment keeps the token of an enrollment page.
func (k Cookies) SetEnrollment(w http.ResponseWriter, t totpflow.EnrollmentToken) {
	set(w, k.name(enrollment), string(t), enroll.CandidateLifetime)
}

// Enrollment returns the token of the enrollment page, empty when there is none.
func (k Cookies) Enrollment(r *http.Request) totpflow.EnrollmentToken {
	return totpflow.EnrollmentToken(value(r, k.name(enrollment)))
}

// ClearEnrollment ends the enrollment page in this browser.
func (k Cookies) ClearEnrollment(w http.ResponseWriter) { clear(w, k.name(enrollment)) }

// SetTrust keeps the token of a browser that the person trusts. Tokens of other
// people in the same browser stay, as far as the browser keeps them: it drops the
// oldest cookies of a host after some number, usually 180, and asks these people
// for a code again.
func (k Cookies) SetTrust(w http.ResponseWriter, b totpflow.Browser) {
	http.SetCookie(w, cookie(k.name(trusted)+b.Token.Name(), string(b.Token), trust.MaxAge))
}

// TrustTokens returns the tokens of everybody who trusts the request's browser, for
// SignIn, which selects those of the person. A request that another site has
// posted, such as the response of a SAML identity provider, does not carry them: see
// [totpflow.Service.ContinueSignIn].
func (k Cookies) TrustTokens(r *http.Request) []trust.Token {
	var tokens []trust.Token
	for _, c := range r.Cookies() {
		if strings.HasPrefix(c.Name, k.name(trusted)) {
			tokens = append(tokens, trust.Token(c.Value))
		}
	}
	return tokens
}

// SetChallenge is [Cookies.SetChallenge] with the default prefix.
func SetChallenge(w http.ResponseWriter, c totpflow.Challenge) { Cookies{}.SetChallenge(w, c) }

// Challenge is [Cookies.Challenge] with the default prefix.
func Challenge(r *http.Request) totpflow.Challenge { return Cookies{}.Challenge(r) }

// ClearChallenge is [Cookies.ClearChallenge] with the default prefix.
func ClearChallenge(w http.ResponseWriter) { Cookies{}.ClearChallenge(w) }

// SetEnrollment is [Cookies.SetEnrollment] with the default prefix.
func SetEnrollment(w http.ResponseWriter, t totpflow.EnrollmentToken) { Cookies{}.SetEnrollment(w, t) }

// Enrollment is [Cookies.Enrollment] with the default prefix.
func Enrollment(r *http.Request) totpflow.EnrollmentToken { return Cookies{}.Enrollment(r) }

// ClearEnrollment is [Cookies.ClearEnrollment] with the default prefix.
func ClearEnrollment(w http.ResponseWriter) { Cookies{}.ClearEnrollment(w) }

// SetTrust is [Cookies.SetTrust] with the default prefix.
func SetTrust(w http.ResponseWriter, b totpflow.Browser) { Cookies{}.SetTrust(w, b) }

// TrustTokens is [Cookies.TrustTokens] with the default prefix.
func TrustTokens(r *http.Request) []trust.Token { return Cookies{}.TrustTokens(r) }

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
