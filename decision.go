package totpflow

import (
	"time"

	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
)

// An AccountID names one account of the host: the same user in two tenants has two
// accounts.
type AccountID = store.AccountID

// A User is one account of the host, after its password was checked.
type User struct {
	// ID names the account: the organisation, empty for hosts with one, and the
	// host's unchangeable key of the account in it. That key is not a login name
	// or a mail address, which people change and spell in several ways. Required.
	ID AccountID

	// Name is the text that the authenticator app shows next to the issuer, usually the
	// mail address. It should differ between the accounts of one person, or
	// the app may overwrite one with the other. The default is ID. Characters that an
	// app cannot show are replaced ([totp.Label.Clean]), such as a colon by a space.
	Name string

	// Generation is the largest that the host has received, in a [Decision], a [Change]
	// or a [Status], and has stored with its user; zero when it stores none. A record
	// that is missing or older is refused with [ErrRecordLost] and not read as "never
	// enrolled".
	Generation uint64
}

// Step is what the host does next. The zero Step lets nobody in.
type Step string

const (
	Refused Step = ""         // also with every error
	Passed  Step = "passed"   // start the session for Decision.ID, with Decision.Mark
	AskCode Step = "ask code" // keep Decision.Challenge, show the code form
	Enroll  Step = "enroll"   // keep Decision.Challenge, go to the enrollment page
)

// Reason is why a sign-in passed. Sessions may carry it: a trusted browser is not a
// second factor (NIST SP 800-63B-4 §3.2.1), and neither are Off and NotEnrolled.
type Reason string

const (
	ReasonCode           Reason = "code"            // the app's code
	ReasonRecoveryCode   Reason = "recovery code"   // lead the person to a new authenticator
	ReasonTrustedBrowser Reason = "trusted browser" // no code was asked for
	ReasonPhoneCode      Reason = "phone code"      // by SMS or voice
	ReasonExternal       Reason = "external factor" // the host's own factor ([Service.BeginExternal])
	ReasonPolicyOff      Reason = "off"             // policy off, nothing set up
	ReasonNotEnrolled    Reason = "not enrolled"    // policy optional, nothing set up
	ReasonGrace          Reason = "grace"           // policy required, nothing set up, until Decision.GraceUntil
	ReasonMachine        Reason = "exempt"          // a machine account, through SignInMachine
)

// Method is a way to answer AskCode. More will come; hosts must ignore methods that they
// do not know.
type Method string

const (
	MethodCode         Method = "code"          // VerifyCode
	MethodRecoveryCode Method = "recovery-code" // VerifyRecoveryCode
	MethodPhoneCode    Method = "phone-code"    // SendPhoneCode, VerifyPhoneCode
	MethodIssuedCode   Method = "issued-code"   // VerifyIssuedCode: a code that an administrator sent
)

// A Decision is the answer of a flow. Its zero value refuses, and every error comes with
// the zero value.
type Decision struct {
	Step   Step
	Reason Reason // the reason, when passed

	// ID names the account to start the session for. It is set only when Step is
	// Passed, so that a session cannot be started for another account.
	ID AccountID

	// Challenge continues the sign-in, when Step is AskCode or Enroll.
	Challenge Challenge

	// Action is what the Challenge asks for, or what the Proof allows: [ActionSignIn],
	// [ActionEnroll] or [ActionReplaceAuthenticator]. It is empty when there is neither.
	Action Action

	// Proof is set when Passed. After an app's code it allows one TrustBrowser, or one
	// NewRecoveryCodes within an hour of codes that are not marked as saved. After an external
	// factor it allows one TrustBrowser. After a recovery code, after
	// [Service.ReplaceAtSignIn], or when nothing is set up, it allows one BeginEnrollment.
	// After a code by phone it allows one BeginEnrollment or BeginPhone, and nothing if the
	// account has an authenticator. A machine account gets no proof.
	Proof Proof

	// Methods are the ways to answer AskCode. With Enroll they are the methods that can
	// be set up: MethodCode by BeginEnrollment, and MethodPhoneCode by BeginPhone where
	// policy allows it.
	Methods []Method

	// Phones are the phones that a code can be sent to, with MethodPhoneCode. With Enroll
	// this is the number that an administrator has chosen, which has no ID yet; it is
	// empty where the person chooses.
	Phones []phone.Phone

	// Throttled is set with AskCode after too many wrong codes. It reports for how long,
	// and whether two consecutive codes are accepted meanwhile.
	Throttled *throttle.Error

	// TrustFor is how long this browser would be trusted; zero when policy does not allow
	// it.
	TrustFor time.Duration

	// RecoveryCodesLeft counts the unused recovery codes, when passed by one.
	RecoveryCodesLeft int

	// GraceUntil is when an enrollment becomes required, when passed by ReasonGrace. A
	// session that is still open ends then ([Account.SessionValid]).
	GraceUntil time.Time

	// Generation grows with every change of factors or of the password, and with every
	// call that ends tickets. See [User].Generation.
	Generation uint64

	// Mark is kept with the session, when passed. See [SessionMark].
	Mark SessionMark
}

// Action names what a proof allows. Hosts add their own, such as "delete backup".
type Action string

// On returns the purpose of doing the action to target: an id that the host chooses, or
// empty for an action without a target.
func (a Action) On(target string) Purpose { return Purpose{Action: a, Target: target} }

// A Purpose is what a proof is for. [Account.VerifyCode] and [Account.ConsumeProof]
// compare both parts, so that a proof for one backup cannot delete another. Of the
// library's own actions for a person, [ActionRemoveAuthenticator] and [ActionRemovePhone]
// have the id as their target, and the others have none.
type Purpose struct {
	Action Action
	Target string
}

const (
	ActionSignIn               Action = "sign in"               // in a decision's proof
	ActionEnroll               Action = "enroll"                // the first authenticator, when none is active
	ActionReplaceAuthenticator Action = "replace authenticator" // BeginEnrollment: clears the others at confirmation
	ActionAddAuthenticator     Action = "add authenticator"     // BeginEnrollment: keeps the others
	ActionRemoveAuthenticator  Action = "remove authenticator"  // Account.RemoveAuthenticator
	ActionDisable              Action = "disable"               // Account.Disable
	ActionRecoveryCodes        Action = "new recovery codes"    // Account.NewRecoveryCodes
	ActionAddPhone             Action = "add phone"             // BeginPhone
	ActionRemovePhone          Action = "remove phone"          // Account.RemovePhone
)
