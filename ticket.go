package totpflow

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/store"
)

// How long tickets live.
const (
	// ChallengeLifetime is how long a person has from the password to the code.
	ChallengeLifetime = 10 * time.Minute
	// ProofLifetime is how long a passed factor stands for the action that it was
	// given for (NIST SP 800-63B calls for recent authentication).
	ProofLifetime = 5 * time.Minute
)

// A Challenge stands for a sign-in under way: the password was right, the
// second step is to come. It is sealed, names its user, lives [ChallengeLifetime]
// and serves one success. Keep it in a cookie of its own
// (totphttp.SetChallenge) or in the session on the server; never in a form or
// a URL. Printing it shows nothing; string(c) is the value.
type Challenge string

// A Proof says that a factor was passed, by whom and for which action. Only a
// service makes one, the empty Proof proves nothing, and the operation it was
// made for consumes it. It is sealed and may cross requests in the session on
// the server. Printing it shows nothing; string(p) is the value.
type Proof string

// An EnrollmentToken lets its holder see the enrollment page again until the
// enrollment is confirmed or [enroll.CandidateLifetime] has passed. It is sealed; treat
// it as the secret that it leads to. Printing it shows nothing; string(t) is
// the value.
type EnrollmentToken string

// A ticket is what the three sealed strings hold. One type, so that there is
// one way of making and one of refusing them; each kind has a sealing key of
// its own, so that none can be taken for another.
type ticket struct {
	ID     string    `json:"id"`
	Kind   kind      `json:"kind"`
	Tenant string    `json:"tenant,omitempty"`
	User   string    `json:"user"`
	Name   string    `json:"name,omitempty"`   // of the account, for the authenticator's label
	Issued time.Time `json:"issued"`           // whole milliseconds
	Action Action    `json:"action,omitempty"` // what a challenge asks or a proof allows
	Reason Reason    `json:"reason,omitempty"` // how a proof was earned

	Candidate string `json:"candidate,omitempty"` // of an enrollment token

	// The text of the above and the account's tag of it. Only the record can
	// tell whether they belong together, so that until [ticket.holds] the ticket
	// is the word of whoever has the ring.
	text, tag []byte
}

type kind string

const (
	challengeKind  kind = "totpflow/challenge"
	proofKind      kind = "totpflow/proof"
	enrollmentKind kind = "totpflow/enrollment"
)

// lifetime is how long a ticket of kind k is good for, at most
// [account.TicketAge].
func (k kind) lifetime() time.Duration {
	switch k {
	case challengeKind:
		return ChallengeLifetime
	case enrollmentKind:
		return enroll.CandidateLifetime
	default:
		return ProofLifetime
	}
}

// errTicket covers every way in which a sealed string is not a ticket of this
// service. Which one is of no use to anybody but an attacker.
var errTicket = errors.New("totpflow: not a valid ticket")

func (t ticket) account() store.AccountID { return store.AccountID{Tenant: t.Tenant, User: t.User} }

// seal issues the ticket for the account as it stands and makes a string of it
// that is safe in a cookie, signed by the account and sealed by the ring. The
// ring's epoch is associated data: raising it after a database was restored ends
// every ticket.
func (s *Service) seal(k kind, r *account.Round, t ticket) string {
	t.ID, t.Kind, t.Issued = rand.Text()[:16], k, r.Now.Truncate(time.Millisecond)
	text, err := json.Marshal(t)
	if err != nil { // unreachable: strings and times of this century
		return ""
	}
	plain := append(r.Sign(text), text...)
	return base64.RawURLEncoding.EncodeToString(s.keys.Seal(string(k), plain, s.audience, s.keyEpoch()))
}

// maxTicket bounds the work on hostile input; ours are under 1 KiB.
const maxTicket = 4096

// unspell returns the bytes of a sealed string in its one spelling: the decoder
// alone skips line ends.
func unspell(sealed string) (raw []byte, ok bool) {
	if len(sealed) > maxTicket {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	return raw, err == nil && base64.RawURLEncoding.EncodedLen(len(raw)) == len(sealed)
}

func (s *Service) unseal(k kind, sealed string) (ticket, error) {
	raw, ok := unspell(sealed)
	if !ok {
		return ticket{}, errTicket
	}
	plain, err := s.keys.Open(string(k), raw, s.audience, s.keyEpoch())
	if err != nil || len(plain) < sha256.Size {
		return ticket{}, errTicket
	}
	t := ticket{tag: plain[:sha256.Size], text: plain[sha256.Size:]}
	if err := json.Unmarshal(t.text, &t); err != nil || t.Kind != k || t.ID == "" || t.User == "" {
		return ticket{}, errTicket
	}
	return t, nil
}

func (s *Service) keyEpoch() string { return strconv.FormatUint(uint64(s.keys.Epoch()), 10) }

// clockTolerance is how far the clocks of two processes may stand apart.
const clockTolerance = 30 * time.Second

// holds reports whether the ticket is still good for the account as it stands.
// One of the future was made by a clock that has been put back since, and would
// live for longer than it should.
func (t ticket) holds(r *account.Round) bool {
	age := r.Now.Sub(t.Issued)
	return !r.Frozen() && r.Signed(t.text, t.tag) &&
		-clockTolerance <= age && age < t.Kind.lifetime() &&
		!r.IsSpent(t.ID, t.Issued)
}

// Format implements [fmt.Formatter]: a challenge in a log would be a sign-in
// for whoever reads it. It cannot help where a caller prints a struct that has
// one in an unexported field; these strings must fit into sessions and cookies.
func (c Challenge) Format(f fmt.State, _ rune)       { redact(f, "challenge", c == "") }
func (p Proof) Format(f fmt.State, _ rune)           { redact(f, "proof", p == "") }
func (t EnrollmentToken) Format(f fmt.State, _ rune) { redact(f, "enrollment token", t == "") }

// LogValue implements [slog.LogValuer].
func (c Challenge) LogValue() slog.Value       { return slog.StringValue(fmt.Sprint(c)) }
func (p Proof) LogValue() slog.Value           { return slog.StringValue(fmt.Sprint(p)) }
func (t EnrollmentToken) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(t)) }

func redact(f fmt.State, what string, empty bool) {
	if empty {
		what = "no " + what
	}
	fmt.Fprintf(f, "[%s]", what)
}
