package totpflow

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/internal/engine"
)

// How long tickets live.
const (
	// ChallengeLifetime is how long a person has from the password to the code.
	ChallengeLifetime = 10 * time.Minute
	// ProofLifetime is how long a proof is valid (NIST SP 800-63B calls for recent
	// authentication).
	ProofLifetime = engine.ProofLifetime
	// DisownTokenLifetime is how long after its event a [DisownToken] is valid.
	DisownTokenLifetime = 72 * time.Hour
)

// A Challenge stands for a sign-in under way: the password was right, the second step is
// next. It is sealed, names its user, is valid for [ChallengeLifetime] and completes one
// sign-in. Keep it in a cookie of its own (totphttp.SetChallenge) or in the session on
// the server; never in a form or a URL. Printing it shows nothing; string(c) is the
// value.
type Challenge string

// A Proof shows that a factor was passed, by whom and for which action. Only a service
// makes one, the empty Proof proves nothing, and the operation that it was made for
// consumes it. It is sealed and may be kept between requests in the session on the
// server. Printing it shows nothing; string(p) is the value.
type Proof string

// An EnrollmentToken lets its holder see the enrollment page again until the
// enrollment is confirmed or [enroll.CandidateLifetime] has passed since the challenge or
// the proof that it was started with; the token of a phone's enrollment, since [Service.BeginPhone]. It is sealed; treat
// it as the secret that it leads to. Printing it shows nothing; string(t) is
// the value.
type EnrollmentToken string

// The kinds of tickets, each with a sealing key of its own.
var (
	challengeKind  = engine.Kind{Name: "totpflow/challenge", Lifetime: ChallengeLifetime}
	proofKind      = engine.ProofKind
	enrollmentKind = engine.Kind{Name: "totpflow/enrollment", Lifetime: enroll.CandidateLifetime}
)

// Format implements [fmt.Formatter]: a challenge in a log would let every reader of the
// log sign in. Format is not called where a caller prints a struct that has a challenge
// in an unexported field. Challenges stay strings nevertheless, since they must fit into
// sessions and cookies.
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
