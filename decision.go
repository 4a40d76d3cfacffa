package totpflow

import (
	"time"

	"github.com/totpflow/totpflow/throttle"
)

// A User is one account of the host, after its password was checked.
type User struct {
	// ID is the host's unchangeable key of the account: not a login name or a
	// mail address, which people change and spell in several ways. Required.
	ID string

	// Tenant keeps organisations apart: the same ID in two tenants is two
	// accounts. Hosts with one organisation leave it empty.
	Tenant string

	// Name is what the authenticator app shows beside the issuer, usually the
	// mail address. It should differ between the accounts of one person, or
	// the app may overwrite one with the other. The default is ID. What an app
	// cannot show is replaced ([totp.Label.Clean]), such as a colon by a space.
	Name string

	// Anchor is the [Decision].Anchor that the host last kept beside its user,
	// zero when it keeps none. A record that is missing or older is refused
	// with [ErrRecordLost] instead of being taken for "never enrolled".
	Anchor uint64
}

// Step is what the host does next. The zero Step lets nobody in.
type Step uint8

const (
	Refused Step = iota // also what comes with every error
	Passed              // start the session for Decision.ID
	AskCode             // keep Decision.Challenge, show the code form
	SetUp               // keep Decision.Challenge, go to the set-up page
)

func (s Step) String() string {
	switch s {
	case Passed:
		return "passed"
	case AskCode:
		return "ask code"
	case SetUp:
		return "set up"
	default:
		return "refused"
	}
}

// Reason is why a sign-in passed. Sessions may carry it: a trusted browser is
// not a second factor (NIST SP 800-63B-4 §3.2.1), Off and NotEnrolled are none.
type Reason string

const (
	ByCode           Reason = "code"            // the app's code
	ByRecoveryCode   Reason = "recovery code"   // lead the person to a new authenticator
	ByTrustedBrowser Reason = "trusted browser" // no code was asked
	ByPhoneCode      Reason = "phone code"      // by SMS or voice
	ByOther          Reason = "other factor"    // a factor of the host's, through VerifyOther
	Off              Reason = "off"             // policy off, nothing set up
	NotEnrolled      Reason = "not enrolled"    // policy optional, nothing set up
	InGrace          Reason = "grace"           // policy required, nothing set up, until Decision.GraceUntil
	Exempt           Reason = "exempt"          // a machine account, through SignInMachine
)

// Method is a way to answer AskCode. More will come; hosts ignore those they
// do not know.
type Method string

const (
	MethodCode         Method = "code"          // VerifyCode
	MethodRecoveryCode Method = "recovery-code" // VerifyRecoveryCode
	MethodPhoneCode    Method = "phone-code"    // SendPhoneCode, VerifyPhoneCode
	MethodIssuedCode   Method = "issued-code"   // VerifyIssuedCode: a code that an administrator had sent
)

// A Decision is the answer of a flow. Its zero value refuses, and whatever
// comes with an error is the zero value.
type Decision struct {
	Step   Step
	Reason Reason // when passed

	// ID and Tenant name the user to start the session for. They are set only
	// when Step is Passed, so that no session can be started for anybody else.
	ID     string
	Tenant string

	// Challenge continues the sign-in, when Step is AskCode or SetUp.
	Challenge Challenge

	// Proof comes with Passed. By a code it serves one TrustBrowser; by a
	// recovery code, or when nothing is set up, one BeginEnrollment; by a code of a
	// phone one BeginEnrollment or BeginPhone where there is no authenticator, and
	// else nothing. A machine account gets none.
	Proof Proof

	// Methods are the ways to answer AskCode. With SetUp they are what can be set
	// up: MethodCode by BeginEnrollment, and where policy allows it
	// MethodPhoneCode by BeginPhone.
	Methods []Method

	// Phones are where a code can be sent, with MethodPhoneCode. With SetUp it is
	// the number that an administrator has chosen, which has no ID yet; where the
	// person chooses, there is none.
	Phones []Phone

	// Waiting is set with AskCode while too many wrong codes were typed: until
	// when, and whether two consecutive codes are accepted meanwhile.
	Waiting *throttle.Error

	// TrustFor is how long this browser would be trusted, zero when policy does
	// not offer it.
	TrustFor time.Duration

	// RecoveryCodesLeft counts the unused recovery codes, when passed by one.
	RecoveryCodesLeft int

	// GraceUntil is when a set-up will be demanded, when passed by InGrace. A
	// session that goes on for longer ends then ([Account.SessionValid]).
	GraceUntil time.Time

	// Anchor grows with every change of factors. See [User].Anchor.
	Anchor uint64
}

// Action names what a proof is good for. Hosts may use their own words with
// [Account.Reauthenticate] and [Account.Spend], such as "delete backup".
type Action string

const (
	ActionSignIn        Action = "sign in"               // in a decision's proof
	ActionSetUp         Action = "set up"                // the first authenticator, when none is active
	ActionReplace       Action = "replace authenticator" // BeginEnrollment: clears the others at confirmation
	ActionAdd           Action = "add authenticator"     // BeginEnrollment: keeps the others
	ActionRemove        Action = "remove authenticator"  // Account.Remove
	ActionDisable       Action = "disable"               // Account.Disable
	ActionRecoveryCodes Action = "new recovery codes"    // Account.NewRecoveryCodes
)
