package event

import (
	"log/slog"
	"slices"
)

// A Kind names what happened, in a word of lower-case letters and underscores that is
// stable across releases.
type Kind string

// Events that a person or an attacker can cause at will. These are attempts: they are
// counted by day.
const (
	SignedIn             Kind = "signed_in"             // the second factor was passed, by Method
	Reauthenticated      Kind = "reauthenticated"       // a signed-in person passed it again, for Action
	EnrollmentBegan      Kind = "enrollment_began"      // a candidate was offered; it signs nobody in yet
	AuthenticatorRenamed Kind = "authenticator_renamed" // the person renamed it; this changes no access, and an open session can do it at will
	PhoneCodeSent        Kind = "phone_code_sent"       // sent by Method, sms or voice
	CodeRejected         Kind = "code_rejected"         // a wrong code, which was counted, or by Method "confirmation" that of an enrollment, which was not
	CodeReplayed         Kind = "code_replayed"         // a right code that had been used before (NIST SP 800-63B-4 §3.2.7)
	CodeMalformed        Kind = "code_malformed"        // not a code; not counted, since nothing was guessed
	Throttled            Kind = "throttled"             // refused without a check, until Until
	RejectedRepeatedly   Kind = "rejected_repeatedly"   // three wrong codes in a row after a good password; once per episode
	Suspended            Kind = "suspended"             // a long window of wrong codes is used up
	RecoveryRejected     Kind = "recovery_rejected"     // a wrong or used recovery code
	ClockBehind          Kind = "clock_behind"          // refused because this server's clock is behind the record
	SignInRefused        Kind = "sign_in_refused"       // no code was asked for, since the account is frozen or a machine's
)

// confirmation is the Method of a wrong code that was to confirm an enrollment. It is not a
// guess: the secret is on the page.
const confirmation = "confirmation"

// Changes that affect who can sign in, or how. These are kept one by one; NIST SP
// 800-63B-4 §4.6 and OWASP require that the person is notified of each.
const (
	EnrollmentConfirmed    Kind = "enrollment_confirmed"    // an authenticator was bound
	AuthenticatorsReplaced Kind = "authenticators_replaced" // a new authenticator ended the others
	AuthenticatorRemoved   Kind = "authenticator_removed"
	RecoveryUsed           Kind = "recovery_used" // Remaining is how many are left
	RecoveryCodesMade      Kind = "recovery_codes_made"
	RecoveryCodesSaved     Kind = "recovery_codes_saved"
	PhoneAdded             Kind = "phone_added" // a number has shown a code of its own
	PhoneRemoved           Kind = "phone_removed"
	BrowserTrusted         Kind = "browser_trusted"
	BrowserRevoked         Kind = "browser_revoked"
	BrowsersRevoked        Kind = "browsers_revoked"
	PasswordChanged        Kind = "password_changed" // as the host reported it
	SessionsEnded          Kind = "sessions_ended"   // "sign out everywhere"
	Disabled               Kind = "disabled"
	Reset                  Kind = "reset"       // an administrator, Actor, cleared what Action names
	RecordLost             Kind = "record_lost" // the record is missing or older than the host remembers
	Frozen                 Kind = "frozen"      // the person said "it was not me"; nobody gets in until an administrator unlocks
	GraceBegan             Kind = "grace_began" // a factor is required; the person may sign in without one until Until
	IssuedCodeUsed         Kind = "issued_code_used"
)

// Changes that an administrator or operator, Actor, made to one account. The person is
// notified of these as well.
const (
	Imported              Kind = "imported" // an authenticator of another system was taken over
	Exempted              Kind = "exempted" // a machine account: it has no second factor and needs none
	ExemptionEnded        Kind = "exemption_ended"
	GraceExtended         Kind = "grace_extended"         // an administrator gave more time, until Until
	RecoveryIssued        Kind = "recovery_issued"        // a code went to the person's mailbox; it ends at Until
	RecoveryCodesVoided   Kind = "recovery_codes_voided"  // made before the database was restored, so that used ones may look unused
	AuthenticatorRestored Kind = "authenticator_restored" // one that was replaced, removed or disabled came back
	PhoneAssigned         Kind = "phone_assigned"         // a number was chosen for the person, who must verify it: Action, masked; empty if phones were only removed
	SetupReminded         Kind = "setup_reminded"         // the person must set up a factor, by Until if that is set; this requires the code Method, if that is set
	Unlocked              Kind = "unlocked"
	Forgotten             Kind = "forgotten" // the record was erased; only the observers' log remembers it
)

// Changes that an administrator or operator, Actor, made to a tenant. User is empty.
const (
	PolicySet         Kind = "policy_set"         // as strict as before, or stricter
	PolicyLowered     Kind = "policy_lowered"     // less strict in some respect
	BulkReset         Kind = "bulk_reset"         // many accounts at once; each has a Reset of its own
	ApprovalRequested Kind = "approval_asked"     // Action is pending until a second administrator approves, or until Until
	ApprovalGranted   Kind = "approval_given"     // a second administrator approved; Action and Until are those of the request
	ApprovalWithdrawn Kind = "approval_withdrawn" // nothing was changed; Action and Until are those of the request
	KeysRotated       Kind = "keys_rotated"       // every record that opens is under the newest key
	EpochRaised       Kind = "epoch_raised"       // everything sealed before the database was restored has ended
)

// NotificationDropped is an event that is not in any record: a notification was given up,
// for Reason. Action is the kind of its first event. The person was not notified.
const NotificationDropped Kind = "notification_dropped"

// refusals are the attempts that let nobody in: an operator wants to see them
// at a glance.
var refusals = []Kind{CodeRejected, CodeReplayed, CodeMalformed, Throttled, RejectedRepeatedly, Suspended, RecoveryRejected, ClockBehind, SignInRefused}

// attempts are closed, so that the counts of a day are bounded. Records count by
// their places: a further one goes to the end, with a new format.
var attempts = [...]Kind{
	SignedIn, Reauthenticated, EnrollmentBegan, AuthenticatorRenamed, PhoneCodeSent,
	CodeRejected, CodeReplayed, CodeMalformed, Throttled, RejectedRepeatedly, Suspended, RecoveryRejected, ClockBehind, SignInRefused,
}

var changes = []Kind{
	EnrollmentConfirmed, AuthenticatorsReplaced, AuthenticatorRemoved,
	RecoveryUsed, RecoveryCodesMade, RecoveryCodesSaved, PhoneAdded, PhoneRemoved,
	BrowserTrusted, BrowserRevoked, BrowsersRevoked, PasswordChanged, SessionsEnded, Disabled, Reset, RecordLost,
	Frozen, GraceBegan, IssuedCodeUsed,
	Imported, Exempted, ExemptionEnded, GraceExtended, RecoveryIssued, RecoveryCodesVoided, AuthenticatorRestored, PhoneAssigned, SetupReminded, Unlocked, Forgotten,
	PolicySet, PolicyLowered, BulkReset, ApprovalRequested, ApprovalGranted, ApprovalWithdrawn, KeysRotated, EpochRaised,
}

// Kinds returns every kind of this release, attempts first.
func Kinds() []Kind { return slices.Concat(attempts[:], changes) }

// SecurityChange reports whether k changes who can sign in, or how. An unknown kind
// counts as one: it must not disappear among the attempts.
func (k Kind) SecurityChange() bool { return !slices.Contains(attempts[:], k) }

// Notable reports whether the person is notified of k: a security change, and guesses by
// somebody who has the password.
func (k Kind) Notable() bool {
	switch k {
	case RejectedRepeatedly, Suspended:
		return true
	case RecoveryCodesSaved: // a click, which changes nobody's access
		return false
	case RecordLost: // no record is left to keep it in: it is for the operator
		return false
	}
	return k.SecurityChange()
}

// Disownable reports whether a person can answer "it was not me" to k. Messages about
// other kinds have no link that closes the account: a reminder or the start of a grace
// period must not frighten anybody, and a rollout would close the accounts of people who
// click.
func (k Kind) Disownable() bool {
	switch k {
	case SetupReminded, GraceBegan, GraceExtended, PhoneAssigned:
		return false
	}
	return k.Notable()
}

// Refusal reports whether k means that somebody was not let in.
func (k Kind) Refusal() bool { return slices.Contains(refusals, k) }

func (k Kind) level() slog.Level {
	if k.Refusal() || k == RecordLost || k == Frozen || k == NotificationDropped {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}
