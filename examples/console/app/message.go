package app

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totp"
)

// explain says in words why a page's form was refused and what to do about it.
// It says nothing that only the operator should know.
func explain(page string, err error, now time.Time) string {
	var wait *throttle.Error
	var drift *enroll.DriftError
	switch {
	case err == nil:
		return ""
	case ofPhones(page, err, now) != "":
		return ofPhones(page, err, now)
	case errors.As(err, &wait):
		return explainWait(wait, now)
	case errors.As(err, &drift):
		return explainDrift(drift.Off)
	case errors.Is(err, errPassword):
		return "The e-mail address and the password do not match. Check both and try again."
	case errors.Is(err, totpflow.ErrAlreadyUsed):
		return "This code has been used already. Wait until your app shows the next one, and enter that."
	case errors.Is(err, totp.ErrMalformedCode):
		return "A code has 6 digits. Enter the one that your app shows now."
	case errors.Is(err, recovery.ErrMalformed):
		return "A recovery code has 16 letters and digits. Enter it as it stands on your sheet."
	case errors.Is(err, totpflow.ErrRejected):
		return wrongCode(page)
	case errors.Is(err, totpflow.ErrEnrollment):
		return "The set-up was open for too long, or was begun again elsewhere. Here is a new code to scan; remove the entry of the first try from your app."
	case errors.Is(err, totpflow.ErrRequired):
		return "Your organisation requires two-factor authentication. It cannot be turned off."
	case ofAuthenticators(err) != "":
		return ofAuthenticators(err)
	case ofAdministration(err) != "":
		return ofAdministration(err)
	case errors.Is(err, totpflow.ErrExempt):
		return "This is a machine account. It signs in from the backup agent, and not here."
	case errors.Is(err, totpflow.ErrFrozen):
		return "This account is closed, because its owner said of a change that it was not them. An administrator can open it again."
	case errors.Is(err, totpflow.ErrDisown):
		return "This link is not valid any more."
	case errors.Is(err, totpflow.ErrPasswordRecent):
		return "The password of this account was changed in the last 24 hours. For that long, no recovery code can be sent or used."
	case errors.Is(err, totpflow.ErrMethod):
		return "Your organisation does not allow recovery codes. Enter the code that your app shows now."
	case errors.Is(err, totpflow.ErrNotEnrolled):
		return "Two-factor authentication is not set up for this account."
	case errors.Is(err, totpflow.ErrProof), errors.Is(err, totpflow.ErrChallenge):
		return "This took too long, or was done already. Start again, please."
	case errors.Is(err, totpflow.ErrRecordLost):
		return "Your account has been closed for your safety. Please ask your administrator for help."
	case errors.Is(err, errNotFound):
		return "There is nothing at this address."
	case errors.Is(err, store.ErrUnavailable):
		return "We cannot reach our database at the moment. Nothing was changed. Please try again in a minute."
	default:
		return "Something went wrong on our side. Nobody was signed in. Please try again, or ask your administrator for help."
	}
}

func wrongCode(page string) string {
	const app = "Enter the one that your app shows now for this account, and check that the date and time of your device are set automatically."
	const sheet = "Enter one that stands on your newest sheet and that you have not used yet."
	switch page {
	case "recovery":
		return "This recovery code is not right. " + sheet
	case "issued":
		return "This code is not right. Enter the one of the newest mail; it works for 24 hours, and once."
	case "phone-code", "phone-confirm":
		return "This code is not right. Enter the one of the newest message."
	case "security", "phone", "stepup", "admin", "member":
		return "This code is not right. " + app + " Or use a recovery code that you have not used yet."
	default:
		return "This code is not right. " + app
	}
}

func explainWait(wait *throttle.Error, now time.Time) string {
	switch {
	case wait.Until.IsZero() && wait.Pair:
		return "Too many wrong codes were entered, so a single code is no longer accepted. Enter two codes in a row."
	case wait.Until.IsZero():
		return "Too many wrong codes were entered. Please ask your administrator for help."
	case wait.Pair:
		return "Too many wrong codes were entered. A single code is accepted again in " + span(wait.Until.Sub(now)) + ". Until then, enter two codes in a row."
	default:
		return "Too many wrong codes were entered. Try again in " + span(wait.Until.Sub(now)) + "."
	}
}

func explainDrift(off time.Duration) string {
	which := "ahead"
	if off < 0 {
		which, off = "behind", -off
	}
	return "Your device’s clock is about " + span(off) + " " + which +
		". Set the date and time of the device to automatic, then enter the code it shows."
}

// unit is what a duration is told in.
func unit(d time.Duration) (time.Duration, string) {
	switch {
	case d >= 48*time.Hour:
		return 24 * time.Hour, "day"
	case d >= 2*time.Hour:
		return time.Hour, "hour"
	case d >= 90*time.Second:
		return time.Minute, "minute"
	default:
		return time.Second, "second"
	}
}

// span is a duration in words, rounded up: who comes back then is not early.
func span(d time.Duration) string {
	u, name := unit(d)
	n := max(1, (d+u-1)/u)
	if n == 1 {
		return "1 " + name
	}
	return fmt.Sprintf("%d %ss", n, name)
}

func problemTitle(status int) string {
	switch status {
	case http.StatusNotFound:
		return "Page not found"
	case http.StatusServiceUnavailable:
		return "Please try again"
	default:
		return "That did not work"
	}
}

// stateWord is the state of the second factor, as a heading.
func stateWord(s enroll.State) string {
	w := strings.ReplaceAll(string(s), "-", " ")
	return strings.ToUpper(w[:1]) + w[1:]
}

// memberWord is the state of an account, for administrators.
func memberWord(s totpflow.MemberState) string {
	switch s {
	case totpflow.StateEnabled:
		return "Set up"
	case totpflow.StateRequired:
		return "Must set up"
	case totpflow.StateGrace:
		return "In grace"
	case totpflow.StateDisabled:
		return "Not set up"
	case totpflow.StateExempt:
		return "Exempt"
	case totpflow.StateFrozen:
		return "Closed"
	default:
		return "Unreadable"
	}
}

// happened says in words what an event of the account was.
func happened(e event.Event) string {
	switch e.Kind {
	case event.EnrollmentConfirmed:
		return "Authenticator app set up"
	case event.AuthenticatorsReplaced:
		return "Authenticator app replaced"
	case event.AuthenticatorRemoved:
		return "Authenticator app removed"
	case event.PhoneAdded:
		return "Phone set up"
	case event.PhoneRemoved:
		return "Phone removed"
	case event.PhoneAssigned:
		return "Phone number chosen"
	case event.AuthenticatorRenamed:
		return "Authenticator app renamed"
	case event.RecoveryUsed:
		return fmt.Sprintf("Recovery code used, %d left", e.Remaining)
	case event.RecoveryCodesMade:
		return "New recovery codes made"
	case event.RecoveryCodesSaved:
		return "Recovery codes marked as saved"
	case event.BrowserTrusted:
		return "Browser trusted"
	case event.BrowserRevoked:
		return "Trusted browser removed"
	case event.BrowsersRevoked:
		return "All trusted browsers removed"
	case event.PasswordChanged:
		return "Password changed"
	case event.Disabled:
		return "Two-factor authentication turned off"
	case event.Reset:
		return "Two-factor authentication reset"
	case event.Frozen:
		return "Account closed, because of “it was not me”"
	case event.Unlocked:
		return "Account unlocked"
	case event.GraceBegan:
		return "Two-factor authentication required from " + day(e.Until)
	case event.GraceExtended:
		return "More time to set up, until " + day(e.Until)
	case event.RecoveryIssued:
		return "Recovery code sent by mail"
	case event.IssuedCodeUsed:
		return "Recovery code from a mail used"
	case event.RecoveryCodesVoided:
		return "Recovery codes ended"
	case event.AuthenticatorRestored:
		return "Earlier authenticator app brought back"
	case event.Imported:
		return "Authenticator app taken over from another system"
	case event.Exempted:
		return "Made a machine account"
	case event.ExemptionEnded:
		return "Made a personal account again"
	case event.Forgotten:
		return "Account deleted"
	case event.PolicySet:
		return "Policy set to “" + e.Action + "”"
	case event.PolicyLowered:
		return "Policy lowered to “" + e.Action + "”"
	case event.BulkReset:
		return "Several accounts reset"
	case event.ApprovalAsked:
		return "Second administrator asked to " + e.Action
	case event.ApprovalGiven:
		return "Second administrator agreed to " + e.Action
	case event.ApprovalWithdrawn:
		return "Request withdrawn to " + e.Action
	default:
		return strings.ReplaceAll(string(e.Kind), "_", " ")
	}
}

// The notices that one page leaves for the next, by the word in their cookie.
// A cookie of its own, since most come up where there is no session.
var notices = map[string]string{
	"expired":               "Your sign-in took too long, or was completed elsewhere. Please sign in again.",
	"closed":                "You have been signed out, because this account was closed. An administrator can open it again.",
	"ended":                 "You have been signed out, because the security settings of your account were changed.",
	"phone-sent":            "A code is on its way.",
	"phone-added":           "Your phone is set up. From now on a code can be sent to it when you sign in.",
	"phone-removed":         "The phone is removed. Browsers that you trusted are asked for a code again.",
	"member-phone":          "The number is chosen. The person verifies it at the next sign-in, by a code that is sent to it.",
	"renamed":               "The authenticator has its new name.",
	"removed":               "The authenticator is removed. Browsers that you trusted are asked for a code again.",
	"waits":                 "Nothing has changed yet: a second administrator has 24 hours to agree.",
	"policy":                "The policy is set. It holds from the next sign-in on.",
	"approve":               "Done, by the two of you.",
	"withdraw":              "The request is withdrawn.",
	"reset-many":            "The accounts are reset. Each person sets up anew at the next sign-in.",
	"member-reset":          "The reset is done.",
	"member-unlock":         "The account is unlocked.",
	"member-grace":          "There is more time now to set up.",
	"member-exempt":         "It is a machine account now. Nobody can sign in to it here.",
	"member-restore":        "The earlier authenticator works again, and no other. Ask the person for a new password.",
	"member-forget":         "The account is deleted.",
	"member-issue-code":     "A recovery code is on its way to the person’s mailbox.",
	"member-end-exemption":  "It is a personal account again, and has to be set up.",
	"member-revoke-browser": "That browser will be asked for a code at the next sign-in.",
	"backup-deleted":        "The backup is deleted.",
	"not-pending":           "There is nothing to confirm, or not any more. Choose again, please.",
	"signed-out":            "You are signed out.",
	"disabled":              "Two-factor authentication is off. Your trusted browsers and recovery codes no longer work.",
	"saved":                 "Good. Keep your recovery codes where only you can find them.",
	"browser-revoked":       "That browser will be asked for a code at the next sign-in.",
	"browsers-revoked":      "All browsers will be asked for a code at the next sign-in.",
	"not-trusted":           "You are signed in, but this browser could not be remembered. It will be asked for a code again.",
}

const noticeCookie = "__Host-notice"

func setNotice(w http.ResponseWriter, word string) {
	http.SetCookie(w, &http.Cookie{
		Name: noticeCookie, Value: word, MaxAge: 60,
		Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// takeNotice returns the notice that is waiting, which is shown once.
func takeNotice(w http.ResponseWriter, r *http.Request) string {
	k, err := r.Cookie(noticeCookie)
	if err != nil {
		return ""
	}
	http.SetCookie(w, &http.Cookie{Name: noticeCookie, MaxAge: -1, Path: "/", Secure: true, HttpOnly: true})
	return notices[k.Value]
}
