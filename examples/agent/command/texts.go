package command

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Everything that the agent says to people is in this file. What scripts read,
// the words of --json and the exit codes, is not: it is the same in every
// language.

// Questions.
const (
	askEmail         = "E-mail address: "
	askPassword      = "Password: "
	askPasswordAgain = "Password, once more: "
	askOrganisation  = "Number: "
	askCode          = "Code from your app, or a recovery code: "
	askFirstCode     = "Current code: "
	askNextCode      = "Next code: "
	askMailCode      = "Code from the mail: "
	askNewCode       = "Code that the app shows now: "

	wordMail = "mail" // typed in place of a code, by who has one in a mail

	promptSignedOut = "agent (signed out)> "
	promptLocked    = "agent (locked)> "
	promptOpen      = "agent> "
)

// Help.
const (
	helpSignIn   = "sign in with password and code"
	helpStatus   = "how the agent stands"
	helpList     = "the backups, with their ids"
	helpSetUp    = "set up an authenticator, or a new one in place of it"
	helpRegister = "give this machine its key for the unattended job"
	helpRun      = "run the job now: keep a backup of a folder; works while locked"
	helpDelete   = "delete a backup; asks for a code"
	helpLock     = "lock, here and in other windows"
	helpUnlock   = "open with password and code, and stay open in a shell"
	helpSignOut  = "end the session, here and on the server"
	helpShell    = "stay open, and lock when closed or left alone"
)

func usage(all map[string]command) string {
	var b strings.Builder
	b.WriteString("Usage: agent [-server URL] COMMAND\n\n")
	for _, name := range order {
		fmt.Fprintf(&b, "  %-20s %s\n", strings.TrimSpace(name+" "+all[name].args), all[name].what)
	}
	b.WriteString(`
The agent is open as long as it runs: "unlock" and "shell" stay, everything else
asks for password and code when it needs them. Answers may come from a pipe, one
a line.

Exit codes: 0 done, 1 failed, 2 usage, 3 refused, 4 locked, 5 not signed in,
6 wait after too many wrong codes, 7 this machine has no key.
`)
	return b.String()
}

func textUnknownCommand(name string) string {
	return fmt.Sprintf("there is no command %q; -h lists them", name)
}

func textUsageOf(name, args string) string {
	return "usage: " + strings.TrimSpace("agent "+name+" "+args)
}

func textFailure(text string) string { return "agent: " + text }

// What went wrong. Each is one line.
const (
	textSignedOut     = "you are not signed in; agent signin"
	textSignedIn      = "you are signed in already; agent signout ends that"
	textSessionOver   = "your session is over; sign in again"
	textLocked        = "locked; it opens with password and code"
	textVaultBroken   = "what was kept of your session cannot be opened; sign out and in again"
	textNotRegistered = "this machine has no key yet; an administrator runs agent register"
	textKeyEnded      = "the key of this machine has ended; an administrator runs agent register"
	textServer        = "the address of the server must begin with https://, or with http:// on this machine"
	textUnreachable   = "the server does not answer"
	textUnavailable   = "the server cannot reach its database; try again in a minute"
	textAnswer        = "the server's answer makes no sense; is it the address of the console?"
	textNoBackup      = "there is no backup with this id; agent list shows them"
	textFolder        = "the folder cannot be read"
	textExposed       = "a file of the agent can be read by others (chmod 600), and what is in it may be known: sign out, or register again"
	textBroken        = "a file of the agent is damaged"
	textAborted       = "nothing was done: there was no answer"
	textFault         = "something went wrong; nothing is known to have changed"
	textNotFound      = "there is nothing of this name"
	textNoSuchChoice  = "that is none of them"
)

// refusals are what the server's words mean here.
var refusals = map[string]string{ //nolint:gosec // words about passwords, and none of them is one
	"wrong_password":          "the e-mail address and the password do not match",
	"wrong_code":              "this code is not right",
	"used_code":               "this code has been used; wait until the app shows the next one",
	"malformed_code":          "a code has 6 digits, a recovery code 16 letters and digits",
	"challenge_over":          "this took too long; start again",
	"setup_over":              "this took too long, or was begun elsewhere; start again",
	"setup_required":          "set up two-factor authentication first: agent setup",
	"proof_required":          "this took too long, or was done already; start again",
	"not_enrolled":            "this takes a code; set up two-factor authentication first: agent setup",
	"method_not_allowed":      "your organisation does not allow this way; use the code of your app",
	"password_too_new":        "the password was changed in the last 24 hours; until then no code of a mail is taken",
	"account_closed":          "this account is closed; ask your administrator",
	"machine_account":         "this is a machine's account; nobody signs in to it",
	"not_allowed":             "only administrators can do this",
	"too_many_authenticators": "you have as many authenticators as there can be",
	"too_late":                "this took too long; sign in again",
	"password_required":       "this takes your password",
	"organisation_required":   "this is none of your organisations",
	"code_required":           "this takes a code",
}

func textWait(until time.Time, pair bool, now time.Time) string {
	switch {
	case pair && until.IsZero():
		return "too many wrong codes; only two codes in a row are accepted"
	case until.IsZero():
		return "too many wrong codes; ask your administrator"
	case pair:
		return textWaitPair(until.Sub(now))
	}
	return "too many wrong codes; try again in " + span(until.Sub(now))
}

func textWaitPair(d time.Duration) string {
	return "too many wrong codes; two codes in a row are accepted, or a single one in " + span(d)
}

// What was done.
const (
	textNowLocked    = "Locked."
	textNowOpen      = "Open."
	textNowSignedOut = "Signed out."
	textLeftOnServer = "The server could not be told; the session there ends by itself within 30 days."
	textDeleted      = "Deleted."
	textNoBackups    = "There are no backups."
	textIdle         = "Locked: nobody has used it."
	textShell        = `Type "help" for the commands, and "exit" to close.`
	textNoKeyring    = "There is no keyring here; the session is kept in a file that only you can read."
	textNotEnrolled  = "Your account has no second factor. Set one up: agent setup"
	textSetUpFirst   = "Your organisation requires two-factor authentication. Set it up now; it takes two minutes."
	textReplacing    = "A new authenticator takes the place of the one you have, which works until the new one has shown a code."
	textTryAgain     = "this code is not right; enter the one that the app shows now for this account"
	textSetUp        = "Two-factor authentication is set up."
)

func textWelcome(name, organisation string) string {
	return fmt.Sprintf("Signed in as %s, %s.", name, organisation)
}

func textOpening(email string) string {
	return fmt.Sprintf("Locked. Password and code of %s open it.", email)
}

func textChoice(n int, name string) string { return fmt.Sprintf("  %d  %s", n, name) }

func textRecovering(left int) string {
	return fmt.Sprintf("You used a recovery code; %d are left. Set up your new phone now.", left)
}

func textGrace(until time.Time) string {
	return "Set up two-factor authentication until " + textTime(until) + ": agent setup"
}

func textScan(secret string, expires time.Time) string {
	return fmt.Sprintf("Scan the code below with the authenticator app on your phone. Its date and time must be set automatically.\n"+
		"Or type this set-up key into the app: %s\nSave the key like one of your office: it sets up a new phone later. This is good until %s.",
		secret, textTime(expires))
}

func textClears(names []string) string {
	return "When you confirm, this stops working: " + strings.Join(names, ", ")
}

func textClock(off time.Duration) string {
	which := "ahead"
	if off < 0 {
		which, off = "behind", -off
	}
	return fmt.Sprintf("the clock of your phone is about %s %s; set it to automatic, then enter the code it shows", span(off), which)
}

func textRecoveryCodes(codes []string) string {
	var b strings.Builder
	b.WriteString("Your recovery codes, shown only now. Each lets you in once when the phone is lost:\n")
	for _, code := range codes {
		b.WriteString("\n  " + clean(code))
	}
	return b.String()
}

func textDelete(machine string, taken time.Time, gigabytes int) string {
	return fmt.Sprintf("Delete the backup of %s, taken %s, %d GB? It cannot be brought back. To do it, enter a code.", machine, textTime(taken), gigabytes)
}

func textRegister(organisation string) string {
	return fmt.Sprintf("This machine will keep backups for %s without asking anybody. To allow it, enter a code.", organisation)
}

func textRegistered(machine string) string {
	return fmt.Sprintf("This machine runs its job as %q.", machine)
}

func textKept(id, machine string, gigabytes int) string {
	return fmt.Sprintf("Kept a backup of %s, %d GB, as %s.", machine, gigabytes, id)
}

func textStatus(s standing) string {
	var b strings.Builder
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "\n%-16s %s", name, clean(value))
		}
	}
	row("State", map[string]string{"signed-out": "signed out", "locked": "locked", "unlocked": "open"}[s.State])
	if s.LocksAt != nil {
		row("Locks", textTime(*s.LocksAt)+", when nobody uses it")
	}
	row("Server", s.Server)
	row("Account", s.Email)
	row("Organisation", s.Organisation)
	row("Kept in", map[string]string{"keyring": "the system's keyring", "file": "a file that only you can read"}[s.KeptIn])
	row("Second factor", s.SecondFactor)
	if s.RecoveryCodesLeft != nil {
		row("Recovery codes", fmt.Sprintf("%d left", *s.RecoveryCodesLeft))
	}
	row("Unattended job", s.Machine)
	return b.String()[1:]
}

func textTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// span is a duration in words, rounded up: who comes back then is not early.
func span(d time.Duration) string {
	u, name := time.Second, "second"
	switch {
	case d >= 2*time.Hour:
		u, name = time.Hour, "hour"
	case d >= 90*time.Second:
		u, name = time.Minute, "minute"
	}
	n := max(1, (d+u-1)/u)
	if n == 1 {
		return "1 " + name
	}
	return fmt.Sprintf("%d %ss", n, name)
}

// clean keeps a name that somebody else has chosen from repainting the terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

func cleanAll(all []string) []string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = clean(s)
	}
	return out
}
