package web

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/trust"
)

// The pages keep these in the browser between two requests, each in a cookie of its
// own. The service checks their values, and how long they are valid.
const (
	challengeCookie  = "challenge" // the challenge of the sign-in under way
	whoCookie        = "who"       // the name of the account that signs in, for the page
	enrollmentCookie = "setup"     // token of the enrollment page
	phoneCookie      = "phone"     // a number that is not verified yet
	proofCookie      = "proof"     // the proof of the sign-in, for an enrollment
	nextCookie       = "next"      // the page that the sign-in leads to
	noticeCookie     = "notice"    // what the next page says about this one
	languageCookie   = "language"
	trustCookie      = "trust-" // and a keyed hash of the user
)

// flowAge is how long the browser keeps the cookies of a sign-in or an enrollment:
// longer than their values are valid, so that a page can say whose they were.
const flowAge = totpflow.ChallengeLifetime + enroll.CandidateLifetime

// cookieName returns the full name. Browsers refuse a cookie of this prefix from any
// other host or path, and over plain http (RFC 6265bis §4.1.3.2).
func (h *Web) cookieName(what string) string { return "__Host-" + h.Cookies + "-" + what }

// setCookie is the one place where the attributes are chosen. Lax, not Strict: a
// link in a mail may lead to a page of a sign-in.
func (h *Web) setCookie(w http.ResponseWriter, what, value string, age time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: h.cookieName(what), Value: value, MaxAge: int(age / time.Second),
		Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

func (h *Web) clearCookies(w http.ResponseWriter, what ...string) {
	for _, name := range what {
		h.setCookie(w, name, "", -time.Second)
	}
}

func (h *Web) cookie(r *http.Request, what string) string {
	c, err := r.Cookie(h.cookieName(what))
	if err != nil {
		return ""
	}
	return c.Value
}

// setText and text keep values that are not tokens: a name or an address has characters
// that a cookie cannot hold.
func (h *Web) setText(w http.ResponseWriter, what, text string, age time.Duration) {
	h.setCookie(w, what, base64.RawURLEncoding.EncodeToString([]byte(text)), age)
}

func (h *Web) text(r *http.Request, what string) string {
	text, err := base64.RawURLEncoding.DecodeString(h.cookie(r, what))
	if err != nil {
		return ""
	}
	return string(text)
}

func (h *Web) challenge(r *http.Request) totpflow.Challenge {
	return totpflow.Challenge(h.cookie(r, challengeCookie))
}

func (h *Web) enrollment(r *http.Request) totpflow.EnrollmentToken {
	return totpflow.EnrollmentToken(h.cookie(r, enrollmentCookie))
}

// A keptProof is a proof with its account. The service knows whose proof it is; the page
// must know it too, so that a proof that somebody left in this browser does not begin
// their enrollment in another person's session.
type keptProof struct {
	Proof  totpflow.Proof
	Of     string
	Until  time.Time
	Action totpflow.Action `json:",omitempty"` // what it is for; the service decides
}

func accountHash(id totpflow.AccountID) string {
	sum := sha256.Sum256([]byte(id.Tenant + "\x00" + id.User))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (h *Web) setProof(w http.ResponseWriter, p totpflow.Proof, a totpflow.Action, of totpflow.AccountID) {
	h.setJSON(w, proofCookie, keptProof{p, accountHash(of), h.now().Add(totpflow.ProofLifetime), a})
}

// proof returns the proof of this account and what it is for, empty when there is none.
func (h *Web) proof(r *http.Request, of totpflow.AccountID) (totpflow.Proof, totpflow.Action) {
	var p keptProof
	if h.json(r, proofCookie, &p); p.Of != accountHash(of) {
		return "", ""
	}
	return p.Proof, p.Action
}

// proved reports whether the account has a proof here that may still be valid. It is for
// the page that asks for the password before a form that would be refused.
func (h *Web) proved(r *http.Request, of totpflow.AccountID) bool {
	var p keptProof
	h.json(r, proofCookie, &p)
	return p.Of == accountHash(of) && h.now().Before(p.Until)
}

func (h *Web) setJSON(w http.ResponseWriter, what string, v any) {
	text, err := json.Marshal(v)
	if err != nil { // unreachable: structs of strings
		return
	}
	h.setText(w, what, string(text), flowAge)
}

// json reads such a cookie, and leaves v as it is where there is none.
func (h *Web) json(r *http.Request, what string, v any) {
	_ = json.Unmarshal([]byte(h.text(r, what)), v)
}

func (h *Web) setTrust(w http.ResponseWriter, b totpflow.Browser) {
	h.setCookie(w, trustCookie+b.Token.Name(), string(b.Token), trust.MaxAge)
}

// trustTokens returns the tokens of everybody who trusts this browser. The service
// ignores those of others.
func (h *Web) trustTokens(r *http.Request) (tokens []trust.Token) {
	for _, c := range r.Cookies() {
		if strings.HasPrefix(c.Name, h.cookieName(trustCookie)) {
			tokens = append(tokens, trust.Token(c.Value))
		}
	}
	return tokens
}

// setNext keeps the page that the sign-in leads to.
func (h *Web) setNext(w http.ResponseWriter, to string) {
	if to = local(to); to != "" {
		h.setText(w, nextCookie, to, time.Hour)
	}
}

// next returns the page that the sign-in leads to. The browser may send anything, so the
// address is checked here again.
func (h *Web) next(r *http.Request) string {
	return orDefault(local(h.text(r, nextCookie)), h.Home)
}

// later returns the page that "not now" leads to on the way to an enrollment: never the
// enrollment itself, even where the sign-in was for it.
func (h *Web) later(r *http.Request) string {
	to := h.next(r)
	if path, _, _ := strings.Cut(to, "?"); path == h.Path("setup") || path == h.Path("phone") {
		return h.Path("security")
	}
	return to
}
