package event

import (
	"log/slog"
	"slices"
)

// A Kind says what happened, as a word of lower-case letters and underscores
// that is stable across releases.
type Kind string

// What a person or an attacker can do at will. These are attempts: they are
// counted by day.
const (
	SignedIn             Kind = "signed_in"             // the second factor was passed, by Method
	Reauthenticated      Kind = "reauthenticated"       // a signed-in person passed it again, for Action
	EnrollmentBegan      Kind = "enrollment_began"      // a candidate was offered; it signs nobody in yet
	AuthenticatorRenamed Kind = "authenticator_renamed" // by the person; it changes no access, and an open session can do it at will
	CodeRejected         Kind = "code_rejected"         // a wrong code, which was counted
	CodeReplayed         Kind = "code_replayed"         // a right code that had been used before (NIST SP 800-63B-4 §3.2.7)
	CodeMalformed        Kind = "code_malformed"        // no code at all; not counted, since nothing was guessed
	Throttled            Kind = "throttled"             // refused unseen, until Until
	RejectedRepeatedly   Kind = "rejected_repeatedly"   // three wrong codes in a row after a good password; once per episode
	Suspended            Kind = "suspended"             // a long window of wrong codes is spent
	RecoveryRejected     Kind = "recovery_rejected"     // a wrong or used recovery code
	ClockBehind          Kind = "clock_behind"          // refused because this server's clock is behind the record
)

// What changes who can sign in, or how. These are kept one by one; NIST SP
// 800-63B-4 §4.6 and OWASP want the person told of each.
const (
	EnrollmentConfirmed    Kind = "enrollment_confirmed"    // an authenticator was bound
	AuthenticatorsReplaced Kind = "authenticators_replaced" // a new authenticator ended the others
	AuthenticatorRemoved   Kind = "authenticator_removed"
	RecoveryUsed           Kind = "recovery_used" // Remaining says how many are left
	RecoveryCodesMade      Kind = "recovery_codes_made"
	RecoveryCodesSaved     Kind = "recovery_codes_saved"
	BrowserTrusted         Kind = "browser_trusted"
	BrowserRevoked         Kind = "browser_revoked"
	BrowsersRevoked        Kind = "browsers_revoked"
	PasswordChanged        Kind = "password_changed" // as the host reported it
	Disabled               Kind = "disabled"
	Reset                  Kind = "reset"       // by an administrator, Actor
	RecordLost             Kind = "record_lost" // the record is gone or older than the host remembers
)

// refusals are the attempts that let nobody in: an operator wants to see them
// at a glance.
var refusals = []Kind{CodeRejected, CodeReplayed, CodeMalformed, Throttled, RejectedRepeatedly, Suspended, RecoveryRejected, ClockBehind}

// attempts are closed, so that the counts of a day are bounded.
var attempts = append([]Kind{SignedIn, Reauthenticated, EnrollmentBegan, AuthenticatorRenamed}, refusals...)

var changes = []Kind{
	EnrollmentConfirmed, AuthenticatorsReplaced, AuthenticatorRemoved,
	RecoveryUsed, RecoveryCodesMade, RecoveryCodesSaved,
	BrowserTrusted, BrowserRevoked, BrowsersRevoked, PasswordChanged, Disabled, Reset, RecordLost,
}

// Kinds returns every kind of this release, attempts first.
func Kinds() []Kind { return slices.Concat(attempts, changes) }

// SecurityChange reports whether k changes who can sign in, or how. A kind that
// this release does not know counts as one: what is not understood must not
// disappear among the attempts.
func (k Kind) SecurityChange() bool { return !slices.Contains(attempts, k) }

// Refusal reports whether k says that somebody was not let in.
func (k Kind) Refusal() bool { return slices.Contains(refusals, k) }

func (k Kind) level() slog.Level {
	if k.Refusal() || k == RecordLost {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}
